"""Writes jq.jsonl: what jq itself says about generated programs.

    python3 -m venv env && env/bin/pip install jq==1.13.0
    env/bin/python generate.py > jq.jsonl

One line a case: [program, input, output], where output is a list of the first output (of null, if there is none),
or "error" where jq fails. The seed is fixed, so the file depends on nothing but jq.
"""

import json
import random

import jq

SEED = 20241124
CASES = 3000
# What fails says little: not more than this share.
FAILING = 0.2

rng = random.Random(SEED)

TEXTS = ["", "a", "火灾", "linhai", "a,b,c", "2026-11-23T08:00:00Z", " x ", "10", "ä\n\"q\"", "AbC"]
KEYS = ["a", "b", "title", "numbers", "级别"]


def leaf():
    return rng.choice([None, True, False, 0, 1, -1, 7, 2.5, -0.5, 1e3, 12345678, *TEXTS])


def document(depth=3):
    kind = rng.random()
    if depth == 0 or kind < 0.25:
        return leaf()
    if kind < 0.55:
        return [document(depth - 1) for _ in range(rng.randint(0, 4))]
    return {key: document(depth - 1) for key in rng.sample(KEYS, rng.randint(0, 4))}


def literal():
    return json.dumps(leaf(), ensure_ascii=False)


def path():
    steps = []
    for _ in range(rng.randint(1, 3)):
        steps.append(
            rng.choice(
                [
                    f".{rng.choice(KEYS[:4])}",
                    f'["{rng.choice(KEYS)}"]',
                    "[]",
                    "[0]",
                    "[-1]",
                    "[1:]",
                    "[:2]",
                    "?",
                    f".{rng.choice(KEYS[:4])}?",
                ]
            )
        )
    # `.?` is read differently, and nobody writes it.
    text = "".join(steps).replace("??", "?").lstrip("?") or "[0]"
    return text if text.startswith(".") else "." + text


NAMES = """length keys values type add any all not floor sqrt tostring tonumber reverse sort unique min max
flatten from_entries to_entries ascii_downcase ascii_upcase tojson fromjson empty first last explode
implode utf8bytelength paths leaf_paths isnan isinfinite isnormal abs ceil round trim ltrim rtrim transpose
arrays objects iterables booleans numbers strings nulls scalars recurse tostream todate
fromdate ascii @base64 @uri @csv @tsv @html @json @text @sh""".split()


def call(depth):
    inner = lambda: program(depth - 1)
    return rng.choice(
        [
            lambda: f"map({inner()})",
            lambda: f"select({inner()})",
            lambda: f"has({json.dumps(rng.choice(KEYS), ensure_ascii=False)})",
            lambda: f"has({rng.randint(0, 3)})",
            lambda: f"contains({literal()})",
            lambda: f"inside({literal()})",
            lambda: f"startswith({json.dumps(rng.choice(TEXTS), ensure_ascii=False)})",
            lambda: f"endswith({json.dumps(rng.choice(TEXTS), ensure_ascii=False)})",
            lambda: f"split({json.dumps(rng.choice([',', 'b', ' ']))})",
            lambda: f"join({json.dumps(rng.choice([',', '-', '']))})",
            lambda: f"ltrimstr({json.dumps(rng.choice(TEXTS), ensure_ascii=False)})",
            lambda: f"rtrimstr({json.dumps(rng.choice(TEXTS), ensure_ascii=False)})",
            lambda: f"test({json.dumps(rng.choice(['a', '^[a-z]+$', '[0-9]', '灾']), ensure_ascii=False)})",
            lambda: f"sub({json.dumps(rng.choice(['a', '[0-9]+']))}; \"x\")",
            lambda: f"gsub({json.dumps(rng.choice(['a', '[0-9]', ',']))}; \"-\")",
            lambda: f"sort_by({path()})",
            lambda: f"group_by({path()})",
            lambda: f"unique_by({path()})",
            lambda: f"min_by({path()})",
            lambda: f"max_by({path()})",
            lambda: f"map_values({inner()})",
            lambda: f"with_entries(.value |= ({inner()}))",
            lambda: f"del({path()})",
            lambda: f"to_entries | map({inner()})",
            lambda: f"[paths({inner()})]",
            lambda: f"[limit({rng.randint(0, 3)}; {inner()})]",
            lambda: f"first({inner()})",
            lambda: f"range({rng.randint(0, 4)})",
            lambda: f"[range({rng.randint(0, 2)}; {rng.randint(2, 6)})]",
            lambda: f"index({json.dumps(rng.choice(TEXTS[1:]), ensure_ascii=False)})",
            lambda: f"indices({rng.choice([literal(), '1', json.dumps(',')])})",
            lambda: f"any({inner()})",
            lambda: f"all({inner()})",
            lambda: f"flatten({rng.randint(0, 2)})",
            lambda: f"getpath([{json.dumps(rng.choice(KEYS), ensure_ascii=False)}])",
            lambda: f"setpath([{json.dumps(rng.choice(KEYS), ensure_ascii=False)}]; {inner()})",
            lambda: f"[splits({json.dumps(rng.choice([',', ' +']))})]",
            lambda: f"[while(. != null and (. | type) == \"number\" and . < 20; . + 7)]",
            lambda: f"[.[]?] | add",
            lambda: f"pow({rng.choice(['2', '.'])}; 2)",
            lambda: f"tojson | fromjson",
            lambda: f"walk(if type == \"number\" then . + 1 else . end)",
            lambda: f"strptime(\"%Y-%m-%dT%H:%M:%SZ\")",
            lambda: f"splits(\",\")",
            lambda: f"[scan(\"[a-z]\")]",
            lambda: f"capture(\"(?<x>[a-z])\")",
            lambda: f"ascii_downcase",
            lambda: f"limit(1; {inner()})",
            lambda: f"isvalid({inner()})",
        ]
    )()


