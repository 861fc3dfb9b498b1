//! Recomputing a whole log from its leaves and holding it to every checkpoint that was ever signed.
//!
//! Uses no stored hash, so nothing but the leaves and the signatures is believed. Constant memory for
//! the leaves; 40 bytes for each checkpoint.

use serde_json::{Value, json};

use crate::error::AuditError;
use crate::hash::{Frontier, Hash, leaf_hash};
use crate::log::LeafSource;
use crate::store::CheckpointStore;

/// Leaves asked for at a time.
const BATCH: usize = 4096;
/// Bad lines of the history that are listed one by one.
const LISTED_LINES: usize = 100;

/// What recomputing a log showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Number of leaves.
    pub size: u64,
    /// Root of all of them.
    pub root: Hash,
    /// Checkpoints that fit.
    pub fitting: u64,
    /// Leaves after the last checkpoint that fits, which no signature covers.
    pub unsigned: u64,
    /// What is wrong; empty if the log is whole. Of bad lines in the history, the first 100.
    pub findings: Vec<Finding>,
    /// Bad lines in the history beyond those listed.
    pub more_bad_lines: u64,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }

    /// The report for machines; findings are given as text.
    pub fn to_json(&self) -> Value {
        json!({
            "whole": self.is_whole(),
            "size": self.size,
            "root": self.root.to_base64(),
            "fitting": self.fitting,
            "unsigned": self.unsigned,
            "findings": self.findings.iter().map(Finding::to_string).collect::<Vec<_>>(),
            "moreBadLines": self.more_bad_lines,
        })
    }
}

/// One thing wrong with a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The leaves do not lead to a signed root.
    #[error(
        "altered: the first {size} leaves lead to the root {computed}, but {signed} was signed; the \
         first {good} leaves are as signed; {later} later checkpoints do not fit either"
    )]
    Altered {
        /// Size of the first checkpoint that does not fit.
        size: u64,
        /// Root that was signed.
        signed: Hash,
        /// Root the leaves lead to.
        computed: Hash,
        /// Size of the last checkpoint before that still fits; the first change is after it.
        good: u64,
        /// How many later checkpoints do not fit either.
        later: u64,
    },
    /// Checkpoints cover more leaves than there are.
    #[error("cut: a checkpoint was signed at size {signed}, but there are only {leaves} leaves")]
    Cut {
        /// Size of the largest checkpoint.
        signed: u64,
        /// Leaves there are.
        leaves: u64,
    },
    /// A line of the history cannot be believed.
    #[error("line {line} of the checkpoint history: {why}")]
    History {
        /// Line number, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The latest checkpoint is not in the history.
    #[error("the latest checkpoint, of size {0}, is missing from the history of checkpoints")]
    NotInHistory(u64),
}

/// Recomputes the log from all `leaves` and compares it with all checkpoints in `store`.
///
/// An error means that something could not be read; what is wrong with what was read is in the report.
pub fn recompute(store: &CheckpointStore, leaves: LeafSource<'_>) -> Result<Report, AuditError> {
    let mut findings = Vec::new();
    let mut more_bad_lines = 0;
    let mut bad_line = |findings: &mut Vec<Finding>, line, why| {
        if findings.len() < LISTED_LINES {
            findings.push(Finding::History { line, why });
        } else {
            more_bad_lines += 1;
        }
    };
    let mut marks: Vec<(u64, Hash)> = Vec::new();
    for line in store.history()? {
        match line? {
            (line, Err(error)) => bad_line(&mut findings, line, error.to_string()),
            (line, Ok(signed)) => {
                let (size, root) = (signed.checkpoint.size, signed.checkpoint.root);
                if marks.last().is_some_and(|(before, _)| size < *before) {
                    let why = format!("the checkpoint of size {size} is smaller than the one before it");
                    bad_line(&mut findings, line, why);
                }
                marks.push((size, root));
            }
        }
    }
    if let Some(latest) = store.latest() {
        let mark = (latest.checkpoint.size, latest.checkpoint.root);
        if !marks.contains(&mark) {
            findings.push(Finding::NotInHistory(mark.0));
            marks.push(mark);
        }
    }
    marks.sort_unstable();
    marks.dedup();

    let mut frontier = Frontier::default();
    let mut marks = marks.into_iter().peekable();
    let (mut fitting, mut good) = (0, 0);
    let mut altered = None;
    loop {
        while let Some((size, signed)) = marks.next_if(|(size, _)| *size == frontier.size()) {
            let computed = frontier.root();
            if computed == signed {
                fitting += 1;
                good = size;
            } else if let Some(Finding::Altered { later, .. }) = &mut altered {
                *later += 1;
            } else {
                altered = Some(Finding::Altered { size, signed, computed, good, later: 0 });
            }
        }
        let want = marks.peek().map_or(BATCH, |(size, _)| (size - frontier.size()).min(BATCH as u64) as usize);
        let batch = leaves(frontier.size(), want).map_err(AuditError::Leaves)?;
        if batch.is_empty() {
            break;
        }
        for leaf in batch.iter().take(want) {
            frontier.push(leaf_hash(leaf));
        }
    }
    let size = frontier.size();
    findings.extend(altered);
    findings.extend(marks.last().map(|(signed, _)| Finding::Cut { signed, leaves: size }));
    let root = frontier.root();
    Ok(Report { size, root, fitting, unsigned: size - good, findings, more_bad_lines })
}
