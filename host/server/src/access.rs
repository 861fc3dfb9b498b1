//! The one check of every request: whether who asks has the right that the route declares, and whether the units that
//! it names lie within theirs. What is refused is refused with why (403), and is on record.
//!
//! A person's session reads and acts within the units that the policy pack gives the person: their own and those below
//! it ([`Reach`]). An API token does so within the unit that it was made for, and only reads where it is for reading.
//! The host's own token and its admins read everything; what they may do, says the table of acts.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use huiyin_desk::{Actor, Reach};
use percent_encoding::percent_decode_str;

use crate::account::{Deed, TokenScope};
use crate::caller::Caller;
use crate::openapi::Right;
use crate::problem::Problem;
use crate::state::App;

/// What a query names its unit by.
const UNIT: &str = "unit";

/// Within which units a person reads and acts; none where no pack is in force, and so there are no persons to tell
/// apart.
pub(crate) fn reach(app: &App, actor: &str, narrowed: Option<&str>) -> Option<Arc<Reach>> {
    let pack = app.engine.policy()?;
    actor.strip_prefix("person:").map(|id| Arc::new(Reach::of(&pack, id, narrowed)))
}

/// Checks a request against the right of its route and the units that it names.
///
/// # Errors
/// 403 with why; it is on record.
pub(crate) fn check(app: &App, caller: &Caller, right: Right, request: &Request) -> Result<(), Problem> {
    // The bearer of the host's own token is whom it names; what that person may do is the engine's to say.
    if caller.session.is_none() && caller.token.is_none() {
        return Ok(());
    }
    let refuse = |why: String| Err(caller.refuse(app, &why));
    if right == Right::Admin && !caller.actor.starts_with("admin:") {
        return refuse(format!("only an admin of the host may ask for this, not `{}`", caller.actor));
    }
    if right == Right::Act && caller.token.as_ref().is_some_and(|token| token.scope == TokenScope::Read) {
        return refuse("this token only reads; make one with `--scope act`".to_owned());
    }
    for unit in units(request) {
        caller.within(app, Some(&unit))?;
    }
    Ok(())
}

/// The units that a request names in its path and its query.
fn units(request: &Request) -> Vec<String> {
    let uri = request.uri();
    let template = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let places = template.split('/').zip(uri.path().split('/'));
    let in_path = places.filter(|(name, _)| *name == "{unit}").map(|(_, code)| decoded(code));
    let pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let in_query = pairs.filter(|(name, _)| decoded(name) == UNIT).map(|(_, code)| decoded(&code.replace('+', " ")));
    in_path.chain(in_query).collect()
}

impl Caller {
    /// Who reads: whoever asks, and the admin where nobody is named.
    pub(crate) fn reader(&self) -> Actor {
        Actor::parse(&self.actor).unwrap_or_else(|| Actor::Admin("admin".to_owned()))
    }

    /// Whether what is of a unit, or of none, may be read: what is of none is the root's.
    pub(crate) fn sees(&self, unit: Option<&str>) -> bool {
        self.reach.as_ref().is_none_or(|reach| unit.map_or(reach.is_whole(), |unit| reach.has(unit)))
    }

    /// Whether how the host is set up for a unit may be read: what is set up for all may be read by everybody.
    pub(crate) fn knows(&self, unit: Option<&str>) -> bool {
        self.reach.as_ref().is_none_or(|reach| unit.is_none_or(|unit| reach.has(unit)))
    }

    /// Checks that they ask within their units; none or `*` is the whole host.
    ///
    /// # Errors
    /// 403 with why; it is on record.
    pub(crate) fn within(&self, app: &App, unit: Option<&str>) -> Result<(), Problem> {
        let unit = unit.filter(|unit| *unit != "*");
        if self.sees(unit) {
            return Ok(());
        }
        let whose = match &self.token {
            Some(token) => format!("this token of `{}` holds within `{}`", self.actor, token.unit),
            None => format!("`{}` reads and acts within their own unit and those below it", self.actor),
        };
        let asked = unit.map_or_else(|| "the whole host".to_owned(), |unit| format!("`{}`", unit.escape_debug()));
        Err(self.refuse(app, &format!("{whose} (clause 1d), and not within {asked}")))
    }

    /// A refusal, put on record.
    pub(crate) fn refuse(&self, app: &App, why: &str) -> Problem {
        let account = self.session.as_ref().map_or(self.actor.as_str(), |session| session.account.as_str());
        let by = self.token.as_ref().map(|token| format!("token {}", token.id));
        app.sign_in.note(
            Deed::Forbidden,
            account,
            by.as_deref(),
            &self.whence,
            Some(&format!("{}: {why}", self.asked)),
        );
        Problem::forbidden(why)
    }
}