def program(depth=2):
    if depth <= 0:
        return rng.choice([".", path(), literal(), rng.choice(NAMES)])
    inner = lambda: program(depth - 1)
    return rng.choice(
        [
            inner,
            lambda: path(),
            lambda: rng.choice(NAMES),
            lambda: call(depth),
            lambda: call(depth),
            lambda: f"{path()} | {inner()}",
            lambda: f"{inner()} | {rng.choice(NAMES)}",
            lambda: f"({inner()}) {rng.choice(['+', '-', '*', '/', '%', '==', '!=', '<', '<=', '>', '>=', 'and', 'or', '//'])} ({inner()})",
            lambda: f"[{inner()}]",
            lambda: f"[{inner()}, {inner()}]",
            lambda: f"{{a: ({inner()}), {json.dumps(rng.choice(KEYS), ensure_ascii=False)}: {literal()}}}",
            lambda: f"if {inner()} then {inner()} else {inner()} end",
            lambda: f"try ({inner()}) catch \"caught\"",
            lambda: f"({inner()}) as $x | [$x, ({inner()})]",
            lambda: f"{path()} |= ({inner()})",
            lambda: f"{path()} = ({inner()})",
            lambda: f"{path()} += {literal()}",
            lambda: f"{path()} //= {literal()}",
            lambda: f"reduce .[]? as $i (0; . + 1)",
            lambda: f"[foreach .[]? as $i (0; . + 1; [$i, .])]",
            lambda: f"\"<\\({inner()})>\"",
            lambda: f"def f: {inner()}; [f]",
            lambda: f"..",
            lambda: f"[..] | length",
            lambda: f"[.[]?] as [$a, $b] | [$b, $a]",
            lambda: f". as {{a: $a}} | $a",
            lambda: f"({inner()})?",
            lambda: f"-({inner()})",
        ]
    )()


def main():
    seen = set()
    failing = 0
    while len(seen) < CASES:
        text, value = program(rng.choice([1, 2, 2, 3])), document()
        key = (text, json.dumps(value))
        if key in seen:
            continue
        try:
            compiled = jq.compile(text)
        except ValueError:
            # No program of jq's.
            continue
        try:
            outputs = compiled.input_value(value)
            output = [next(iter(outputs), None)]
            json.dumps(output, allow_nan=False)
        except StopIteration:
            output = [None]
        except ValueError:
            output = "error"
            failing += 1
            if failing > FAILING * CASES:
                continue
        seen.add(key)
        print(json.dumps([text, value, output], ensure_ascii=False))


main()
