//! Who may read which case (clause 6a): what a person may not see is left out of lists, and refused where it is asked
//! for by number. A refused read is in the host's log, with who and which.

use huiyin_desk::{Actor, PolicyPack};
use serde_json::Value;

use crate::caller::Caller;
use crate::problem::Problem;
use crate::state::App;

/// Somebody who reads.
#[derive(Debug, Clone)]
pub(crate) struct ReaderOf {
    actor: Actor,
}

impl ReaderOf {
    /// Whoever asks; the admin where nobody is named.
    pub(crate) fn of(caller: &Caller) -> ReaderOf {
        let admin = || Actor::Admin("admin".to_owned());
        ReaderOf { actor: Actor::parse(&caller.actor).unwrap_or_else(admin) }
    }

    /// Whether they may read a case.
    pub(crate) fn may(&self, case: &huiyin_desk::case::Case, pack: Option<&PolicyPack>) -> bool {
        case.may_be_read_by(&self.actor, pack)
    }

    /// A case that they may not read.
    pub(crate) fn refused(&self, number: &str) -> Problem {
        tracing::warn!(actor = %self.actor, case = number, "a read was refused (clause 6a)");
        Problem::refused(format_args!(
            "`{}` may not read case {number} (clause 6a); its unit says who may: `huiyin case confidentiality`",
            self.actor
        ))
    }
}

/// The numbers of the cases that somebody may not read, over all partitions.
pub(crate) async fn hidden(app: &App, caller: &Caller) -> Result<std::collections::BTreeSet<String>, Problem> {
    let reader = ReaderOf::of(caller);
    if reader.actor.person().is_none() {
        return Ok(std::collections::BTreeSet::new());
    }
    let look = move |state: &huiyin_engine::state::State, _| {
        let pack = state.desk.policy().map(|pack| &**pack);
        let hidden = state.desk.cases().filter(|case| !reader.may(case, pack));
        hidden.map(|case| case.number.clone()).collect::<Vec<_>>()
    };
    Ok(app.engine.look_all(look).await?.into_iter().flatten().collect())
}

/// Leaves out rows of cases that are hidden; gives how many.
pub(crate) fn leave_out(rows: &mut Vec<Value>, member: &str, hidden: &std::collections::BTreeSet<String>) -> usize {
    let before = rows.len();
    rows.retain(|row| row[member].as_str().is_none_or(|number| !hidden.contains(number)));
    before - rows.len()
}
