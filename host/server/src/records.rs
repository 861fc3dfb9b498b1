//! Records of the log, as an auditor reads them: a page of headers, the latest first, and one with its content.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use huiyin_journal::{Payload, Record};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::problem::Problem;
use crate::readers;
use crate::state::App;

/// Records on a page unless told otherwise, and at most.
const LISTED: usize = 50;
const MOST: usize = 500;

/// Records that one request looks at: a filter that finds little is answered in parts.
const LOOKED_AT: u64 = 20_000;

/// Which records.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Those before this index; from the end of the log unless told.
    before: Option<u64>,
    limit: Option<usize>,
    /// Beginning of the type, such as `huiyin.case.`
    #[serde(rename = "type")]
    kind: Option<String>,
    /// The whole subject, or its beginning.
    subject: Option<String>,
    actor: Option<String>,
    unit: Option<String>,
}

impl Which {
    fn wants(&self, record: &Record) -> bool {
        let header = &record.header;
        let begins = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| is.starts_with(&**wanted));
        begins(&self.kind, &record.kind)
            && begins(&self.subject, &header.subject)
            && self.actor.as_ref().is_none_or(|wanted| *wanted == huiyin_engine::actor_from_headers(&header.actor))
            && self.unit.as_ref().is_none_or(|wanted| header.unit.as_ref() == Some(wanted))
    }
}

/// A page of the log, the latest record first. `next` is where the page after it begins; none at the log's beginning.
pub(crate) async fn list(
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(which) = which?;
    let limit = which.limit.unwrap_or(LISTED);
    if limit == 0 || limit > MOST {
        return Err(Problem::invalid(format_args!("`limit` is from 1 to {MOST}")));
    }
    let journal = Arc::clone(app.engine.journal());
    let page = tokio::task::spawn_blocking(move || {
        let size = journal.size();
        let end = which.before.unwrap_or(size).min(size);
        let floor = end.saturating_sub(LOOKED_AT);
        let mut rows = Vec::new();
        let mut at = end;
        // The log is read forwards; so it is looked at in pieces, from the last one back.
        while at > floor && rows.len() < limit {
            let from = at.saturating_sub(limit as u64).max(floor);
            let piece: Vec<Record> = journal.read_all(from)?.take((at - from) as usize).collect::<Result<_, _>>()?;
            for record in
                piece.iter().rev().filter(|record| which.wants(record) && caller.sees(record.header.unit.as_deref()))
            {
                if rows.len() == limit {
                    break;
                }
                at = record.index;
                rows.push(row(record));
            }
            if rows.len() < limit {
                at = from;
            }
        }
        Ok::<_, huiyin_journal::JournalError>(json!({
            "size": size,
            "records": rows,
            "next": if at > 0 { Some(at) } else { None },
        }))
    });
    let page = page.await.map_err(Problem::internal)?.map_err(Problem::unavailable)?;
    Ok(axum::Json(page))
}

/// One record with its content.
pub(crate) async fn show(
    State(app): State<App>,
    index: Result<Path<u64>, PathRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Path(index) = index?;
    let record = found(&app, &caller, index).await?;
    if caller.reach.is_some()
        && let Payload::Open(bytes) = &record.payload
    {
        // A record says as much of a case as the case itself does.
        let closed = readers::hidden(&app, &caller).await?.closed;
        let text = String::from_utf8_lossy(bytes);
        if let Some(number) = closed.iter().find(|number| text.contains(number.as_str())) {
            return Err(caller
                .refuse(&app, &format!("record {index} is about case {number}, which is kept from you (clause 6a)")));
        }
    }
    let mut told = row(&record);
    told["commitment"] = record.header.commitment.clone().into();
    told["leaf"] = hex::encode(&record.leaf).into();
    if let Payload::Open(bytes) = &record.payload {
        // What is no JSON is told as what it is not: nothing.
        told["data"] = huiyin_json::depth::read(bytes).unwrap_or_default();
    }
    Ok(axum::Json(told))
}

/// A record that the asker may read.
pub(crate) async fn found(app: &App, caller: &Caller, index: u64) -> Result<Record, Problem> {
    let journal = Arc::clone(app.engine.journal());
    let missing = move |size| Problem::not_found(format_args!("there is no record {index}; the log has {size}"));
    let size = journal.size();
    if index >= size {
        return Err(missing(size));
    }
    let found = tokio::task::spawn_blocking(move || journal.read_all(index)?.next().transpose());
    let found = found.await.map_err(Problem::internal)?.map_err(Problem::unavailable)?;
    let record = found.ok_or_else(|| missing(size))?;
    caller.within(app, record.header.unit.as_deref())?;
    Ok(record)
}

fn row(record: &Record) -> Value {
    let header = &record.header;
    json!({
        "index": record.index,
        "id": header.id,
        "type": record.kind,
        "subject": header.subject,
        "time": header.time,
        "actor": huiyin_engine::actor_from_headers(&header.actor),
        "unit": header.unit,
        "causation": header.causation,
        "redacted": record.payload == Payload::Redacted,
    })
}
