//! The desk: cases, and what people do with them.

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use huiyin_desk::{Command, DeskError};
use huiyin_engine::partition::Expected;
use huiyin_json::Strict;
use serde_json::{Value, json};

use crate::body::Json;
use crate::caller::{self, Caller};
use crate::etag;
use crate::problem::Problem;
use crate::readers;
use crate::state::App;

/// Which cases; all of them where nothing is said.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichCases {
    unit: Option<String>,
    kind: Option<huiyin_desk::case::Kind>,
}

pub(crate) async fn cases(
    State(app): State<App>,
    which: Result<Query<WhichCases>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(WhichCases { unit, kind }) = which?;
    if let Some(unit) = &unit {
        app.engine.partition_of(unit)?;
    }
    let asker = caller.clone();
    let look = move |state: &huiyin_engine::state::State, now| {
        let unjudged = state.desk.unjudged().filter(|item| asker.sees(Some(&item.unit))).count() as u64;
        (huiyin_desk::case_list(&state.desk, now), unjudged)
    };
    let found = app.engine.look_all(look).await?;
    let unjudged: u64 = found.iter().map(|(_, unjudged)| unjudged).sum();
    let mut cases: Vec<Value> = found.into_iter().flat_map(|(cases, _)| cases).collect();
    let kind = kind.map(|kind| json!(kind));
    cases.retain(|case| {
        unit.as_ref().is_none_or(|unit| case["unit"] == **unit)
            && kind.as_ref().is_none_or(|kind| case["kind"] == *kind)
    });
    let hidden = readers::hidden(&app, &caller).await?;
    readers::leave_out(&mut cases, "number", &hidden);
    huiyin_desk::by_due(&mut cases);
    Ok(axum::Json(
        json!({"now": app.engine.now(), "unjudged": unjudged, "hidden": hidden.closed.len(), "cases": cases}),
    ))
}

/// The policy pack in force, as the host read it.
pub(crate) async fn policy(State(app): State<App>) -> Result<axum::Json<Value>, Problem> {
    let found = app.engine.look(0, |state, _| state.desk.policy().cloned()).await?;
    match found {
        Some(pack) => Ok(axum::Json(json!({"now": app.engine.now(), "pack": *pack}))),
        None => Err(Problem::not_found("no policy pack is in force; name one as `policy` in huiyin.json")),
    }
}

/// Every command that a person may give, with its JSON Schema: what forms are made of.
pub(crate) async fn commands() -> axum::Json<Value> {
    axum::Json(json!({"commands": huiyin_desk::command_forms()}))
}

/// Which items.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichItems {
    /// Only `true` is known: the desk keeps no list of all items.
    unjudged: bool,
    unit: Option<String>,
}

/// Items that wait for a person, because the floor could not judge them.
pub(crate) async fn items(
    State(app): State<App>,
    which: Result<Query<WhichItems>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(WhichItems { unjudged, unit }) = which?;
    if !unjudged {
        return Err(Problem::invalid(format_args!(
            "only items that wait for a person are listed: ask with `unjudged=true`"
        )));
    }
    let found = app.engine.look_all(|state, _| huiyin_desk::unjudged_list(&state.desk)).await?;
    let mut items: Vec<Value> = found.into_iter().flatten().collect();
    if let Some(unit) = &unit {
        app.engine.partition_of(unit)?;
        items.retain(|item| item["unit"] == **unit);
    }
    readers::within(&mut items, &caller);
    items.sort_by_cached_key(|item| item["item"].as_str().unwrap_or_default().to_owned());
    Ok(axum::Json(json!({"now": app.engine.now(), "items": items})))
}

/// Which tasks.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichTasks {
    unit: Option<String>,
    /// Also those that are over.
    #[serde(default)]
    all: bool,
}

/// Work that units hand to each other: the first due first, then what has no due time.
pub(crate) async fn tasks(
    State(app): State<App>,
    which: Result<Query<WhichTasks>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(WhichTasks { unit, all }) = which?;
    if let Some(unit) = &unit {
        app.engine.partition_of(unit)?;
    }
    let found = app.engine.look_all(move |state, _| huiyin_desk::task_list(&state.desk, unit.as_deref(), all)).await?;
    let mut tasks: Vec<Value> = found.into_iter().flatten().collect();
    readers::leave_out(&mut tasks, "case", &readers::hidden(&app, &caller).await?);
    let due = |task: &Value| task["due_at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
    tasks.sort_by_cached_key(|task| {
        (due(task).is_none(), due(task), task["case"].to_string(), task["task"].to_string())
    });
    let page = json!({"now": app.engine.now(), "tasks": tasks});
    Ok(axum::Json(app.engine.look(0, move |state, _| huiyin_desk::with_names(&state.desk, page)).await?))
}

/// Which approvals.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichApprovals {
    unit: Option<String>,
    /// Only what this person may approve now.
    person: Option<String>,
    /// Delegations also that are over.
    #[serde(default)]
    all: bool,
}

