#!/usr/bin/env bash
# Place names keep old readings. pypinyin gives these four counties the everyday
# reading of their first or second character.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check pypinyin==0.53.0
"$dir/venv/bin/python" - <<'PY'
from pypinyin import lazy_pinyin

right = {"单县": "shanxian", "浚县": "xunxian", "涡阳县": "guoyangxian", "洪洞县": "hongtongxian"}
got = {name: "".join(lazy_pinyin(name)) for name in right}
for name, reading in right.items():
    print(f"{name}: {got[name]}, locally {reading}")
assert got == {"单县": "danxian", "浚县": "junxian", "涡阳县": "woyangxian", "洪洞县": "hongdongxian"}, got
PY
