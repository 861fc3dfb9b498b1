//! Who may read which case: those within their units ([`Reach`]), and of these the ones that are not kept from them
//! (clause 6a). What a person may not see is left out of lists, and refused where it is asked for by number. A refused
//! read is on record, with who and which.

use std::collections::BTreeSet;
use std::sync::Arc;

use huiyin_desk::case::Case;
use huiyin_desk::{Actor, PolicyPack, Reach};
use serde_json::Value;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::state::App;

/// The longest number of a case, in bytes, and more.
const LONGEST_NUMBER: usize = 128;

/// Somebody who reads.
#[derive(Debug, Clone)]
pub(crate) struct ReaderOf {
    actor: Actor,
    reach: Option<Arc<Reach>>,
}

/// Why a case is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is other units' alone.
    Beyond,
    /// Its unit says who may read it (clause 6a).
    Closed,
}

impl ReaderOf {
    /// Whoever asks; the admin where nobody is named.
    pub(crate) async fn of(app: &App, caller: &Caller) -> Result<ReaderOf, Problem> {
        let actor = caller.reader();
        let reach = match &caller.reach {
            None => None,
            Some(reach) => {
                // Who decides for another unit for a time reads what it is about (clause 6b); a token does not.
                let lent = if caller.token.is_some() {
                    Vec::new()
                } else {
                    app.engine.look_all(|state, now| state.desk.elsewhere(now).delegations).await?.concat()
                };
                Some(Arc::new(Reach::clone(reach).with_lent(&lent)))
            }
        };
        Ok(ReaderOf { actor, reach })
    }

    /// Why they may not read a case; none where they may.
    pub(crate) fn kept(&self, case: &Case, pack: Option<&PolicyPack>) -> Option<Kept> {
        if self.reach.as_ref().is_some_and(|reach| !reach.sees(case)) {
            return Some(Kept::Beyond);
        }
        (!case.may_be_read_by(&self.actor, pack)).then_some(Kept::Closed)
    }

    /// A case that they may not read.
    pub(crate) fn refused(&self, app: &App, caller: &Caller, number: &str, why: Kept) -> Problem {
        if why == Kept::Beyond {
            let said = format!(
                "`{}` reads the cases of their own unit and those below it, and those in which one of these has a part (clause 1d); {number} is none",
                self.actor
            );
            return caller.refuse(app, &said);
        }
        tracing::warn!(actor = %self.actor, case = number, "a read was refused (clause 6a)");
        Problem::refused(format_args!(
            "`{}` may not read case {number} (clause 6a); its unit says who may: `huiyin case confidentiality`",
            self.actor
        ))
    }
}

/// The cases that somebody may not read, over all partitions.
#[derive(Debug, Default)]
pub(crate) struct Hidden {
    numbers: BTreeSet<String>,
    /// Those of them that lie within their units.
    pub(crate) closed: BTreeSet<String>,
}

/// Which cases somebody may not read.
pub(crate) async fn hidden(app: &App, caller: &Caller) -> Result<Hidden, Problem> {
    let reader = ReaderOf::of(app, caller).await?;
    if reader.actor.person().is_none() {
        return Ok(Hidden::default());
    }
    let look = move |state: &huiyin_engine::state::State, _| {
        let pack = state.desk.policy().map(|pack| &**pack);
        let kept = state.desk.cases().filter_map(|case| Some((case.number.clone(), reader.kept(case, pack)?)));
        kept.collect::<Vec<_>>()
    };
    let mut hidden = Hidden::default();
    for (number, why) in app.engine.look_all(look).await?.into_iter().flatten() {
        if why == Kept::Closed {
            hidden.closed.insert(number.clone());
        }
        hidden.numbers.insert(number);
    }
    Ok(hidden)
}

/// Leaves out rows of cases that are hidden.
pub(crate) fn leave_out(rows: &mut Vec<Value>, member: &str, hidden: &Hidden) {
    rows.retain(|row| row[member].as_str().is_none_or(|number| !hidden.numbers.contains(number)));
}

/// Leaves out rows of units that the asker does not read.
pub(crate) fn within(rows: &mut Vec<Value>, caller: &Caller) {
    if caller.reach.is_some() {
        rows.retain(|row| caller.sees(row["unit"].as_str()));
    }
}

/// Checks that a case may be read, by its number; one that there is not, is left to who looks for it.
///
/// # Errors
/// The refusal; it is on record.
pub(crate) async fn check(app: &App, caller: &Caller, number: &str) -> Result<(), Problem> {
    let reader = ReaderOf::of(app, caller).await?;
    let (who, wanted) = (reader.clone(), number.to_owned());
    let look = move |state: &huiyin_engine::state::State, _| {
        let case = state.desk.case(&wanted)?;
        who.kept(case, state.desk.policy().map(|pack| &**pack))
    };
    match app.engine.look_all(look).await?.into_iter().flatten().next() {
        Some(why) => Err(reader.refused(app, caller, number, why)),
        None => Ok(()),
    }
}

/// Checks what a command names against the units of a token: it may be of less than its person's, of which alone the
/// engine knows. Whatever the command says that is the number of a case or the id of an item counts, wherever it says it.
///
/// # Errors
/// The refusal; it is on record.
pub(crate) async fn check_command(app: &App, caller: &Caller, command: &Value) -> Result<(), Problem> {
    if caller.token.is_none() {
        return Ok(());
    }
    if let Some(unit) = command["unit"].as_str() {
        caller.within(app, Some(unit))?;
    }
    let mut words = Vec::new();
    gather(command, &mut words);
    let (reader, asker) = (ReaderOf::of(app, caller).await?, caller.clone());
    let look = move |state: &huiyin_engine::state::State, _| {
        let pack = state.desk.policy().map(|pack| &**pack);
        words
            .iter()
            .find(|word| {
                let closed = state.desk.case(word).is_some_and(|case| reader.kept(case, pack).is_some());
                let item = word.parse().ok().and_then(|id| state.desk.item(&id));
                closed || item.is_some_and(|item| !asker.sees(Some(&item.unit)))
            })
            .cloned()
    };
    match app.engine.look_all(look).await?.into_iter().flatten().next() {
        Some(word) => Err(caller.refuse(app, &format!("`{word}` lies outside the units of this token (clause 1d)"))),
        None => Ok(()),
    }
}

/// Whether somebody may hear of what goes on: not where it names a case that is kept from them, wherever it does
/// (clause 6a). What cannot be looked up is not told.
pub(crate) async fn may_hear(app: &App, caller: &Caller, activity: &huiyin_engine::Activity) -> bool {
    if caller.reader().person().is_none() {
        return true;
    }
    let mut words: Vec<String> = activity.subject.split('/').map(str::to_owned).collect();
    gather(&activity.data, &mut words);
    // The number of a case has a digit in it, and no space.
    words.retain(|word| word.len() <= LONGEST_NUMBER && word.contains(|c: char| c.is_ascii_digit()));
    if words.is_empty() {
        return true;
    }
    let Ok(reader) = ReaderOf::of(app, caller).await else { return false };
    let look = move |state: &huiyin_engine::state::State, _| {
        let pack = state.desk.policy().map(|pack| &**pack);
        let kept = |word: &String| state.desk.case(word).and_then(|case| reader.kept(case, pack));
        words.iter().any(|word| kept(word) == Some(Kept::Closed))
    };
    app.engine.look_all(look).await.is_ok_and(|found| !found.contains(&true))
}

/// The texts of a value.
fn gather(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::String(text) => words.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|value| gather(value, words)),
        Value::Object(map) => map.values().for_each(|value| gather(value, words)),
        _ => {}
    }
}
