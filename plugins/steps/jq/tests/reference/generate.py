"""Writes jq.jsonl: what jq itself says about generated programs.

    make jq-reference

or, by hand, `python3 -m venv env && env/bin/pip install jq==1.13.0 && env/bin/python generate.py > jq.jsonl`;
`generate.py SEED CASES` tries others than those that are kept.

The first line says of which jq. Then one line a case: [program, input, outputs], where outputs is the list of all that
the program gives, or "error" where jq fails. The seed is fixed, so the file depends on nothing but jq.
"""

import importlib.metadata
import json
import random
import sys

import jq

SEED = int(sys.argv[1]) if len(sys.argv) > 1 else 20261130
CASES = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
# What fails says little: not more than this share.
FAILING = 0.2

rng = random.Random(SEED)

TEXTS = [
    "",
    "a",
    "火灾",
    "linhai",
    "a,b,c",
    "2026-11-23T08:00:00Z",
    " x ",
    "10",
    "ä\n\"q\"",
    "AbC",
    "第１２条 第3款",
    "一　二，三",
    "1.50",
    "5Lit5paH",
]
KEYS = ["a", "b", "title", "numbers", "级别"]


def leaf():
    return rng.choice([None, None, None, True, False, 0, 1, -1, 2, 4, 6, 7, 100, 2.5, -0.5, 1e3, 12345678, *TEXTS])


def document(depth=3):
    kind = rng.random()
    if depth == 0 or kind < 0.25:
        return leaf()
    if kind < 0.55:
        return [document(depth - 1) for _ in range(rng.randint(0, 3))]
    return {key: document(depth - 1) for key in rng.sample(KEYS, rng.randint(0, 3))}


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


def paths():
    """Several paths at once."""
    return rng.choice(
        [
            lambda: f"{path()}, {path()}",
            lambda: f".[{rng.randint(0, 2)}, {rng.randint(-2, 3)}]",
            lambda: f".[{rng.randint(0, 2)}:{rng.randint(1, 4)}], .[{rng.randint(-2, 3)}]",
            lambda: f".[]? | {path()}",
            lambda: "..",
            lambda: f".[{rng.choice(['length', '4', '6'])} / 2]",
            lambda: f".[1:{rng.choice(['length', '4'])} / 2]",
            lambda: f"first({path()}, {path()})",
            lambda: f"({path()} | select(. != null)), {path()}",
        ]
    )()


NAMES = """length keys values type add any all not floor sqrt tostring tonumber reverse sort unique min max
flatten from_entries to_entries ascii_downcase ascii_upcase tojson fromjson empty first last explode
implode utf8bytelength paths leaf_paths isnan isinfinite isnormal abs ceil round trim ltrim rtrim transpose
arrays objects iterables booleans numbers strings nulls scalars recurse tostream todate
fromdate toboolean @base64d @urid trimstr("a") tojson|tonumber gmtime|mktime now|type combinations
isfinite finites normals not error(.) getpath(["a","b"]) ascii_downcase|explode utf8bytelength splits("a")
halt_error?//1 significand logb exp2 exp10 log2 cbrt trunc fabs nearbyint rint frexp modf gamma lgamma
paths(type=="number") to_entries|from_entries env|type input_line_number? infinite nan|isnan
min_by(.a)? max_by(.b)? unique_by(length)? group_by(.a)? IN(1,"a",null) INDEX(.a)? any(.[]?;.==1) all(.[]?;.!=1)
ltrimstr("火") rtrimstr("灾") tojson|length have_literal_numbers add(.[]?) skip(1;.[]?) nth(1;.[]?) limit(2;.[]?) last(.[]?)
until(type!="number"or.>99;.+7) [range(.)]|length isempty(.[]?) @base64 @uri @csv @tsv @html @json @text @sh""".split()


PATTERNS = [
    r"\\w+",
    r"\\d+",
    r"\\s+",
    r"^\\w+$",
    r"第(?<x>\\d+)(条|款)",
    r"(?<x>[a-z])(?<y>,)?",
    r"(a)|(b)",
    r"(?:(\\d+)年)?(\\d+)月",
    r"[一-龥]+",
    r"\\p{Han}",
    r"\\bx\\b",
    r"a(?=,)",
    r"(?<!,)b",
    r".",
    r"$",
    r"[，,]",
    r"(?<x>.)\\1",
    r"ABC",
]


def PATTERN():
    return '"' + rng.choice(PATTERNS) + '"'


