#!/usr/bin/env bash
# tantivy's default tokenizer drops tokens over 40 bytes. A Chinese title without
# spaces is one token of three bytes a character, so that from 14 characters on it
# is in no index, and a search for the very title finds nothing.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check tantivy==0.22.0
"$dir/venv/bin/python" - <<'PY'
import tantivy

builder = tantivy.SchemaBuilder()
builder.add_text_field("title", stored=True)
index = tantivy.Index(builder.build())
writer = index.writer()
titles = ["某县后山起火火势蔓延群众撤", "某县后山起火火势蔓延群众撤离"]
for title in titles:
    writer.add_document(tantivy.Document(title=title))
writer.commit()
index.reload()
searcher = index.searcher()
found = [searcher.search(index.parse_query(f'"{t}"', ["title"]), 10).count for t in titles]
for title, count in zip(titles, found):
    print(f"{len(title)} characters: found {count}")
assert found == [1, 0], found
PY
