//! What `read-desk` answers, as far as it is counted here.

use huiyin_sdk::reports::{Date, date, wrong};
use huiyin_sdk::serde_json::Value;
use huiyin_sdk::{BTreeMap, Error, parse_json};
use serde::Deserialize;

/// The most periods of one report: ten years of months.
const MAX_PERIODS: usize = 120;

#[derive(Debug, Deserialize)]
struct Written {
    unit: String,
    #[serde(default)]
    unit_name: Option<String>,
    from: String,
    to: String,
    cases: Count,
    #[serde(default)]
    on_time_rate: Option<f64>,
    #[serde(default)]
    by_unit: BTreeMap<String, Count>,
    #[serde(default)]
    by_level: BTreeMap<String, u64>,
    #[serde(default)]
    by_kind: BTreeMap<String, u64>,
    #[serde(default)]
    items: u64,
    #[serde(default)]
    by_channel: BTreeMap<String, u64>,
    #[serde(default)]
    by_label: BTreeMap<String, u64>,
    #[serde(default)]
    messages: BTreeMap<String, Lateness>,
    #[serde(default)]
    hotline: Hotline,
}

/// A reading of the desk.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) unit: String,
    pub(crate) unit_name: Option<String>,
    pub(crate) from: Date,
    pub(crate) to: Date,
    pub(crate) cases: Count,
    pub(crate) on_time_rate: Option<f64>,
    pub(crate) by_unit: BTreeMap<String, Count>,
    pub(crate) by_level: BTreeMap<String, u64>,
    pub(crate) by_kind: BTreeMap<String, u64>,
    pub(crate) items: u64,
    pub(crate) by_channel: BTreeMap<String, u64>,
    pub(crate) by_label: BTreeMap<String, u64>,
    pub(crate) messages: BTreeMap<String, Lateness>,
    pub(crate) hotline: Hotline,
}

/// Counts of cases.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(default)]
pub(crate) struct Count {
    pub(crate) opened: u64,
    pub(crate) closed: u64,
    pub(crate) open: u64,
    pub(crate) overdue: u64,
    pub(crate) breaches: u64,
    pub(crate) done: u64,
    pub(crate) on_time: u64,
}

/// How messages were dealt with.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(default)]
pub(crate) struct Lateness {
    pub(crate) received: u64,
    pub(crate) accepted: u64,
    pub(crate) accepted_late: u64,
    pub(crate) answered: u64,
    pub(crate) answered_late: u64,
    pub(crate) overdue: u64,
    pub(crate) extended: u64,
    pub(crate) paused: u64,
}

/// The hotline.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(default)]
pub(crate) struct Hotline {
    pub(crate) total: u64,
    pub(crate) answered: u64,
    pub(crate) missed: u64,
    pub(crate) called_back: u64,
    pub(crate) asked: u64,
    pub(crate) answer_rate: Option<f64>,
    pub(crate) target: Option<f64>,
}

impl Reading {
    /// Which reading a figure comes from.
    pub(crate) fn reference(&self) -> String {
        format!("read-desk:{}:{}:{}", self.unit, self.from, self.to)
    }

    /// `2026-03`, `2026-03-01`, or both days.
    pub(crate) fn period(&self) -> String {
        if self.from == self.to { self.from.to_string() } else { format!("{}至{}", self.from, self.to) }
    }
}

/// The readings, in the order of their days.
pub(crate) fn readings(data: &Value) -> Result<Vec<Reading>, Error> {
    let mut out = match data.get("periods") {
        None => vec![reading("", data)?],
        Some(Value::Array(list)) if list.is_empty() => return Err(wrong("/periods", "there is no period")),
        Some(Value::Array(list)) if list.len() > MAX_PERIODS => {
            return Err(wrong("/periods", &format!("{} periods; at most {MAX_PERIODS}", list.len())));
        }
        Some(Value::Array(list)) => list
            .iter()
            .enumerate()
            .map(|(n, one)| reading(&format!("/periods/{n}"), one))
            .collect::<Result<Vec<_>, _>>()?,
        Some(_) => return Err(wrong("/periods", "a list of what `read-desk` answers is wanted")),
    };
    out.sort_by_key(|reading| (reading.from, reading.to));
    let first = out.first().map(|reading| reading.unit.clone()).unwrap_or_default();
    if let Some(other) = out.iter().find(|reading| reading.unit != first) {
        let why = format!("the periods are of several units, `{first}` and `{}`; a report is of one", other.unit);
        return Err(wrong("/periods", &why));
    }
    if let Some(pair) = out.windows(2).find(|pair| pair[1].from <= pair[0].to) {
        let why = format!("{} and {} overlap: what lies in both would count twice", pair[0].period(), pair[1].period());
        return Err(wrong("/periods", &why));
    }
    Ok(out)
}

fn reading(pointer: &str, value: &Value) -> Result<Reading, Error> {
    // `at /cases: …` is a place within the reading.
    let placed = |why: String| match why.strip_prefix("at /") {
        Some(rest) => Error::InvalidInput(format!("at {pointer}/{rest}")),
        None => wrong(if pointer.is_empty() { "/" } else { pointer }, &why),
    };
    let read: Written = parse_json(&value.to_string()).map_err(placed)?;
    let (from, to) = (date(&format!("{pointer}/from"), &read.from)?, date(&format!("{pointer}/to"), &read.to)?);
    if from > to {
        return Err(wrong(&format!("{pointer}/from"), &format!("{from} lies after {to}")));
    }
    Ok(Reading {
        unit: read.unit,
        unit_name: read.unit_name,
        from,
        to,
        cases: read.cases,
        on_time_rate: read.on_time_rate,
        by_unit: read.by_unit,
        by_level: read.by_level,
        by_kind: read.by_kind,
        items: read.items,
        by_channel: read.by_channel,
        by_label: read.by_label,
        messages: read.messages,
        hotline: read.hotline,
    })
}
