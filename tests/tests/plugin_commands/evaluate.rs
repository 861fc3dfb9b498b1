//! `huiyin plugin evaluate | train`.

use serde_json::{Value, json};

use super::cases::{carried, workspace};
use super::{code, huiyin, ok, refused, said};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }
}

const RULES: &str = r#"{"rules": [
  {"name": "谣言", "when": "网传", "labels": ["谣言"], "level": "III"},
  {"name": "疑虑", "when": ["吗", "是不是"], "labels": ["疑虑"]}
]}"#;

/// What the rules get right, wrongly say, miss, and take for another.
const LABELLED: &str = r#"{"id": "a", "title": "网传某地山火", "expect": {"labels": ["谣言"], "level": "III"}}
{"id": "b", "title": "网传，官方已核实", "expect": {"labels": [], "level": null}}

{"id": "c", "title": "听说水库要决口", "expect": {"labels": ["谣言"], "level": "II"}}
{"id": "d", "title": "山上冒烟，起火了吗", "expect": {"labels": ["谣言"]}}
{"id": "e", "title": "植树节", "expect": {"labels": []}}
"#;

#[test]
fn evaluate_counts_what_a_classifier_gets_right_and_takes_for_another() {
    let folder = Folder::new();
    let (rules, data) = (folder.write("rules.json", RULES), folder.write("data.jsonl", LABELLED));
    let keyword = carried("keyword");
    let args = ["plugin", "evaluate", &keyword, "--config", &rules, "--data", &data];
    let json = ok(&[&args[..], &["--output", "json"]].concat());
    let all: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&all["plugin"], &all["items"], &all["judged"]), (&json!("keyword:0.1.0"), &json!(5), &json!(5)));
    let labels = &all["labels"];
    let rumour = &labels["of"]["谣言"];
    assert_eq!(
        *rumour,
        json!({"precision": 0.5, "recall": 1.0 / 3.0, "f1": 0.4, "expected": 3, "hits": 1, "false_alarms": 1, "missed": 2, "rightly_silent": 1})
    );
    assert_eq!((&labels["of"]["疑虑"]["recall"], &labels["of"]["疑虑"]["precision"]), (&json!(null), &json!(0.0)));
    assert_eq!((&labels["exact"], &labels["accuracy"]), (&json!(2), &json!(0.4)));
    assert_eq!(labels["macro"]["f1"], json!(0.2));
    assert_eq!(labels["micro"]["f1"], json!(2.0 / 6.0));
    assert_eq!(
        labels["confusion"],
        json!([
            {"expected": null, "said": null, "items": 1},
            {"expected": null, "said": "谣言", "items": 1},
            {"expected": "谣言", "said": null, "items": 1},
            {"expected": "谣言", "said": "疑虑", "items": 1},
            {"expected": "谣言", "said": "谣言", "items": 1},
        ])
    );
    // The commonest is 谣言: said of all five.
    assert_eq!(
        (&labels["baseline"]["of"]["谣言"]["recall"], &labels["baseline"]["accuracy"]),
        (&json!(1.0), &json!(0.6))
    );
    let levels = &all["levels"];
    assert_eq!((&levels["items"], &levels["too_low"], &levels["too_high"]), (&json!(3), &json!(1), &json!(1)));
    assert_eq!(levels["of"]["III"]["precision"], json!(0.5));

    let text = ok(&args);
    assert_eq!(ok(&args), text);
    for part in
        ["keyword:0.1.0  5 items", "majority precision", "macro", "expected \\ said", "levels too low 1, too high 1"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let one: Value =
        serde_json::from_str(&ok(&[&args[..], &["--label", "疑虑", "--output", "json"]].concat())).unwrap();
    assert_eq!(one["labels"]["of"].as_object().unwrap().keys().collect::<Vec<_>>(), ["疑虑"]);
}

