#!/usr/bin/env bash
# python-docx leaves tracked insertions out of a paragraph's text: what a reviewer
# put in is not read, and the sentence may say the opposite.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check python-docx==1.1.2
"$dir/venv/bin/python" - <<'PY'
import docx
from docx.oxml import parse_xml

paragraph = docx.Document().add_paragraph("同意")
paragraph._p.append(parse_xml(
    '<w:ins xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" w:id="1" w:author="a">'
    "<w:r><w:t>不</w:t></w:r></w:ins>"))
paragraph.add_run("上报")
print("同意 + inserted 不 + 上报 reads:", paragraph.text)
assert paragraph.text == "同意上报", paragraph.text
PY
