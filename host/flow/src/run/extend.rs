//! Extensions: what stands before and after a task. The first extension of
//! `use.extensions` is the outermost: its `before` runs first, its `after` last.
//! What they give is dropped, but for a `before` that leaves with `exit`: then
//! the task and what is further in are skipped, and what the `before` gave
//! stands in the place of the task's raw output.

use std::sync::Arc;

use serde_json::Value;

use super::Machine;
use super::flow::{Finish, expression};
use super::scope::Point;
use crate::error::FlowError;
use crate::fact::{Fact, FrameId, Place};
use crate::model::{Definition, Task};
use crate::size::fits;
use crate::state::FrameKind;

impl Machine<'_> {
    /// The extensions that stand around a task now. There are none around the
    /// tasks of an extension, nor around what those call.
    pub(super) fn layers(
        &self,
        parent: FrameId,
        task: &Task,
        raw: &Arc<Value>,
        before: &Point<'_>,
    ) -> Result<Vec<u32>, FlowError> {
        if task.extensions.is_empty() || self.state.frames.extended(parent).is_some() {
            return Ok(Vec::new());
        }
        let mut layers = Vec::new();
        for index in &task.extensions {
            let Some(extension) = self.def.0.extensions.get(*index as usize) else { continue };
            let applies = match &extension.when {
                Some(when) => when
                    .holds(raw, before, self.env.evaluator)
                    .map_err(|e| expression(&e).at(&format!("{}/when", extension.pointer)))?,
                None => true,
            };
            if applies {
                layers.push(*index);
            }
        }
        Ok(layers)
    }

    /// Where a task with these layers begins.
    pub(super) fn first_place(&self, layers: &[u32]) -> Place {
        self.inward(layers, 0)
    }

    /// The next part from layer `at` inwards.
    fn inward(&self, layers: &[u32], at: u32) -> Place {
        (at..u32::try_from(layers.len()).unwrap_or(u32::MAX))
            .find(|at| has(self.def, layers, *at, |extension| !extension.before.is_empty()))
            .map_or(Place::Main, Place::Before)
    }

    /// The next part from outside of layer `at`; none: all is done.
    fn outward(&self, layers: &[u32], at: u32) -> Option<Place> {
        (0..at).rev().find(|at| has(self.def, layers, *at, |e| !e.after.is_empty())).map(Place::After)
    }

    /// A part of what is around a task, or the task itself, is done.
    pub(super) fn pass(&mut self, id: FrameId) {
        let Some(frame) = self.state.frames.get(&id) else { return };
        let FrameKind::Extended { layers, place, then, .. } = &frame.kind else { return };
        let next = match place {
            Place::Before(at) => Some(self.inward(layers, at + 1)),
            Place::Main => self.outward(layers, u32::try_from(layers.len()).unwrap_or(u32::MAX)),
            Place::After(at) => self.outward(layers, *at),
        };
        self.emit(match next {
            Some(place) => Fact::Passed { frame: id, place, output: None, context: None, then: None },
            None => Fact::Left { frame: id, output: None, context: None, next: *then },
        });
    }

    /// A `before` said that the task is not to run.
    pub(super) fn skip(&mut self, id: FrameId) {
        let def = self.def.clone();
        let Some(frame) = self.state.frames.get(&id) else { return };
        let (FrameKind::Extended { layers, place: Place::Before(at), .. }, Some(parent), Some(task), Some(scope)) =
            (&frame.kind, frame.parent, def.task(&frame.task), &frame.scope)
        else {
            return;
        };
        let given = Arc::clone(&scope.data);
        let before = Point {
            frame: Some(parent),
            task: Some(task),
            since: frame.at,
            raw: Some(&frame.raw),
            ..Point::outside(&def, self.state)
        };
        let input = match &task.data.input_from {
            Some(from) => from.eval(&frame.raw, &before, self.env.evaluator).map_err(|e| expression(&e)),
            None => Ok(Arc::clone(&frame.raw)),
        };
        let finish = input.and_then(|input| {
            let point = Point { input: Some(&input), raw_output: Some(&given), ..before };
            self.finish(&point, &task.data, &given)
        });
        match finish {
            Ok(Finish { output, context }) => {
                let then = self.next_of(&def, parent, task.then);
                let fact = match self.outward(layers, *at) {
                    Some(place) => Fact::Passed { frame: id, place, output: Some(output), context, then: Some(then) },
                    None => Fact::Left { frame: id, output: Some(output), context, next: then },
                };
                match fits(fact, self.env.max_value) {
                    Ok(fact) => self.emit(fact),
                    Err(error) => self.raise(Some(parent), error.at(&task.pointer)),
                }
            }
            Err(error) => self.raise(Some(parent), error.at(&task.pointer)),
        }
    }

    /// Whether `parent` is the frame around a task whose turn it is now.
    pub(super) fn is_main(&self, parent: FrameId) -> bool {
        self.state
            .frames
            .get(&parent)
            .is_some_and(|frame| matches!(frame.kind, FrameKind::Extended { place: Place::Main, .. }))
    }
}

fn has(def: &Definition, layers: &[u32], at: u32, test: impl Fn(&crate::model::Extension) -> bool) -> bool {
    layers.get(at as usize).and_then(|index| def.0.extensions.get(*index as usize)).is_some_and(test)
}
