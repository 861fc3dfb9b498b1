//! Responses as people read them.

use serde_json::{Value, json};

use super::publishing::latency;
use super::responding::held_against;
use super::response::Response;
use super::{Case, Proposal};
use crate::desk::Desk;

/// How far a response has come, as JSON and as people name it.
fn state(case: &Case, response: &Response) -> (&'static str, &'static str) {
    let submitted = || {
        case.approvals.iter().any(|approval| {
            approval.is_pending()
                && matches!(&approval.proposal, Proposal::Response(of) if of.hash == response.draft.hash)
        })
    };
    match (&response.released, response.published) {
        (Some(_), Some(_)) if response.missing().next().is_none() => ("published", "已发布"),
        (Some(_), Some(_)) => ("partly-published", "部分渠道已发布"),
        (Some(_), None) => ("released", "已签发"),
        (None, _) if response.approved.is_some() => ("approved", "已审批"),
        (None, _) if submitted() => ("submitted", "送审中"),
        (None, _) => ("draft", "草稿"),
    }
}

/// Everything about a response.
pub(crate) fn view(case: &Case, response: &Response) -> Value {
    let (draft, content) = (&response.draft, &response.draft.content);
    let (state, state_zh) = state(case, response);
    let channels: Vec<Value> = response.released.iter().flat_map(|release| &release.channels).map(|owed| {
        let proof = response.proof(&owed.id);
        let (state, state_zh) = match proof {
            Some(proof) if proof.same => ("published", "已发布"),
            Some(_) => ("differs", "文本不一致"),
            None if owed.required => ("missing", "未发布"),
            None => ("optional", "可不发布"),
        };
        json!({ "channel": owed.id, "name": owed.name, "required": owed.required, "state": state, "state_zh": state_zh, "proof": proof })
    }).collect();
    let departures = match &response.approved {
        Some(approved) => approved.departures.clone(),
        None => held_against(case, content),
    };
    let clock = case.clocks.iter().find(|entry| entry.clock.id == response.clock()).map(|entry| &entry.clock);
    json!({
        "case": case.number,
        "title": case.title,
        "level": case.level,
        "response": draft.id,
        "version": draft.version,
        "unit": content.unit,
        "kind": content.form.name(),
        "kind_zh": content.form.zh(),
        "form": content.form,
        "state": state,
        "state_zh": state_zh,
        "text": content.text,
        "answers": content.answers,
        "askers": content.askers,
        "hash": draft.hash,
        "text_hash": draft.text_hash,
        "by": draft.by,
        "at": draft.at,
        "authors": response.authors,
        "departures": departures.iter().map(|departure| json!({
            "kind": departure.kind, "kind_zh": departure.kind.zh(), "line": departure.line,
            "part": departure.part, "sentence": departure.sentence,
        })).collect::<Vec<_>>(),
        "check": response.check,
        "approved": response.approved,
        "cosigners": case.cosigners(response),
        "cosigns": response.cosigns,
        "unsigned": case.unsigned(response),
        "released": response.released.as_ref().map(|release| json!({ "by": release.by, "at": release.at })),
        "published_at": response.published,
        "channels": channels,
        "missing": response.missing().map(|owed| owed.id.as_str()).collect::<Vec<_>>(),
        "differing": response.proofs.iter().filter(|proof| !proof.same).map(|proof| proof.channel.as_str()).collect::<Vec<_>>(),
        "due_at": clock.map(|clock| clock.due.at),
        "breached_at": clock.and_then(|clock| clock.breached.as_ref()).map(|breach| breach.fired_at),
        "corrects": content.corrects,
        "corrected_by": case.correction_of(&draft.id).map(|other| other.draft.id.as_str()),
        "chain": chain(case, response),
        "latency": latency(case, response),
        "history": response.history,
    })
}

/// What it corrects, what that corrected, …: the first one first, and all that correct it (clause 6d).
fn chain(case: &Case, response: &Response) -> Vec<String> {
    let before =
        |one: &Response| one.draft.content.corrects.as_ref().and_then(|corrects| case.response(&corrects.response));
    let bound = case.responses.len();
    let first = std::iter::successors(Some(response), |one| before(one)).take(bound).last().unwrap_or(response);
    std::iter::successors(Some(first), |one| case.correction_of(&one.draft.id))
        .take(bound)
        .map(|one| one.draft.id.clone())
        .collect()
}

/// How soon the case was published at all (clause 4a): by a response, or an answer in public.
pub(crate) fn case_latency(case: &Case) -> Value {
    let first = case.responses.iter().filter(|response| response.published.is_some());
    let first = first.min_by_key(|response| response.published);
    let published = case.times.published;
    json!({
        "occurred_to_published_seconds": published.map(|at| at.duration_since(case.times.occurred).as_secs()),
        "approved_to_published_seconds":
            first.map(|response| latency(case, response)["approved_to_published_seconds"].clone()),
    })
}

/// The responses of a desk's cases, of one unit or of all, those under way or all: a row each.
pub fn response_list(desk: &Desk, unit: Option<&str>, all: bool) -> Vec<Value> {
    let concerns = |case: &Case, response: &Response| {
        unit.is_none_or(|unit| response.draft.content.unit == unit || case.cosigners(response).contains(unit))
    };
    desk.cases()
        .flat_map(|case| case.responses.iter().map(move |response| (case, response)))
        .filter(|(case, response)| {
            let under_way = case.is_open() && (response.published.is_none() || response.missing().next().is_some());
            (all || under_way) && concerns(case, response)
        })
        .map(|(case, response)| view(case, response))
        .collect()
}
