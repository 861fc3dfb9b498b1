//! When a host has nothing left to do but wait: for time, events or people.
//! Read from what it shows of its state; nothing in the host knows of it.

use huiyin_engine::state::{Run, State};
use huiyin_flow::{Command, Phase};
use jiff::Timestamp;

/// What is still going on in a partition; none when it is at rest.
pub fn restless(state: &State, now: Timestamp) -> Option<String> {
    let heard = &state.heard;
    if !heard.undecided.is_empty() || !heard.starting.is_empty() || !heard.relays.is_empty() {
        return Some("an event is being taken in".to_owned());
    }
    state.runs.iter().find_map(|(id, run)| Some(format!("run {id}: {}", why(run, now)?)))
}

fn why(run: &Run, now: Timestamp) -> Option<String> {
    if run.quarantined.is_some() {
        return None;
    }
    if run.input.is_some() || run.reopened.is_some() {
        return Some("it has not begun".to_owned());
    }
    if !run.inbox.is_empty() {
        return Some("events wait for it".to_owned());
    }
    if run.flow.runnable() {
        return Some("it can go on".to_owned());
    }
    let held = run.flow.phase() == Phase::Suspended;
    huiyin_flow::outstanding(&run.flow).into_iter().find_map(|command| match command {
        Command::SetTimer { due, .. } if !held && due <= now => Some(format!("a timer was due at {due}")),
        Command::Call { call, .. } | Command::Request { call, .. } => match run.effects.get(&call.to_string()) {
            Some(effect) if effect.unknown.is_some() => None,
            Some(effect) if held && effect.settled.is_some() => None,
            _ => Some(format!("call {call} is under way")),
        },
        // The run below is looked at by itself.
        Command::Run { call, .. } => match run.effects.get(&call.to_string()) {
            Some(effect) if effect.settled.is_none() || held => None,
            _ => Some(format!("sub-workflow {call} is under way")),
        },
        _ => None,
    })
}

/// When the next timer of any run is due, later than `now`.
pub fn next_timer(state: &State, now: Timestamp) -> Option<Timestamp> {
    state
        .runs
        .values()
        .filter(|run| run.quarantined.is_none())
        .flat_map(|run| huiyin_flow::outstanding(&run.flow))
        .filter_map(|command| match command {
            Command::SetTimer { due, .. } => Some(due),
            _ => None,
        })
        .filter(|due| *due > now)
        .min()
}
