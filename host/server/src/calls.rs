//! Calls on the hotline (96128, clause 4b): records that come in, and how many calls were taken.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use huiyin_desk::{Call, Item, MAX_CALLS};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::body::Json;
use crate::caller::Caller;
use crate::intake::check_source;
use crate::problem::Problem;
use crate::readers;
use crate::state::App;

/// Call records sent in.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Calls {
    /// Where they come from.
    #[serde(default = "hotline")]
    source: String,
    calls: Vec<CallRecord>,
}

fn hotline() -> String {
    "96128".to_owned()
}

/// One call.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct CallRecord {
    id: Option<String>,
    #[schemars(with = "String", extend("format" = "date-time"))]
    at: Timestamp,
    phone: String,
    answered: bool,
    #[serde(default)]
    called_back: bool,
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    called_back_at: Option<Timestamp>,
    /// What was asked.
    content: Option<String>,
    /// What was answered in the call.
    reply: Option<String>,
    asker: Option<String>,
    duty: Option<String>,
    region: Option<String>,
}

pub(crate) async fn import(
    State(app): State<App>,
    unit: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
    Json(sent): Json<Calls>,
) -> Result<axum::Json<Value>, Problem> {
    let Path(unit) = unit?;
    app.engine.partition_of(&unit)?;
    check_source(&sent.source)?;
    if sent.calls.is_empty() || sent.calls.len() > MAX_CALLS {
        let why = format_args!("{} calls; send 1 to {MAX_CALLS} at once", sent.calls.len());
        return Err(Problem::invalid_at("/calls", why));
    }
    let now = app.engine.now();
    let (mut calls, mut said) = (Vec::with_capacity(sent.calls.len()), Vec::new());
    for (at, record) in sent.calls.into_iter().enumerate() {
        let content = record.content.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let replied = record.reply.as_deref().is_some_and(|text| !text.trim().is_empty());
        if let Some(content) = content {
            let mut fields = BTreeMap::from([("channel".to_owned(), "hotline".to_owned())]);
            if let Some(reply) = record.reply.filter(|_| replied) {
                fields.insert("reply".to_owned(), reply.chars().take(2_000).collect());
            }
            said.push((
                at,
                Item {
                    id: record.id.clone().unwrap_or_else(|| format!("{}-{at}", record.at)),
                    source: sent.source.clone(),
                    url: None,
                    title: String::new(),
                    body: content,
                    published: Some(record.at),
                    observed: record.at.min(now),
                    fields,
                },
            ));
        }
        calls.push(Call {
            id: record.id,
            at: record.at,
            phone: record.phone,
            answered: record.answered,
            called_back: record.called_back,
            called_back_at: record.called_back_at,
            replied,
            asker: record.asker,
            duty: record.duty,
            region: record.region,
            said: None,
        });
    }
    let output = app.engine.take_calls(&unit, &sent.source, calls, said, &caller.actor).await?;
    Ok(axum::Json(output))
}

/// Which period, and whose.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Period {
    #[schemars(with = "String", extend("format" = "date"))]
    from: Date,
    #[schemars(with = "String", extend("format" = "date"))]
    to: Date,
    unit: Option<String>,
}

/// How many calls were taken (接听率), by unit, on the days from one to another, both included.
pub(crate) async fn rate(
    State(app): State<App>,
    period: Result<Query<Period>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(Period { from, to, unit }) = period?;
    if from > to {
        return Err(Problem::invalid_at("/from", format_args!("{from} lies after {to}")));
    }
    if let Some(unit) = &unit {
        app.engine.partition_of(unit)?;
    }
    let look = move |state: &huiyin_engine::state::State, _| huiyin_desk::call_rate(&state.desk, from, to);
    let mut units: Vec<Value> = app.engine.look_all(look).await?.into_iter().flatten().collect();
    readers::within(&mut units, &caller);
    units.retain(|row| unit.as_ref().is_none_or(|unit| row["unit"] == **unit));
    let target = app.engine.look(0, |state, _| state.desk.policy().and_then(|pack| pack.hotline.clone())).await?;
    let rate = |row: &Value| {
        let of = |name: &str| row[name].as_u64().unwrap_or(0);
        (of("total") > 0).then(|| of("answered") as f64 / of("total") as f64)
    };
    for row in &mut units {
        row["rate"] = json!(rate(row));
    }
    let sum = |name: &str| units.iter().filter_map(|row| row[name].as_u64()).sum::<u64>();
    let mut all = json!({
        "total": sum("total"), "answered": sum("answered"), "missed": sum("missed"),
        "called_back": sum("called_back"), "asked": sum("asked"),
    });
    all["rate"] = json!(rate(&all));
    let wanted = target.as_ref().and_then(|rule| rule.answer_rate);
    let met = wanted.zip(rate(&all)).map(|(wanted, rate)| rate >= wanted);
    let page = json!({
        "from": from, "to": to, "units": units, "all": all,
        "target": {
            "answer_rate": wanted, "met": met,
            "source": target.as_ref().map(|rule| &rule.basis.source),
            "note": if wanted.is_none() { Some("制度包未填写接听率目标 (the pack sets no target)") } else { None },
        },
    });
    Ok(axum::Json(app.engine.look(0, move |state, _| huiyin_desk::with_names(&state.desk, page)).await?))
}
