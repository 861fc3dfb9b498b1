//! The mandatory baseline classifier, the pack's floor: it judges every item, whatever a unit's own workflow does
//! (rule 7).

use std::sync::Arc;

use huiyin_flow::FlowError;
use huiyin_partition::partition::{Floor, Judgement};
use huiyin_records::record::{Batch, Pin, result_digest};
use huiyin_sandbox::{Item, Operation, Output, Verdict};

use crate::calls;
use crate::house::House;
use crate::item_conversion::verdict;

/// The floor's verdict on each item: no verdict is an error with its reason,
/// never silence. And how it came by them, for the record.
pub fn baseline_verdicts(
    house: &House,
    items: Vec<Item>,
    unit: &str,
    key: &str,
    now: jiff::Timestamp,
) -> (Vec<Floor>, Option<Box<Judgement>>) {
    let count = items.len();
    let floor = house.floor.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let Some(pin) = floor else {
        return (vec![Err("the policy pack pins no floor classifier".to_owned()); count], None);
    };
    if items.is_empty() {
        return (Vec::new(), None);
    }
    let mut batches = Vec::new();
    let verdicts = judged(house, &pin, items, 0, unit, key, now, &mut batches);
    let now = calls::context(unit, 1, key, now).now;
    let which = (0..count).collect();
    (verdicts, Some(Box::new(Judgement { pin, call: key.to_owned(), now, which, batches })))
}

/// One bad item must not take the verdicts of the others with it (rule 11): a
/// batch that fails is judged again in halves, down to the one that is at fault.
#[allow(clippy::too_many_arguments)] // one call, and where it stands in the page
fn judged(
    house: &House,
    pin: &Pin,
    mut items: Vec<Item>,
    from: usize,
    unit: &str,
    key: &str,
    now: jiff::Timestamp,
    batches: &mut Vec<Batch>,
) -> Vec<Floor> {
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let mut batch = Batch { from: place(from), count: place(items.len()), result: None, failed: None };
    match classify(house, pin, items.clone(), unit, key, now) {
        Ok((verdicts, result)) => {
            batch.result = Some(result);
            batches.push(batch);
            verdicts
        }
        Err((error, fault)) => {
            batch.failed = Some(fault);
            batches.push(batch);
            use huiyin_flow::ErrorKind::{Authorization, Configuration};
            // No item is to blame where the floor is not there or may not be used.
            if items.len() == 1 || error.is(Configuration) || error.is(Authorization) {
                return vec![Err(error.to_string()); items.len()];
            }
            let rest = items.split_off(items.len() / 2);
            let middle = from + items.len();
            let mut verdicts = judged(house, pin, items, from, unit, key, now, batches);
            verdicts.extend(judged(house, pin, rest, middle, unit, key, now, batches));
            verdicts
        }
    }
}

/// The verdicts, and the sum of the outcome they came in.
type Classified = Result<(Vec<Floor>, String), (Box<FlowError>, String)>;

fn classify(house: &House, pin: &Pin, items: Vec<Item>, unit: &str, key: &str, now: jiff::Timestamp) -> Classified {
    let package = calls::component(house, pin, unit).map_err(|error| (Box::new(error), "not-installed".to_owned()))?;
    let operation = Operation::Classify { config: pin.config.to_string(), model: Arc::from([]), state: None, items };
    let output = house
        .sandbox
        .call_pure(&package, &calls::context(unit, 1, key, now), &operation, &house.limits(&pin.plugin, unit))
        .map_err(|e| (Box::new(calls::flow_error(house, &e, pin, unit)), calls::fault(&e)))?;
    let result = result_digest(&output.to_json());
    let Output::Outcome(outcome) = output else {
        let what = format!("{}: is not a classifier", pin.plugin);
        return Err((Box::new(FlowError::new(huiyin_flow::ErrorKind::Runtime, what)), "output".to_owned()));
    };
    Ok((outcome.verdicts.into_iter().map(|given| given.and_then(numbers).map(verdict)).collect(), result))
}

/// A verdict whose scores are numbers: what is none has no JSON, and no record of it would read.
fn numbers(verdict: Verdict) -> Result<Verdict, String> {
    let wrong = verdict.factors.iter().find(|factor| !factor.score.is_finite());
    match wrong {
        _ if !verdict.score.is_finite() => Err("the classifier's score is not a number".to_owned()),
        Some(factor) => Err(format!("the classifier's factor `{}` is not a number", factor.name)),
        None => Ok(verdict),
    }
}

/// Lets the floor judge one plain item, so that one that cannot work is found before it has to.
///
/// # Errors
/// Why it could not, in words.
pub fn probe(house: &House, pin: &Pin, unit: &str) -> Result<(), String> {
    let item = Item {
        id: "probe".to_owned(),
        source: "probe".to_owned(),
        url: None,
        title: "后山起火".to_owned(),
        body: "有人看见浓烟。".to_owned(),
        published: None,
        observed: 0,
        fields: Vec::new(),
    };
    let judge = || classify(house, pin, vec![item.clone()], unit, "probe", jiff::Timestamp::UNIX_EPOCH);
    // A machine that is busy just now is no fault of the pack.
    let busy = |error: &FlowError| error.is(huiyin_flow::ErrorKind::Timeout);
    let judged = match judge() {
        Err((error, _)) if busy(&error) => judge(),
        other => other,
    };
    match judged {
        Err((error, _)) if busy(&error) => {
            tracing::warn!(plugin = pin.plugin, %error, "the floor took too long for one item");
            Ok(())
        }
        Err((error, _)) => Err(error.to_string()),
        Ok((verdicts, _)) => match verdicts.into_iter().next() {
            Some(Ok(verdict)) if verdict.score.is_finite() => Ok(()),
            Some(Ok(_)) => Err("its score is not a number".to_owned()),
            Some(Err(why)) => Err(why),
            None => Err("it gave no verdict".to_owned()),
        },
    }
}

/// The pin of a policy pack's floor. One that `stands`, in a pack in force,
/// stays where trust no longer covers it: for units that it may not judge for,
/// items have no verdict of it, and say why.
///
/// # Errors
/// When its classifier is not installed, in words.
pub fn floor_pin(house: &House, floor: &huiyin_desk::policy::Floor, stands: bool) -> Result<Pin, String> {
    let name = format!("{}:{}", floor.name, floor.version);
    // It judges for every unit, so every unit must be able to trust it.
    let mut pin = match house.usable(&name, None) {
        Ok((pin, _)) => pin,
        Err(why) => match house.named(&name).filter(|_| stands) {
            Some(bound) => bound.pin,
            None => return Err(format!("the policy pack's floor classifier: {why}")),
        },
    };
    pin.config = floor.config.clone();
    Ok(pin)
}
