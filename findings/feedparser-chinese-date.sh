#!/usr/bin/env bash
# feedparser takes a Chinese date with a time of day for another date of the same
# year: the digits of 3月1日 are read together, and the rest is passed over.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check feedparser==6.0.11
"$dir/venv/bin/python" - <<'PY'
import feedparser

feed = """<rss version="2.0"><channel><title>t</title><item><title>通报</title>
<pubDate>2024年3月1日 下午3:30</pubDate></item></channel></rss>"""
entry = feedparser.parse(feed).entries[0]
got = tuple(entry.published_parsed[:5])
print("2024年3月1日 下午3:30 ->", got)
assert got == (2024, 11, 1, 0, 0), got
PY
