#!/usr/bin/env bash
# Chinese versions of Excel write dates with the built-in number formats 27 to 36 and
# 50 to 58 (ECMA-376 part 1, 18.8.30). openpyxl does not know them: the cell is a
# plain number, and is_date says no.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check openpyxl==3.1.5
"$dir/venv/bin/python" - <<'PY'
import io
import re
import zipfile

from openpyxl import Workbook, load_workbook

plain = io.BytesIO()
book = Workbook()
book.active["A1"] = 45352.5
book.save(plain)
dated = io.BytesIO()
with zipfile.ZipFile(plain) as old, zipfile.ZipFile(dated, "w") as new:
    for name in old.namelist():
        text = old.read(name).decode()
        if name == "xl/styles.xml":
            xf = '<xf numFmtId="{}" fontId="0" fillId="0" borderId="0" xfId="0"/>'
            text = re.sub(r"<cellXfs.*?</cellXfs>",
                          f'<cellXfs count="2">{xf.format(0)}{xf.format(31)}</cellXfs>', text, flags=re.S)
        if name == "xl/worksheets/sheet1.xml":
            text = text.replace('<c r="A1"', '<c r="A1" s="1"')
        new.writestr(name, text)
cell = load_workbook(dated).active["A1"]
print("format 31 (yyyy年m月d日):", cell.value, "is_date", cell.is_date, cell.number_format)
assert (cell.value, cell.is_date, cell.number_format) == (45352.5, False, "General")
PY
