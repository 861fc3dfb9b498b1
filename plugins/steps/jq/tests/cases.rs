//! Small programs that once gave a wrong answer, each with jq's (1.7.1 and 1.8) or,
//! where the page says so, another that is right.

#![allow(clippy::unwrap_used)] // tests may fail loudly

use huiyin_plugin_jq::{compile, evaluate};
use serde_json::{Value, json};

fn given(program: &str, input: &str) -> Option<Value> {
    evaluate(program, &serde_json::from_str(input).unwrap(), &[]).ok()
}

macro_rules! cases {
    ($($name:ident: $program:expr, $input:expr => $wanted:tt;)*) => {
        $(
            #[test]
            fn $name() {
                assert_eq!(given($program, $input), Some(json!($wanted)));
            }
        )*
    };
}

cases! {
    jq_01_del_of_two_indices: "del(.[0,2])", r#"["a","b","c","d","e"]"# => ["b", "d", "e"];
    jq_02_del_of_two_paths: "del(.items[0],.items[1])", r#"{"items":[1,2,3,4]}"# => {"items": [3, 4]};
    jq_03_delpaths_of_a_selection: "delpaths([path(.[]|select(.==1))])", "[1,2,1,3]" => [2, 3];
    jq_04_update_to_nothing_deletes_all: ".[1,2] |= empty", "[1,2,3,4]" => [1, 4];
    jq_05_del_of_the_last_two: "del(.[1,2])", r#"["foo","bar","baz"]"# => ["foo"];
    jq_06_null_joins_as_nothing: "join(\" \")", r#"["标题",null,"正文"]"# => "标题  正文";
    jq_07_word_class_takes_chinese: r#"test("^\\w+$")"#, r#""舆情监测""# => true;
    jq_08_ideographic_space_is_space: r#"split("\\s+";null)"#, "\"一\u{3000}二\"" => ["一", "二"];
    jq_09_full_width_digits_are_digits: r#"[match("\\d+").string]"#, r#""第１２条""# => ["１２"];
    jq_10_case_folds_beyond_ascii: r#"test("ｍｅｒｓ";"i")"#, r#""ＭＥＲＳ""# => true;
    jq_11_no_word_boundary_before_chinese: r#"test("MERS\\b")"#, r#""关于MERS的""# => false;
    jq_12_a_group_that_took_no_part_keeps_its_place:
        r#"[match("(?:(\\d+)年)?(\\d+)月(\\d+)日").captures[].string]"#, r#""5月1日""# => [null, "5", "1"];
    jq_13_flag_s_does_not_let_the_dot_take_a_break: r#"test("a.b";"s")"#, r#""a\nb""# => false;
    jq_14_a_whole_quotient_is_written_whole: r#""平均 "+(10/5|tostring)"#, "null" => "平均 2";
    jq_15_a_whole_quotient_is_an_index: ".[length/2]", "[1,2,3,4]" => 3;
    jq_16_an_average_as_text: "add/length|tostring", "[1,3]" => "2";
    jq_17_remainder_of_truncated_operands: "5.9 % 3", "null" => 2;
    jq_21_a_percentage_as_text: r#""\(.n*100/.t)%""#, r#"{"n":1,"t":4}"# => "25%";
    jq_22_a_computed_bound_of_a_slice: ".[1:4/2]", "[1,2,3,4]" => [2];
    jq_23_delpaths_of_two: "delpaths([[0],[1]])", "[1,2,3]" => [3];
    jq_24_update_of_two_paths_to_nothing: "(.[0],.[1])|=empty", "[1,2,3,4]" => [3, 4];
    jq_28_a_named_group_that_took_no_part_is_null: r#"capture("(?<x>a)?b")"#, r#""b""# => {"x": null};
}

