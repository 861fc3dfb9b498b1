//! `listen`: which events, how they are read, what is done for each of them.

use std::sync::Arc;

use super::events::{FilterSpec, Until};
use super::read::{Obj, Reader, Sees};
use super::{DataFlow, Read, TaskId, TaskKind};
use crate::source::Node;

/// A `listen`.
#[derive(Debug)]
pub(crate) struct ListenSpec {
    /// One event for each filter, not one for any.
    pub(crate) all: bool,
    pub(crate) filters: Vec<FilterSpec>,
    pub(crate) until: Option<Until>,
    pub(crate) read: Read,
    pub(crate) each: Option<ForeachSpec>,
}

/// What is done for each event (dsl-reference.md, "Subscription Iterator").
#[derive(Debug)]
pub(crate) struct ForeachSpec {
    pub(crate) item: Arc<str>,
    pub(crate) at: Arc<str>,
    pub(crate) list: Vec<TaskId>,
    /// `output` and `export` of an item; there is no `input`.
    pub(crate) data: DataFlow,
}

impl<'r> Reader<'r> {
    pub(super) fn listen(&mut self, node: &'r Node, pointer: &str, body: &Obj<'r>) -> Option<TaskKind> {
        let listen = self.strict(node, pointer, &["to", "read"])?;
        let read = self.read_as(&listen).unwrap_or(Read::Data);
        let strategy = match self.required(&listen, "to") {
            Some(to) => self.strategy(to, &listen.below("to"), Sees::Task),
            None => None,
        };
        let each = match body.get("foreach") {
            Some(node) => Some(self.foreach(node, &body.below("foreach"))?),
            None => None,
        };
        let strategy = strategy?;
        Some(TaskKind::Listen(Box::new(ListenSpec {
            all: strategy.all,
            filters: strategy.filters,
            until: strategy.until,
            read,
            each,
        })))
    }

    /// `read`: what of an event is taken.
    pub(super) fn read_as(&mut self, body: &Obj<'r>) -> Option<Read> {
        if body.get("read").is_none() {
            return Some(Read::Data);
        }
        match self.field_text(body, "read")? {
            "data" | "raw" => Some(Read::Data),
            "envelope" => Some(Read::Envelope),
            other => {
                let at = body.get("read").map_or(body.at, |n| n.at);
                self.problems.error_hint(
                    &body.below("read"),
                    at,
                    format!("unknown way to read: `{other}`"),
                    Some("data, envelope or raw".to_owned()),
                );
                None
            }
        }
    }

    fn foreach(&mut self, node: &'r Node, pointer: &str) -> Option<ForeachSpec> {
        let body = self.strict(node, pointer, &["item", "at", "do", "output", "export"])?;
        let item = self.variable(&body, "item", "item");
        let at = self.variable(&body, "at", "index");
        let (item, at) = (item?, at?);
        if item == at {
            self.problems.error(pointer, node.at, format!("`item` and `at` are both `{item}`"));
        }
        self.scope.push(item.clone());
        self.scope.push(at.clone());
        let list = body.get("do").map(|n| self.task_list(n, &body.below("do"))).unwrap_or_default();
        let data = self.data_flow(&body, Sees::Raw, Sees::Task, Some(Sees::Export));
        self.scope.truncate(self.scope.len().saturating_sub(2));
        Some(ForeachSpec { item: item.into(), at: at.into(), list, data })
    }
}