/// What waits for approvals, what runs out first before the others, and the delegations that hold.
pub(crate) async fn approvals(
    State(app): State<App>,
    which: Result<Query<WhichApprovals>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(WhichApprovals { unit, person, all }) = which?;
    if let Some(unit) = &unit {
        app.engine.partition_of(unit)?;
    }
    let of = unit.clone();
    let look = move |state: &huiyin_engine::state::State, now| {
        let lists = huiyin_desk::delegation_list(&state.desk, of.as_deref(), all, now);
        (state.desk.elsewhere(now), lists)
    };
    let mut known = huiyin_desk::Elsewhere::default();
    let mut delegations: Vec<Value> = Vec::new();
    for (there, lists) in app.engine.look_all(look).await? {
        known.join(there);
        delegations.extend(lists);
    }
    let look = move |state: &huiyin_engine::state::State, now| {
        let (unit, person) = (unit.as_deref(), person.as_deref());
        huiyin_desk::approval_list(&state.desk, unit, person, &known.delegations, now)
    };
    let found = app.engine.look_all(look).await?;
    let mut approvals: Vec<Value> = found.into_iter().flatten().collect();
    readers::leave_out(&mut approvals, "case", &readers::hidden(&app, &caller).await?);
    let own = caller.actor.strip_prefix("person:").unwrap_or_default();
    delegations.retain(|row| caller.sees(row["unit"].as_str()) || row["to"] == own);
    let time = |row: &Value, name: &str| row[name].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
    approvals.sort_by_cached_key(|row| {
        let end = time(row, "expires_at");
        (end.is_none(), end, time(row, "at"), row["case"].to_string())
    });
    let page = json!({"now": app.engine.now(), "approvals": approvals, "delegations": delegations});
    Ok(axum::Json(app.engine.look(0, move |state, _| huiyin_desk::with_names(&state.desk, page)).await?))
}

/// Which reports.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichReports {
    unit: Option<String>,
    /// Only those that an addressee has not signed for.
    #[serde(default)]
    unsigned: bool,
}

/// Reports of cases, the newest first, and those that went another way.
pub(crate) async fn reports(
    State(app): State<App>,
    which: Result<Query<WhichReports>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(WhichReports { unit, unsigned }) = which?;
    if let Some(unit) = &unit {
        app.engine.partition_of(unit)?;
    }
    let look = move |state: &huiyin_engine::state::State, _| {
        huiyin_desk::report_list(&state.desk, huiyin_desk::WhichReports { unit: unit.as_deref(), unsigned })
    };
    let (mut reports, mut bypasses) = (Vec::new(), Vec::new());
    for (of_reports, of_bypasses) in app.engine.look_all(look).await? {
        reports.extend(of_reports);
        bypasses.extend(of_bypasses);
    }
    let hidden = readers::hidden(&app, &caller).await?;
    for list in [&mut reports, &mut bypasses] {
        readers::leave_out(list, "case", &hidden);
        list.sort_by_cached_key(|row: &Value| {
            std::cmp::Reverse(row["at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok()))
        });
    }
    let page = json!({"now": app.engine.now(), "reports": reports, "bypasses": bypasses});
    Ok(axum::Json(app.engine.look(0, move |state, _| huiyin_desk::with_names(&state.desk, page)).await?))
}

pub(crate) async fn case(
    State(app): State<App>,
    number: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    let Path(number) = number?;
    if let Some(shown) = crate::watch::through_share(&app, &caller, Some(&number), None).await? {
        return Ok(axum::Json(shown).into_response());
    }
    let (wanted, reader) = (number.clone(), readers::ReaderOf::of(&app, &caller).await?);
    let who = reader.clone();
    let look = move |state: &huiyin_engine::state::State, now| {
        let case = state.desk.case(&wanted)?;
        let kept = who.kept(case, state.desk.policy().map(|pack| &**pack));
        Some(kept.map_or_else(|| Ok((huiyin_desk::case_page(&state.desk, case, now), case.version())), Err))
    };
    let found = app.engine.look_all(look).await?;
    match found.into_iter().flatten().next() {
        Some(Ok((case, version))) => {
            let tag = format!("\"{version}\"");
            let head = [(header::ETAG, tag), (header::CACHE_CONTROL, "no-store".to_owned())];
            Ok((head, axum::Json(case)).into_response())
        }
        Some(Err(why)) => Err(reader.refused(&app, &caller, &number, why)),
        None => Err(Problem::not_found(format_args!("there is no case {number}; `huiyin case list` shows them"))),
    }
}

/// Carries out a person's command: `{"command": "close-case", …}` with the
/// fields of that command.
pub(crate) async fn command(
    State(app): State<App>,
    unit: Result<Path<String>, PathRejection>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Json(Strict(command)): Json<Strict>,
) -> Result<axum::Json<Value>, Problem> {
    let Path(unit) = unit?;
    let key = caller::key(&headers)?;
    readers::check_command(&app, &caller, &command).await?;
    let command = Command::read(&command).map_err(|error| {
        let pointer = error.pointer.clone().unwrap_or_default();
        Problem::invalid_at(pointer, DeskError { pointer: None, ..error })
    })?;
    let output = match etag::wanted(&headers)? {
        None => app.engine.desk_once(&unit, &caller.actor, command, key.as_deref()).await?,
        Some(versions) => {
            let case = command.case().ok_or_else(|| {
                Problem::invalid("this command changes no case that there is; leave the header `if-match` out")
            })?;
            // Which version there is, is told only to who may read it.
            readers::check(&app, &caller, case).await?;
            let expected = Expected { case: case.to_owned(), versions };
            app.engine.desk_if(&unit, &caller.actor, command, key.as_deref(), expected).await?
        }
    };
    Ok(axum::Json(output))
}
