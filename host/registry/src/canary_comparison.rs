//! A call made once more with a canary, and where the two differ.

use huiyin_flow::FlowError;
use huiyin_partition::canary::{CanaryJob, Watched};
use huiyin_records::record::{Difference, Said};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::calls::{self, PluginFault};
use crate::house::House;

/// Differences that one comparison tells one by one; beyond it they are counted.
pub const TOLD: usize = 50;

/// The longest text of one item's difference, in characters.
const TEXT: usize = 200;

/// Makes the call with the canary and compares.
pub fn watch(job: CanaryJob, house: &House) -> Watched {
    let CanaryJob { of, run, key, pin, made, now } = job;
    let asked = || {
        let unit = of.unit.as_deref().unwrap_or_default();
        calls::pure_call(house, &pin, &made.with, unit, &format!("{run}-{}", made.call), now, false)
    };
    let (would, fault) = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(asked)) {
        Ok(Ok(output)) => (Ok(output), None),
        Ok(Err(PluginFault { error, own, .. })) => {
            let fault = own.then(|| error.detail.clone().unwrap_or_else(|| error.to_string()));
            (Err(*error), fault)
        }
        // The host's own failure: nothing is known, and it is nobody's fault.
        Err(_) => {
            let (call, digest, differences) = (made.call, pin.digest, Vec::new());
            return Watched { of, run, key, call, digest, items: 0, differing: 0, differences, fault: None };
        }
    };
    let (items, all) = compare(&made.with, &made.outcome, &would);
    let differing = u32::try_from(all.len()).unwrap_or(u32::MAX);
    let differences = all.into_iter().take(TOLD).collect();
    Watched { of, run, key, call: made.call, digest: pin.digest, items, differing, differences, fault }
}

/// How many items both were asked about, and where what they say differs: in
/// level, score or labels. Reasons are words, and may differ.
fn compare(with: &Value, was: &Result<Value, FlowError>, would: &Result<Value, FlowError>) -> (u32, Vec<Difference>) {
    let ids: Option<Vec<&str>> = with
        .get("items")
        .and_then(Value::as_array)
        .map(|items| items.iter().map(|item| item.get("id").and_then(Value::as_str).unwrap_or_default()).collect());
    let verdicts = |outcome: &Result<Value, FlowError>| match outcome {
        Ok(output) => output.get("verdicts").and_then(Value::as_array).cloned(),
        Err(_) => None,
    };
    let (first, second) = (verdicts(was), verdicts(would));
    let Some(ids) = ids.filter(|_| first.is_some() || second.is_some()) else {
        let (was, would) = (said_whole(was), said_whole(would));
        let differing = (was != would).then(|| Difference { item: String::new(), was, would });
        return (1, differing.into_iter().collect());
    };
    let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let of = |verdicts: &Option<Vec<Value>>, outcome: &Result<Value, FlowError>, at: usize| match verdicts {
        Some(verdicts) => verdicts.get(at).map(said).unwrap_or_default(),
        None => said_whole(outcome),
    };
    let differs = |(at, id): (usize, &str)| {
        let (was, would) = (of(&first, was, at), of(&second, would, at));
        (was != would).then(|| Difference { item: short(id), was, would })
    };
    (count, ids.into_iter().enumerate().filter_map(differs).collect())
}

/// What a verdict says.
fn said(verdict: &Value) -> Said {
    let labels = verdict.get("labels").and_then(Value::as_array);
    Said {
        level: verdict.get("level").and_then(Value::as_str).map(short),
        score: verdict.get("score").and_then(Value::as_f64),
        labels: labels.into_iter().flatten().filter_map(Value::as_str).take(TOLD).map(short).collect(),
        output: None,
        error: verdict.get("error").and_then(Value::as_str).map(short),
    }
}

/// What a call gave as a whole.
fn said_whole(outcome: &Result<Value, FlowError>) -> Said {
    match outcome {
        Ok(output) => {
            Said { output: Some(hex::encode(Sha256::digest(output.to_string().as_bytes()))), ..Said::default() }
        }
        // The plugin's name stands before its words, and differs by itself.
        Err(error) => {
            let detail = error.detail.as_deref().unwrap_or_default();
            let words = detail.split_once(": ").map_or(detail, |(_, words)| words);
            Said { error: Some(short(words)), ..Said::default() }
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(TEXT).collect()
}

#[cfg(test)]
mod tests {
    use huiyin_flow::ErrorKind;
    use serde_json::json;

    use super::*;

    fn with() -> Value {
        json!({"items": [{"id": "a"}, {"id": "b"}]})
    }

    #[test]
    fn only_items_of_which_they_say_different_things_are_told() {
        let was = json!({"verdicts": [{"level": "I", "score": 0.9, "labels": [], "reasons": ["x"]}, {"level": null, "score": 0.0}]});
        let would = json!({"verdicts": [{"level": "II", "score": 0.7, "labels": ["fire"], "reasons": ["y"]}, {"level": null, "score": 0.0, "reasons": ["z"]}]});
        let (items, found) = compare(&with(), &Ok(was.clone()), &Ok(would));
        assert_eq!((items, found.len()), (2, 1));
        assert_eq!(
            (found[0].item.as_str(), found[0].was.level.as_deref(), found[0].would.level.as_deref()),
            ("a", Some("I"), Some("II"))
        );
        assert_eq!(compare(&with(), &Ok(was.clone()), &Ok(was)).1, []);
    }

    #[test]
    fn one_that_fails_differs_in_every_item_it_did_not_judge() {
        let was = json!({"verdicts": [{"level": "I", "score": 0.9}, {"level": "I", "score": 0.9}]});
        let error = |words: &str| FlowError::new(ErrorKind::Runtime, words.to_owned());
        let (items, found) = compare(&with(), &Ok(was), &Err(error("new:1.0.0: it trapped")));
        assert_eq!((items, found.len(), found[1].would.error.as_deref()), (2, 2, Some("it trapped")));
        // Both fail alike, under different names.
        let both = compare(&json!({}), &Err(error("old:1.0.0: no")), &Err(error("new:1.0.0: no")));
        assert_eq!(both, (1, Vec::new()));
    }
}