def FLAGS():
    return rng.choice(["null", '"g"', '"i"', '"gi"', '"x"', '"gn"', '"s"', '"p"'])


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
            lambda: f"del({paths()})",
            lambda: f"del({paths()})",
            lambda: f"delpaths([path({paths()})])",
            lambda: f"[path({paths()})]",
            lambda: f"({paths()}) |= {rng.choice(['empty', 'not', '[.]', inner()])}",
            lambda: f"({paths()}) = {inner()}",
            lambda: f"({paths()}) {rng.choice(['+=', '-=', '*=', '//='])} {literal()}",
            lambda: f"pick({path()})",
            lambda: f"map_values(empty)",
            lambda: f"to_entries | map(select(.value != null)) | from_entries",
            lambda: f"[.[]? | numbers] | (add / length), (add / length | tostring)",
            lambda: f"\"共\\([.. | numbers] | add)，均\\([.. | numbers] | length / 2)\"",
            lambda: f"[.. | strings] | join({rng.choice(['null', '','', '、'][:1] + [json.dumps(x, ensure_ascii=False) for x in ['', '、', ',']])})",
            lambda: f"[.. | scalars] | join({json.dumps(rng.choice(['', '、', ',']), ensure_ascii=False)})",
            lambda: f"[.. | strings | test({PATTERN()})]",
            lambda: f"[.. | strings | match({PATTERN()}; {FLAGS()})]",
            lambda: f"[.. | strings | capture({PATTERN()})]",
            lambda: f"[.. | strings | [scan({PATTERN()})]]",
            lambda: f"[.. | strings | split({PATTERN()}; {FLAGS()})]",
            lambda: f"[.. | strings | gsub({PATTERN()}; \"<\\(.x? // \"·\")>\")]",
            lambda: f"[.. | strings | sub({PATTERN()}; \"1\", \"2\")]",
            lambda: f"[.. | strings | splits({PATTERN()})]",
            lambda: f"[.. | strings | (try tonumber catch \"无\")]",
            lambda: f"[.. | strings | (try fromjson catch \"无\")]",
            lambda: f"[.. | numbers | . % {rng.choice(['2', '3', '-3', '2.5', '0', '0.5'])}]",
            lambda: f"[.. | numbers | {rng.choice(['1', '10', '0', '.'])} / .]",
            lambda: f"[.. | numbers | tostring, tojson, @text]",
            lambda: f"reduce .[]? as $i (0; empty, .)",
            lambda: f"reduce .[]? as $i (.; empty)",
            lambda: f"[foreach .[]? as $i (0; . + 1, . + 2; [$i, .])]",
            lambda: f"[limit(5; foreach (1, 2, 3) as $i ({inner()}; {inner()}))]",
            lambda: f"tostream",
            lambda: f"fromstream(tostream)",
            lambda: f"[tostream] | fromstream(.[])",
            lambda: f"fromstream(1 | truncate_stream([[0], 1], [[1, 0], 2], [[1, 0]], [[1]]))",
            lambda: f"walk(if type == \"object\" then del(.a) else . end)",
            lambda: f"JOIN(INDEX(.[]?; .a?); .[]?; .b? | tostring)",
            lambda: f"[splits(\"，|, *\")]",
            lambda: f"ascii_downcase, ascii_upcase",
            lambda: f"@json \"x\\({inner()})\"",
            lambda: f"@html \"x\\({inner()})\"",
            lambda: f"@uri \"x\\({inner()})\"",
            lambda: f"[strptime(\"%Y-%m-%dT%H:%M:%SZ\") | mktime, todate]",
            lambda: f"[numbers | todate, gmtime, strftime(\"%Y年%m月%d日 %j\")]",
            lambda: f"label $out | foreach .[]? as $i (0; . + 1; if . > 1 then ., break $out else . end)",
            lambda: f"[recurse(.[]?; . != null)] | length",
            lambda: f"[.[{rng.randint(-3, 3)}:{rng.randint(-3, 4)}]?]",
            lambda: f"setpath([{rng.randint(0, 3)}, \"a\"]; {literal()})",
            lambda: f"getpath([\"a\", 0, \"b\"])?",
            lambda: f"limit({rng.randint(-1, 2)}; {inner()})",
            lambda: f"nth({rng.randint(0, 2)}; {inner()})",
            lambda: f"bsearch({literal()})",
            lambda: f"implode?",
            lambda: f"ltrimstr({literal()})?",
            lambda: f"error({literal()})?",
            lambda: f"try error({inner()}) catch .",
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
            lambda: f"{inner()} {rng.choice(['*', '/', '+', '-'])} {inner()} {rng.choice(['%', '*', '/'])} {literal()}",
            lambda: f"[({inner()}, {inner()}) {rng.choice(['+', '<', '==', '-'])} ({inner()}, {literal()})]",
            lambda: f"\"\\({inner()}, 1)-\\({inner()}, 2)\"",
            lambda: f"{path()} = {path()} // {literal()}",
            lambda: f". as {{a: $a}} | $a",
            lambda: f"({inner()})?",
            lambda: f"-({inner()})",
        ]
    )()


def main():
    print(json.dumps({"jq": "PyPI jq " + importlib.metadata.version("jq"), "seed": SEED, "cases": CASES}))
    seen = set()
    failing = 0
    while len(seen) < CASES:
        text, value = program(rng.choice([1, 2, 2, 3])), document()
        key = (text, json.dumps(value))
        if key in seen or len(text) > 160 or "now" in text or "env" in text or "input" in text or "halt" in text:
            continue
        try:
            compiled = jq.compile(text)
        except ValueError:
            # No program of jq's.
            continue
        try:
            outputs = compiled.input_value(value).all()
            line = json.dumps(outputs, allow_nan=False, ensure_ascii=False)
        except ValueError:
            outputs = "error"
            line = ""
            failing += 1
            if failing > FAILING * CASES:
                continue
        if len(line) > 600:
            continue
        seen.add(key)
        print(json.dumps([text, value, outputs], ensure_ascii=False))


main()
