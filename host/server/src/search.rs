//! Looking for words in cases and items: what somebody may read, of their unit and all below it.

use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use huiyin_desk::case::Case;
use huiyin_desk::item::ItemRecord;
use huiyin_desk::searching::{Part, case_hit, case_passages, item_hit, item_passages};
use huiyin_search::{Place, Wanted, snippet};
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::finder::{CASE, ITEM, Sight};
use crate::problem::Problem;
use crate::readers::ReaderOf;
use crate::state::App;

/// Hits where no limit is given.
const HITS: usize = 20;
/// The most hits of one page.
const MAX_HITS: usize = 100;
/// The most characters of a snippet.
const SNIPPET: usize = 100;

/// What is looked for.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    q: String,
    unit: Option<String>,
    kind: Option<Kind>,
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    from: Option<Date>,
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    to: Option<Date>,
    limit: Option<usize>,
    after: Option<String>,
}

/// Cases or items.
#[derive(Debug, Clone, Copy, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
enum Kind {
    Case,
    Item,
}

/// The hits, the latest first.
pub(crate) async fn search(
    State(app): State<App>,
    asked: Result<Query<Asked>, QueryRejection>,
    Extension(caller): Extension<Caller>,
) -> Result<axum::Json<Value>, Problem> {
    let Query(asked) = asked?;
    let wrong = |name: &str, what: &dyn std::fmt::Display| Problem::invalid(format_args!("{name}: {what}"));
    let query = huiyin_search::Query::parse(&asked.q).map_err(|error| wrong("q", &error))?;
    let limit = asked.limit.unwrap_or(HITS);
    if limit == 0 || limit > MAX_HITS {
        return Err(wrong("limit", &format_args!("{limit}; from 1 to {MAX_HITS} hits are given at once")));
    }
    let after = asked.after.as_deref().map(str::parse::<Place>).transpose();
    let after = after.map_err(|()| wrong("after", &"give what an answer had as `next`"))?;
    let (unit, units) = scope(&app, &caller, asked.unit)?;
    let (from, before) = period(&app, asked.from, asked.to).await?;
    let sight = app.finder.sight(&app.engine).await?;
    let reader = ReaderOf::of(&app, &caller).await?;
    let kind = asked.kind.map(|kind| match kind {
        Kind::Case => CASE,
        Kind::Item => ITEM,
    });
    let search = Search { query, units, kind, from, before, limit, reader };
    let found = tokio::task::spawn_blocking(move || search.page(&sight, after)).await;
    let (hits, next) = found.map_err(Problem::internal)?;
    let next = next.map(|place| place.to_string());
    let page = json!({"now": app.engine.now(), "unit": unit, "hits": hits, "next": next});
    Ok(axum::Json(app.engine.look(0, move |state, _| huiyin_desk::with_names(&state.desk, page)).await?))
}

/// The unit in whose name is searched, and its code and those of all below it. A person searches within their own
/// unit; the host's admin, where no unit is named, everywhere.
fn scope(app: &App, caller: &Caller, unit: Option<String>) -> Result<(Option<String>, Option<Vec<String>>), Problem> {
    if let Some(unit) = &unit {
        app.engine.partition_of(unit)?;
    }
    let home = app.engine.home_of(&caller.actor).map(|(home, _)| home);
    if home.is_none() && caller.actor.starts_with("person:") {
        return Err(Problem::refused(format_args!("the policy pack does not name `{}`", caller.actor)));
    }
    if let (Some(home), Some(unit)) = (&home, &unit)
        && !app.engine.stands_for(home, unit)
    {
        return Err(Problem::refused(format_args!(
            "`{}` belongs to unit `{home}`, which does not stand above `{unit}` (clause 1d); search in `{home}`",
            caller.actor
        )));
    }
    // A token is of one unit, which may lie below the person's own.
    let own = caller.token.as_ref().map(|token| token.unit.clone()).or(home);
    let Some(unit) = unit.or(own) else { return Ok((None, None)) };
    let mut units = app.engine.units();
    units.retain(|code| app.engine.stands_for(&unit, code) && caller.sees(Some(code)));
    Ok((Some(unit), Some(units)))
}

/// From the first moment of one day to the last of another, by the pack's zone, in microseconds.
async fn period(app: &App, from: Option<Date>, to: Option<Date>) -> Result<(Option<i64>, Option<i64>), Problem> {
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return Err(Problem::invalid(format_args!("from: {from} lies after {to}")));
    }
    if from.is_none() && to.is_none() {
        return Ok((None, None));
    }
    let midnight = move |state: &huiyin_engine::state::State, _| {
        let zone = state.desk.policy().map_or(jiff::tz::TimeZone::UTC, |pack| pack.time_zone.time_zone().clone());
        let at = |day: Date| zone.to_timestamp(day.at(0, 0, 0, 0)).ok().map(jiff::Timestamp::as_microsecond);
        (from.and_then(at), to.and_then(|day| day.tomorrow().ok()).and_then(at))
    };
    Ok(app.engine.look(0, midnight).await?)
}

/// A search that is understood.
struct Search {
    query: huiyin_search::Query,
    units: Option<Vec<String>>,
    kind: Option<&'static str>,
    from: Option<i64>,
    before: Option<i64>,
    limit: usize,
    reader: ReaderOf,
}

impl Search {
    /// A page of hits that the reader may see, and the place after which there are more.
    fn page(&self, sight: &Sight, after: Option<Place>) -> (Vec<Value>, Option<Place>) {
        let wanted = Wanted {
            query: &self.query,
            units: self.units.as_deref(),
            kind: self.kind,
            from: self.from,
            before: self.before,
            after,
        };
        let mut hits: Vec<Value> = Vec::new();
        let mut last = None;
        for candidate in sight.index.candidates(wanted) {
            let Some(hit) = self.hit(sight, candidate.id) else { continue };
            if hits.len() == self.limit {
                return (hits, last);
            }
            hits.push(hit);
            last = Some(candidate.place);
        }
        (hits, None)
    }

    /// What is shown of a hit; none where it is none, or the reader may not see it.
    fn hit(&self, sight: &Sight, id: &str) -> Option<Value> {
        let case = |number: &str| sight.desks().find_map(|desk| Some((desk.case(number)?, desk.pack())));
        let may = |case: &Case, pack| self.reader.kept(case, pack).is_none();
        let (kind, name) = id.split_once(':')?;
        if kind == CASE {
            let (case, pack) = case(name)?;
            return may(case, pack).then(|| self.shown(case_hit(case), &case_passages(case))).flatten();
        }
        let id = name.parse().ok()?;
        let item: &ItemRecord = sight.desks().find_map(|desk| desk.item(&id))?;
        // The case may live elsewhere than the item.
        let placed = sight.desks().find_map(|desk| desk.case_of_item(&id));
        if let Some((case, pack)) = placed.and_then(case)
            && !may(case, pack)
        {
            return None;
        }
        self.shown(item_hit(item, placed), &item_passages(item))
    }

    /// With the first text where something of the query stands; none where not all of it stands in the texts.
    fn shown(&self, mut hit: Value, passages: &[(Part, &str)]) -> Option<Value> {
        if !self.query.stands_in(passages.iter().map(|(_, text)| *text)) {
            return None;
        }
        let (part, fragments) =
            passages.iter().find_map(|(part, text)| Some((part, snippet(&self.query, text, SNIPPET)?)))?;
        hit["found_in"] = json!(part.name());
        hit["found_in_zh"] = json!(part.zh());
        hit["snippet"] = fragments.into_iter().map(|one| json!({"text": one.text, "hit": one.hit})).collect();
        Some(hit)
    }
}
