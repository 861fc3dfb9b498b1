//! A task that takes time begins: the frame it works in, and those of its branches.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{ApplyError, frame, get, seen};
use crate::fact::{Alarm, FrameId, Next, Opened};
use crate::state::{FrameKind, Listening, RunState, Stage};

#[allow(clippy::too_many_arguments)] // the fields of one fact
pub(super) fn entered(
    state: &mut RunState,
    id: FrameId,
    parent: FrameId,
    task: &Arc<str>,
    at: jiff::Timestamp,
    input: Option<&Arc<serde_json::Value>>,
    alarm: Option<Alarm>,
    what: &Opened,
) -> Result<(), ApplyError> {
    let above = get(state, parent)?.scope.as_mut().ok_or(ApplyError::Mismatch(parent))?;
    above.child = Some(id);
    let raw = Arc::clone(&above.data);
    let input = input.map_or_else(|| Arc::clone(&raw), Arc::clone);
    state.ready.remove(&parent);
    state.next = state.next.max(id.0 + 1);
    seen(state, alarm.as_ref());
    let (kind, listed) = match what {
        Opened::Do => (FrameKind::Do, Some(&input)),
        Opened::For { items } => (FrameKind::For { items: Arc::clone(items), index: None }, Some(&input)),
        Opened::Try { alarm } => {
            seen(state, alarm.as_ref());
            (FrameKind::Try { attempt: 1, stage: Stage::Trying { alarm: *alarm } }, Some(&input))
        }
        Opened::Fork { branches, compete } => {
            for index in 0..*branches {
                let branch = FrameId(id.0 + 1 + u64::from(index));
                let mut below = frame(
                    Some(id),
                    Arc::clone(task),
                    at,
                    &input,
                    &input,
                    None,
                    Some(&input),
                    FrameKind::Branch { index },
                );
                if let Some(scope) = &mut below.scope {
                    scope.next = Next::At(index);
                }
                state.frames.insert(branch, below);
                state.ready.insert(branch);
                state.next = state.next.max(branch.0 + 1);
            }
            (
                FrameKind::Fork {
                    compete: *compete,
                    outputs: vec![None; *branches as usize],
                    nulls: BTreeSet::new(),
                    winner: None,
                },
                None,
            )
        }
        Opened::Call { function, slot, with, attempt } => (
            FrameKind::Call {
                function: Arc::clone(function),
                slot: slot.clone(),
                with: Arc::clone(with),
                attempt: *attempt,
            },
            None,
        ),
        Opened::Request { request, attempt } => {
            (FrameKind::Request { request: Arc::clone(request), attempt: *attempt }, None)
        }
        Opened::Run { workflow, with, wait, attempt } => (
            FrameKind::Workflow {
                workflow: Arc::clone(workflow),
                with: Arc::clone(with),
                wait: *wait,
                attempt: *attempt,
            },
            None,
        ),
        Opened::Wait { alarm } => {
            seen(state, Some(alarm));
            (FrameKind::Wait { until: *alarm }, None)
        }
        Opened::Listen { filters, all, until, until_all, repeat, queued, quiet } => (
            FrameKind::Listen(Box::new(Listening {
                filters: filters.clone(),
                pending: numbers(filters.len()),
                all: *all,
                heard: Vec::new(),
                until: until.clone(),
                until_pending: numbers(until.len()),
                until_all: *until_all,
                repeat: *repeat,
                queued: *queued,
                quiet: *quiet,
                over: false,
                queue: std::collections::VecDeque::new(),
                item: None,
                count: 0,
                keys: serde_json::Map::new(),
            })),
            None,
        ),
        Opened::Function { with } => (FrameKind::Function, Some(with.as_ref().unwrap_or(&input))),
        Opened::Extended { layers, place } => (
            FrameKind::Extended { layers: layers.clone(), place: *place, output: None, then: Next::Exit },
            Some(&input),
        ),
    };
    let mut new = frame(Some(parent), Arc::clone(task), at, &raw, &input, alarm, listed, kind);
    if listed.is_some() {
        state.ready.insert(id);
        // A `for` first decides whether there is a round at all.
        if let (FrameKind::For { .. }, Some(scope)) = (&new.kind, &mut new.scope) {
            scope.next = Next::Exit;
        }
    }
    state.frames.insert(id, new);
    Ok(())
}

fn numbers(count: usize) -> Vec<u32> {
    (0..u32::try_from(count).unwrap_or(u32::MAX)).collect()
}
