#!/usr/bin/env bash
# icalendar maps the Windows name 'China Standard Time', yet an unknown TZID such as
# Beijing gives a time without a zone, and the component's list of errors is empty.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check icalendar==6.1.0 tzdata==2025.2
"$dir/venv/bin/python" - <<'PY'
import icalendar

TEXT = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//x", "BEGIN:VTODO", "UID:1",
                    "DUE;TZID=%s:20240301T083000", "END:VTODO", "END:VCALENDAR", ""])
got = {}
for zone in ["China Standard Time", "Beijing", "Asia/Beijing"]:
    todo = icalendar.Calendar.from_ical(TEXT % zone).walk("VTODO")[0]
    due = todo["DUE"].dt
    got[zone] = (str(due.tzinfo), todo.errors)
    print(f"TZID={zone}: {due.isoformat()}, errors {todo.errors}")
assert got["China Standard Time"][0] == "Asia/Shanghai", got
assert got["Beijing"] == ("None", []) and got["Asia/Beijing"] == ("None", []), got
PY
