#!/usr/bin/env bash
# SimHash with the usual threshold of 3 bits is no measure for titles: one changed
# digit moves far more bits, so a corrected toll of casualties looks like another matter.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check simhash==2.1.2 numpy==1.26.4
"$dir/venv/bin/python" - <<'PY'
from simhash import Simhash

a, b = "某县山火致3人被困", "某县山火致5人被困"
distance = Simhash(a).distance(Simhash(b))
print(f"{a} / {b}: {distance} of 64 bits")
assert distance == 30, distance
PY
