"""Writes croniter.tsv: what croniter says about generated cron expressions.

    python3 -m venv env && env/bin/pip install croniter==7.0.0 tzdata==2026.6
    env/bin/python generate.py > croniter.tsv

One line a case: expression, zone, start in seconds since 1970, and the next three times as minutes since the start's
own minute; fewer if there are no more. The seed is fixed, so the output depends on nothing but croniter and the
time-zone database.

croniter is told to treat a day field that starts with * as a star (implement_cron_bug), as Vixie cron does.
Left out, because the two do not read them alike: ranges that run backwards and steps longer than the field
(croniter takes them, Huiyin refuses them), and ranges of a single value (croniter reads 1-1 as every month).
"""

import random
import zoneinfo
from datetime import datetime, timedelta, timezone

from croniter import CroniterBadDateError, croniter

SEED = 20240301
CASES = {"UTC": 900, "Asia/Shanghai": 900, "America/New_York": 1100, "Europe/Berlin": 1100}
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
DAYS = "sun mon tue wed thu fri sat".split()
YEARS = range(2020, 2036)

rng = random.Random(SEED)


def value(low, high, names):
    number = rng.randint(low, high)
    index = number - (1 if names is MONTHS else 0)
    if names and index < len(names) and rng.random() < 0.3:
        name = names[index]
        return number, rng.choice([name, name.upper(), name.capitalize()])
    return number, str(number)


def part(low, high, names):
    kind = rng.random()
    size = high - low + 1
    first, last = sorted((value(low, high, names) for _ in range(2)), key=lambda pair: pair[0])
    if kind < 0.5 or first[0] == last[0]:
        return first[1]
    if kind < 0.75:
        return f"{first[1]}-{last[1]}"
    if kind < 0.85:
        return f"{first[1]}-{last[1]}/{rng.randint(1, min(size - 1, 12))}"
    if kind < 0.9:
        return f"{first[0]}/{rng.randint(1, min(size - 1, 20))}"
    return f"*/{rng.randint(1, min(size - 1, 30))}"


def field(low, high, names=None, star=0.4):
    if rng.random() < star:
        return "*" if rng.random() < 0.7 else f"*/{rng.randint(1, min(high - low, 12))}"
    return ",".join(part(low, high, names) for _ in range(rng.choice([1, 1, 1, 2, 3])))


def nightly():
    """Something for the small hours, when clocks change."""
    minute = rng.choice(["0", "30", "59", "0,30", "5-50/15", "*/20", "*", str(rng.randint(0, 59))])
    hour = rng.choice(["*", "*/2", "*/3", "1", "2", "3", "1,2", "2,3", "0-4", "1-3", "2-23/3"])
    return f"{minute} {hour} {rng.choice(['*', '*', '*', '1-31', '*/2'])} * {rng.choice(['*', '*', 'sun', 'mon,tue'])}"


def expression():
    if rng.random() < 0.01:
        return rng.choice(["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"])
    return " ".join(
        [
            field(0, 59, star=0.25),
            field(0, 23, star=0.35),
            field(1, 31, star=0.6),
            field(1, 12, MONTHS, star=0.7),
            field(0, 7, DAYS, star=0.55),
        ]
    )


def changes(zone):
    """The hours of the years at whose end the offset differs from the beginning."""
    found = []
    at = datetime(YEARS[0], 1, 1, tzinfo=timezone.utc)
    while at.year in YEARS:
        after = at + timedelta(hours=1)
        if at.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            found.append(after)
        at = after
    return found


def main():
    for name, count in CASES.items():
        zone = zoneinfo.ZoneInfo(name)
        near = changes(zone)
        for _ in range(count):
            if near and rng.random() < 0.5:
                text = rng.choice([nightly, nightly, expression])()
                start = rng.choice(near) - timedelta(seconds=rng.randint(-3600, 14400))
            else:
                text = expression()
                start = datetime(YEARS[0], 1, 1, tzinfo=timezone.utc) + timedelta(
                    seconds=rng.randint(0, len(YEARS) * 365 * 86400)
                )
            seconds = int(start.timestamp())
            base = seconds // 60
            it = croniter(text, start.astimezone(zone), implement_cron_bug=True)
            times = []
            try:
                for _ in range(3):
                    times.append(int(it.get_next(datetime).timestamp()) // 60 - base)
            except CroniterBadDateError:
                pass
            print(text, name, seconds, " ".join(map(str, times)), sep="\t")


main()
