//! The frames of a run, with two indexes over them, so that a run of ten
//! thousand branches finds the one that a timer or an event is for. Frames are
//! shared, so a clone of them costs a count each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Frame, FrameKind, Listening};
use crate::fact::{FrameId, Place, TimerId};

/// Frames by their ids.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Frames {
    map: BTreeMap<FrameId, Arc<Frame>>,
    timers: BTreeMap<TimerId, FrameId>,
    listens: BTreeSet<FrameId>,
}

impl Frames {
    pub(crate) fn get(&self, id: &FrameId) -> Option<&Frame> {
        self.map.get(id).map(AsRef::as_ref)
    }

    /// To change anything but its timers; those go through [`Self::rearm`].
    pub(crate) fn get_mut(&mut self, id: FrameId) -> Option<&mut Frame> {
        self.map.get_mut(&id).map(Arc::make_mut)
    }

    /// Changes the timers of a frame.
    pub(crate) fn rearm(&mut self, id: FrameId, change: impl FnOnce(&mut Frame)) {
        let Some(frame) = self.map.get_mut(&id).map(Arc::make_mut) else { return };
        for alarm in frame.alarms() {
            self.timers.remove(&alarm.timer);
        }
        change(frame);
        for alarm in frame.alarms() {
            self.timers.insert(alarm.timer, id);
        }
    }

    pub(crate) fn insert(&mut self, id: FrameId, frame: Frame) {
        for alarm in frame.alarms() {
            self.timers.insert(alarm.timer, id);
        }
        if matches!(frame.kind, FrameKind::Listen(_)) {
            self.listens.insert(id);
        }
        self.map.insert(id, Arc::new(frame));
    }

    pub(crate) fn remove(&mut self, id: FrameId) {
        if let Some(frame) = self.map.remove(&id) {
            for alarm in frame.alarms() {
                self.timers.remove(&alarm.timer);
            }
            self.listens.remove(&id);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (FrameId, &Frame)> {
        self.map.iter().map(|(id, frame)| (*id, frame.as_ref()))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = FrameId> {
        self.map.keys().copied()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &Frame> {
        self.map.values().map(AsRef::as_ref)
    }

    /// The frame that this timer is of.
    pub(crate) fn by_timer(&self, timer: TimerId) -> Option<FrameId> {
        self.timers.get(&timer).copied()
    }

    /// Every `listen`.
    pub(crate) fn listening(&self) -> impl Iterator<Item = (FrameId, &Listening)> {
        self.listens.iter().filter_map(|id| match &self.get(id)?.kind {
            FrameKind::Listen(listening) => Some((*id, listening.as_ref())),
            _ => None,
        })
    }

    /// The frames that will go when `top` goes, itself included.
    pub(crate) fn subtree(&self, top: FrameId) -> Vec<FrameId> {
        let mut list = vec![top];
        let mut at = 0;
        while let Some(id) = list.get(at).copied() {
            at += 1;
            let Some(frame) = self.get(&id) else { continue };
            list.extend(frame.scope.as_ref().and_then(|scope| scope.child));
            if let FrameKind::Fork { outputs, .. } = &frame.kind {
                // The branches that live; they took the ids after the fork's.
                let (first, last) = (FrameId(id.0 + 1), FrameId(id.0 + 1 + outputs.len() as u64));
                list.extend(self.map.range(first..last).map(|(id, _)| *id));
            }
        }
        list
    }

    /// The nearest frame from `at` upwards that is before or after a task it
    /// extends: `at` belongs to an extension then.
    pub(crate) fn extended(&self, at: FrameId) -> Option<&Frame> {
        let mut at = Some(at);
        while let Some(frame) = at.and_then(|id| self.get(&id)) {
            if let FrameKind::Extended { place: Place::Before(_) | Place::After(_), .. } = frame.kind {
                return Some(frame);
            }
            at = frame.parent;
        }
        None
    }
}

impl Serialize for Frames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.map.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Frames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = BTreeMap::<FrameId, Frame>::deserialize(deserializer)?;
        let mut frames = Self::default();
        for (id, frame) in map {
            frames.insert(id, frame);
        }
        Ok(frames)
    }
}