#[test]
fn evaluate_refuses_bad_lines_by_name_and_what_is_no_classifier() {
    let folder = Folder::new();
    let data = folder.write("data.jsonl", "{\"id\": \"a\", \"expect\": {\"labels\": []}}\n{\"id\": \"b\"}\n{,}\n");
    let (keyword, rules) = (carried("keyword"), folder.write("rules.json", RULES));
    let ran = huiyin(&["plugin", "evaluate", &keyword, "--config", &rules, "--data", &data]);
    assert_eq!(code(&ran), 2);
    assert!(said(&ran).contains(&format!("{data}:2: there is no `expect`")), "{}", said(&ran));
    assert!(said(&ran).contains(&format!("{data}:3:2: ")), "{}", said(&ran));
    let data = folder.write("good.jsonl", LABELLED);
    let webhook = carried("webhook");
    refused(&["plugin", "evaluate", &webhook, "--data", &data], 2, "only a classifier is evaluated");
    let args = ["plugin", "evaluate", &keyword, "--config", &rules, "--data", &data];
    refused(&[&args[..], &["--baseline", "keyword"]].concat(), 2, "give --holdout");
    refused(&[&args[..], &["--holdout", "1.5"]].concat(), 2, "between 0 and 1");
    refused(&[&args[..], &["--seed", "1"]].concat(), 2, "--holdout");
    refused(&[&args[..], &["--holdout", "0.000001"]].concat(), 2, "one side is empty");
    let none = folder.write("none.json", r#"{"rules": []}"#);
    refused(&["plugin", "evaluate", &keyword, "--config", &none, "--data", &data], 1, "good.jsonl:1-6: ");
}

#[test]
fn evaluate_judges_what_train_did_not_see() {
    let folder = Folder::new();
    let data = workspace().join("plugins/classifiers/topic/fixtures/labelled.jsonl").display().to_string();
    let (topic, model, config) = (carried("topic"), folder.path("topic.model"), folder.path("topic.json"));
    let train = |out: &str| {
        let args = ["--data", &data, "--holdout", "0.3", "--seed", "3", "--out", out, "--config", &config];
        ok(&[&["plugin", "train", "topic"], &args[..], &["--output", "json"]].concat())
    };
    let trained: Value = serde_json::from_str(&train(&model)).unwrap();
    let other = folder.path("again.model");
    train(&other);
    assert!(std::fs::read(&model).unwrap() == std::fs::read(&other).unwrap(), "the same items give the same bytes");
    let judge = |more: &[&str]| -> Value {
        let args = ["plugin", "evaluate", &topic, "--data", &data, "--holdout", "0.3", "--seed", "3"];
        let more = [&args[..], &["--baseline", "keyword", "--output", "json"], more].concat();
        serde_json::from_str(&ok(&more)).unwrap()
    };
    let judged = judge(&["--model", &model]);
    assert_eq!(judged["judged"], trained["held_out"]);
    assert_eq!(judged["judged"].as_u64().unwrap() + trained["items"].as_u64().unwrap(), 75);
    let f1 = |of: &Value| of["micro"]["f1"].as_f64().unwrap();
    assert!(f1(&judged["labels"]) > f1(&judged["labels"]["baseline"]), "{judged}");
    assert_eq!(judge(&["--config", &config]), judged, "the configuration carries the same model");

    let damaged = folder.path("damaged.model");
    let bytes = std::fs::read(&model).unwrap();
    std::fs::write(&damaged, &bytes[..bytes.len() - 1]).unwrap();
    refused(&["plugin", "evaluate", &topic, "--data", &data, "--model", &damaged], 1, "it is damaged");
    refused(&["plugin", "evaluate", &topic, "--data", &data], 1, "huiyin plugin train topic");
    let alone = folder.write("alone.jsonl", "{\"title\": \"起火\", \"expect\": {\"labels\": [\"火情\"]}}\n");
    refused(&["plugin", "train", "topic", "--data", &alone, "--out", &model], 2, "only 1 item has the topic");
}
