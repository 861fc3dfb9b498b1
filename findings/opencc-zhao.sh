#!/usr/bin/env bash
# OpenCC's t2s does not turn 著 into 着, since 著 is a good simplified character too
# (著名). Texts from Taiwan write 著火; only tw2s knows which is which.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check opencc-python-reimplemented==0.1.7
"$dir/venv/bin/python" - <<'PY'
from opencc import OpenCC

text = "著名的森林著火"
got = {name: OpenCC(name).convert(text) for name in ("t2s", "tw2s")}
print(text, got)
assert got == {"t2s": "著名的森林著火", "tw2s": "著名的森林着火"}, got
PY