#[test]
fn jq_18_numbers_beyond_64_bits_are_compared_as_floats() {
    // What a number of 23 digits loses it loses when its JSON is read, as RFC 8259, section 6 warns
    // (docs/reference/jq.md); those of 64 bits stay exact.
    assert_eq!(given(".a==.b", r#"{"a":12345678901234567890123,"b":12345678901234567890124}"#), Some(json!(true)));
    assert_eq!(given(".a==.b", r#"{"a":18446744073709551615,"b":18446744073709551614}"#), Some(json!(false)));
    assert_eq!(given(".a==.b", r#"{"a":9007199254740993,"b":9007199254740992}"#), Some(json!(false)));
}

#[test]
fn jq_19_20_division_by_zero_is_an_error() {
    for program in [".n / .t", ".n % .t", ".n /= .t", "1 / 0", "0 / 0", "1 / 0.0", "5 % 0.9"] {
        for input in [r#"{"n":1,"t":0}"#, r#"{"n":0,"t":0}"#] {
            assert_eq!(given(program, input), None, "{program} on {input}");
        }
    }
    assert_eq!(given("try (.n / .t) catch \"无\"", r#"{"n":0,"t":0}"#), Some(json!("无")));
}

#[test]
fn jq_25_26_27_texts_are_numbers_or_json_wholly() {
    for text in ["2024-03-01", "1 2", "1,2", "0x10", "", " 1", "1 ", "nan", "１", "--1", "1e", "1_0"] {
        assert_eq!(given("tonumber", &json!(text).to_string()), None, "{text}");
    }
    for (text, number) in [("12", json!(12)), ("-1.5", json!(-1.5)), ("1e3", json!(1000.0)), ("007", json!(7))] {
        assert_eq!(given("tonumber", &json!(text).to_string()), Some(number), "{text}");
    }
    for text in ["1 2", "", "[1,]", "{} {}", "'a'", "[1"] {
        assert_eq!(given("fromjson", &json!(text).to_string()), None, "{text}");
    }
    assert_eq!(given("fromjson", r#"" {\"a\": [1, null]} ""#), Some(json!({"a": [1, null]})));
}

#[test]
fn jq_29_lists_and_objects_do_not_join() {
    for input in [r#"[[1],{"a":1}]"#, r#"["a",{}]"#, "[[]]"] {
        assert_eq!(given("join(\",\")", input), None, "{input}");
    }
    assert_eq!(given("join(\",\")", r#"[1, true, null, "a"]"#), Some(json!("1,true,,a")));
}

#[test]
fn workflow_01_literal_patterns_are_read_when_the_program_is() {
    for (program, place) in [
        (r#"test("(")"#, "at its end"),
        (r#".a | match("a**("; "g")"#, "character"),
        (r#"[.[] | capture("(?<x>a")]"#, "character"),
        (r#"if test("[") then 1 else 2 end"#, "["),
        (r#"gsub("\\p{Nope}"; "")"#, "character 1 of"),
        (r#"test(["*", "g"])"#, "character 1"),
        (r#"def f: test("("); f"#, "at its end"),
        (r#""\(test("("))""#, "at its end"),
        (r#"test("a"; "q")"#, "`q`"),
        (r#"{a: splits("(")}"#, "at its end"),
        (r#"(.a | test("(")) |= 1"#, "at its end"),
    ] {
        let error = compile(program, &[]).unwrap_err().0;
        assert!(error.contains(place), "{program}: {error}");
    }
    let error = compile(r#".title | test("第(\\d+章")"#, &[]).unwrap_err().0;
    assert!(error.contains("`test` at offset 15"), "{error}");
    // Those of Oniguruma that a plain engine lacks are there.
    for (program, text) in [
        (r#"test("\\p{Han}")"#, "舆"),
        (r#"test("foo(?=bar)")"#, "foobar"),
        (r#"test("(?<!不)实")"#, "属实"),
        (r#"test("(.)\\1")"#, "好好"),
        (r#"test("^[\\p{Han}，。]+$")"#, "好，是。"),
        (r#"test("\\h+")"#, "ff"),
    ] {
        assert_eq!(given(program, &json!(text).to_string()), Some(json!(true)), "{program}");
    }
    // One that is computed faults where it is met.
    assert_eq!(given("test(.)", "\"(\""), None);
}

#[test]
fn workflow_09_what_jq_has_beside() {
    for (program, input, wanted) in [
        ("IN(\"a\", \"b\")", "\"b\"", json!(true)),
        ("IN(.[]; 2, 3)", "[1, 2]", json!(true)),
        ("INDEX(.id)", r#"[{"id":1,"v":"甲"},{"id":2}]"#, json!({"1": {"id": 1, "v": "甲"}, "2": {"id": 2}})),
        ("ascii", "65", json!("A")),
        ("toarray", "1", json!([1])),
        ("trimstr(\"文\")", "\"文中文\"", json!("中")),
        ("[leaf_paths]", r#"{"a":[1]}"#, json!([["a", 0]])),
        ("$__loc__", "null", json!({"file": "<top-level>", "line": 1})),
        ("\n{$__loc__}", "null", json!({"__loc__": {"file": "<top-level>", "line": 2}})),
        ("@base64d", "\"5Lit5paH\"", json!("中文")),
        ("@base64d", "\"aGVsbG8\"", json!("hello")),
        (
            "from_entries",
            r#"[{"name":"a","value":1},{"k":"b","v":2},{"key":"c","Value":3}]"#,
            json!({"a": 1, "b": 2, "c": 3}),
        ),
        ("from_entries", r#"[{"key":false,"value":false},{"key":1,"value":null}]"#, json!({"false": false, "1": null})),
        ("reduce .[] as $x (5; empty)", "[1]", Value::Null),
        ("reduce .[] as $x (5; 1)", "[]", json!(5)),
        ("7 * 5 % 3", "null", json!(2)),
        ("[(1,2) + (10,20)]", "null", json!([11, 12, 21, 22])),
        (".a = .b // 1", r#"{"a":0}"#, json!({"a": null})),
        ("\"a\\nb\\n\" | [match(\"^.*$\"; \"g\").string]", "null", json!([])),
        ("\"b\\n\" | test(\"b$\")", "null", json!(true)),
        ("[.[] | @csv, @tsv]", r#"[["甲\"乙",null,1]]"#, json!(["\"甲\"\"乙\",,1", "甲\"乙\t\t1"])),
        (".a.b[1] = 1", "{}", json!({"a": {"b": [null, 1]}})),
        (".a[1:]", "{}", Value::Null),
    ] {
        assert_eq!(given(program, input), Some(wanted), "{program} on {input}");
    }
}

#[test]
fn hostile_patterns_meet_a_limit_of_steps() {
    let text = json!("x".repeat(40)).to_string();
    assert_eq!(given(r#"test("^(x+x+)+\\1y")"#, &text), None);
    assert_eq!(given(r#"test("a{5000}{5000}")"#, "\"a\""), None);
    assert_eq!(given("\"a\" * 1e12", "null"), None);
    assert_eq!(given(".[1e12] = 1", "[]"), None);
}
