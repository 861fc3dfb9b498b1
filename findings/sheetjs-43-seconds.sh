#!/usr/bin/env bash
# With cellDates SheetJS turns a serial number into a Date by the zone's oldest
# offset, which for Asia/Shanghai is the local mean time of 1900: +08:05:43. Each
# time of a spreadsheet comes out 43 seconds early.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init --yes >/dev/null 2>&1
npm install --silent --no-audit --no-fund xlsx@0.18.5 >/dev/null
TZ=Asia/Shanghai node -e '
const X = require("xlsx");
const book = X.utils.book_new();
const sheet = X.utils.aoa_to_sheet([[0]]);
sheet.A1 = { t: "n", v: 45352.5, z: "yyyy-mm-dd hh:mm:ss" };
X.utils.book_append_sheet(book, sheet, "s");
const again = X.read(X.write(book, { type: "buffer", bookType: "xlsx" }), { cellDates: true });
const date = again.Sheets.s.A1.v;
const late = Math.round((date - new Date(2024, 2, 1, 12, 0, 0)) / 1000);
console.log("2024-03-01 12:00:00 reads " + date.toString() + ", off by " + late + " s");
if (late !== -43) process.exit(1);
'
