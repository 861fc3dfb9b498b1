//! Where every durable record lies: the map in memory from (partition, seq) and from tree index to
//! a frame in a segment. Built at open, extended by the writer after each sync.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::DiskFile;
use crate::frame::Run;

/// An open segment file.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<dyn DiskFile>,
}

/// A frame's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameRef {
    pub(crate) first_index: u64,
    pub(crate) offset: u64,
    pub(crate) len: u32,
    pub(crate) segment: u32,
}

/// Records of a partition that lie one after the other in the tree.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    first_seq: u64,
    first_index: u64,
}

#[derive(Debug, Default)]
struct Partition {
    stretches: Vec<Stretch>,
    last_seq: u64,
    /// Tree index behind the last record.
    end_index: u64,
}

/// The map.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) segments: Vec<Segment>,
    frames: Vec<FrameRef>,
    partitions: HashMap<u32, Partition>,
    pub(crate) size: u64,
}

impl Index {
    /// Takes in a frame. The error says which place does not follow.
    pub(crate) fn add(&mut self, frame: FrameRef, runs: &[Run]) -> Result<(), String> {
        let mut at = frame.first_index;
        for run in runs {
            let partition = self.partitions.entry(run.partition).or_default();
            if run.first_seq != partition.last_seq + 1 {
                return Err(format!(
                    "partition {} goes on with record {}, though its last one is {}; restore the file from a backup",
                    run.partition, run.first_seq, partition.last_seq
                ));
            }
            if partition.stretches.is_empty() || partition.end_index != at {
                partition.stretches.push(Stretch { first_seq: run.first_seq, first_index: at });
            }
            at += u64::from(run.count);
            partition.end_index = at;
            partition.last_seq += u64::from(run.count);
        }
        self.frames.push(frame);
        self.size = at;
        Ok(())
    }

    pub(crate) fn last_seq(&self, partition: u32) -> u64 {
        self.partitions.get(&partition).map_or(0, |p| p.last_seq)
    }

    pub(crate) fn last_seqs(&self) -> HashMap<u32, u64> {
        self.partitions.iter().map(|(number, p)| (*number, p.last_seq)).collect()
    }

    /// Tree index of a record.
    pub(crate) fn index_of(&self, partition: u32, seq: u64) -> Option<u64> {
        let partition = self.partitions.get(&partition)?;
        if seq == 0 || seq > partition.last_seq {
            return None;
        }
        let after = partition.stretches.partition_point(|s| s.first_seq <= seq);
        let stretch = partition.stretches.get(after.checked_sub(1)?)?;
        Some(stretch.first_index + (seq - stretch.first_seq))
    }

    /// The frame that holds a tree index.
    pub(crate) fn frame_of(&self, index: u64) -> Option<(FrameRef, Segment)> {
        if index >= self.size {
            return None;
        }
        let after = self.frames.partition_point(|f| f.first_index <= index);
        let frame = *self.frames.get(after.checked_sub(1)?)?;
        Some((frame, self.segments.get(frame.segment as usize)?.clone()))
    }
}
