//! Watching: coverage, duty, warnings, and what is shared.

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use huiyin_desk::watch::{
    coverage_page, item_page, merged_coverage, patrol_list, roster_page, shared_list, warning_list,
};
use huiyin_desk::{Command, ReadShared, WatchCommand};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::account::TokenScope;
use crate::caller::Caller;
use crate::problem::Problem;
use crate::readers;
use crate::state::App;

/// Which unit, which day.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichDay {
    unit: Option<String>,
    /// `2026-03-01`, by the pack's time zone; today unless given.
    day: Option<String>,
}

/// Which channels are watched, and the hours of a day (clauses 3.1a, 3.1g).
pub(crate) async fn coverage(
    State(app): State<App>,
    which: Result<Query<WhichDay>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(WhichDay { unit, day }) = which?;
    known(&app, unit.as_deref())?;
    let day = day
        .map(|text| {
            text.parse().map_err(|_| Problem::invalid(format_args!("day: `{text}` is no date; write 2026-03-01")))
        })
        .transpose()?;
    let pages = app.engine.look_all(move |state, now| coverage_page(&state.desk, unit.as_deref(), day, now)).await?;
    let keep = |mut page: Value| {
        if let Some(units) = page["units"].as_array_mut() {
            readers::within(units, &caller);
        }
        page
    };
    let mut page = merged_coverage(pages.into_iter().map(keep).collect());
    page["now"] = json!(app.engine.now());
    Ok(axum::Json(page))
}

/// Which unit, and for how many days on either side of now.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhichRoster {
    unit: Option<String>,
    days: Option<i64>,
}

/// Who is on duty, and who was and will be (clause 3.1b).
pub(crate) async fn roster(
    State(app): State<App>,
    which: Result<Query<WhichRoster>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(WhichRoster { unit, days }) = which?;
    known(&app, unit.as_deref())?;
    let days = days.unwrap_or(2);
    let pages = app.engine.look_all(move |state, now| roster_page(&state.desk, unit.as_deref(), days, now)).await?;
    let mut units: Vec<Value> = pages.into_iter().flatten().collect();
    readers::within(&mut units, &caller);
    units.sort_by_cached_key(|page| page["unit"].to_string());
    Ok(axum::Json(json!({"now": app.engine.now(), "units": units})))
}

/// Which unit, and whether of all that is kept.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    unit: Option<String>,
    #[serde(default)]
    all: bool,
}

/// Patrols of today, and those that were missed (clause 3.1b).
pub(crate) async fn patrols(
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(Which { unit, all }) = which?;
    known(&app, unit.as_deref())?;
    let found = app.engine.look_all(move |state, now| patrol_list(&state.desk, unit.as_deref(), all, now)).await?;
    let mut rows = found.into_iter().flatten().collect();
    readers::within(&mut rows, &caller);
    page(&app, "patrols", rows).await
}

/// Warnings that are open or owe something (clauses 3.2b, 3.2f).
pub(crate) async fn warnings(
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(Which { unit, all }) = which?;
    known(&app, unit.as_deref())?;
    let found = app.engine.look_all(move |state, _| warning_list(&state.desk, unit.as_deref(), all)).await?;
    let mut rows = found.into_iter().flatten().collect();
    readers::within(&mut rows, &caller);
    page(&app, "warnings", rows).await
}

/// What is shared by or with a unit (clause 3.1f).
pub(crate) async fn shared(
    State(app): State<App>,
    which: Result<Query<Which>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(Which { unit, all }) = which?;
    known(&app, unit.as_deref())?;
    let found = app.engine.look_all(move |state, now| shared_list(&state.desk, unit.as_deref(), all, now)).await?;
    let mut rows: Vec<Value> = found.into_iter().flatten().collect();
    // It is of both: whose it was, and with whom it is shared.
    rows.retain(|row| caller.sees(row["unit"].as_str()) || caller.sees(row["to"].as_str()));
    page(&app, "shared", rows).await
}

/// An item that the desk holds still.
pub(crate) async fn item(
    State(app): State<App>,
    item: Result<Path<Uuid>, PathRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Path(item) = item?;
    if let Some(shown) = through_share(&app, &caller, None, Some(item)).await? {
        return Ok(axum::Json(shown));
    }
    let found = app.engine.look_all(move |state, _| item_page(&state.desk, &item)).await?;
    let none = || Problem::not_found(format_args!("the desk holds no item {item}; it never came, or too long ago"));
    let found = found.into_iter().flatten().next().ok_or_else(none)?;
    // Its own case says more exactly who reads it than its unit does.
    match found["case"].as_str() {
        Some(number) => readers::check(&app, &caller, number).await?,
        None => caller.within(&app, found["unit"].as_str())?,
    }
    Ok(axum::Json(found))
}

/// What somebody of another unit sees of a matter that is shared with theirs: as much as is shared,
/// and their reading is on record (clause 3.1f). None where it is their own, or is not shared.
pub(crate) async fn through_share(
    app: &App,
    caller: &Caller,
    case: Option<&str>,
    item: Option<Uuid>,
) -> Result<Option<Value>, Problem> {
    let Some((home, _)) = app.engine.home_of(&caller.actor) else { return Ok(None) };
    // A token that only reads, or is of a unit below the person's, does not read in the name of that unit.
    let reads_only = caller.token.as_ref().is_some_and(|token| token.scope == TokenScope::Read);
    if reads_only || !caller.sees(Some(&home)) {
        return Ok(None);
    }
    let (case, to) = (case.map(str::to_owned), home.clone());
    let look = move |state: &huiyin_engine::state::State, now| {
        let share = state
            .desk
            .watch()
            .shares()
            .find(|share| share.holds(now) && share.to == to && (share.case == case && share.item == item))?;
        let lead = share.case.as_deref().and_then(|number| state.desk.case(number)).map(|case| case.unit.clone());
        Some((share.id.clone(), lead.unwrap_or_else(|| share.unit.clone())))
    };
    let Some((share, owner)) = app.engine.look_all(look).await?.into_iter().flatten().next() else { return Ok(None) };
    if app.engine.stands_for(&home, &owner) {
        return Ok(None);
    }
    let read = Command::Watch(Box::new(WatchCommand::ReadShared(ReadShared { share })));
    let mut output = app.engine.desk(&home, &caller.actor, read).await?;
    Ok(Some(output["shown"].take()))
}

fn known(app: &App, unit: Option<&str>) -> Result<(), Problem> {
    if let Some(unit) = unit {
        app.engine.partition_of(unit)?;
    }
    Ok(())
}

/// Rows, with the names that the pack has for what stands in them.
async fn page(app: &App, name: &str, rows: Vec<Value>) -> Result<axum::Json<Value>, Problem> {
    let mut page = json!({"now": app.engine.now()});
    page[name] = Value::Array(rows);
    Ok(axum::Json(app.engine.look(0, move |state, _| huiyin_desk::with_names(&state.desk, page)).await?))
}
