//! Sends the rows of a table to a host, some at a time, and sees to those that are refused.

use std::thread::sleep;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::{Refused, Rejects, Row, Table, shown};
use crate::client::Client;
use crate::output::{Failure, note};
use crate::rows::rows;
use crate::text::plain;

/// How many rows go out at once.
const BATCH: usize = 200;
/// How many bytes of them, about.
const BATCH_BYTES: usize = 512 << 10;
/// How often a host that is busy is asked again.
const TRIES: u32 = 240;
/// How many refused rows are told one by one; the rest stand in the file.
const TOLD: u64 = 20;

/// What became of a table's rows.
#[derive(Debug, Default)]
pub(crate) struct Fed {
    /// Taken in.
    pub(crate) taken: u64,
    /// There before.
    pub(crate) seen: u64,
    /// Refused, here or by the host.
    pub(crate) refused: u64,
    /// What the host says of each that it took, where that is wanted.
    pub(crate) each: Vec<Value>,
    /// Sums of the numbers that the host's answers hold.
    pub(crate) sums: std::collections::BTreeMap<String, u64>,
}

/// Where rows go, and as what.
pub(crate) struct Way<'w> {
    /// The path of the API.
    pub(crate) path: String,
    /// The member that holds the rows.
    pub(crate) member: &'w str,
    /// The other members.
    pub(crate) more: Value,
    /// A row as the API wants it, or why it is none.
    pub(crate) row: &'w dyn Fn(&Row) -> Result<Value, String>,
    /// Whether what the host says of each is wanted.
    pub(crate) each: bool,
}

/// Sends a table. What was sent before an end that comes early is taken in; the same file sent again takes in the rest.
///
/// # Errors
/// When the host cannot be reached, or does not take such rows at all.
pub(crate) fn feed(client: &Client, mut table: Table, way: &Way, rejects: &mut Rejects) -> Result<Fed, Failure> {
    let bar = bar(&table);
    let mut fed = Fed::default();
    let (mut batch, mut bytes) = (Vec::<(Row, Value)>::new(), 0);
    loop {
        let row = table.next();
        let ended = row.is_none();
        match row {
            None => {}
            Some(Err(refused)) => refuse(&bar, rejects, &mut fed, &refused)?,
            Some(Ok(row)) => match (way.row)(&row) {
                Ok(value) => {
                    bytes += value.to_string().len();
                    batch.push((row, value));
                }
                Err(reason) => refuse(&bar, rejects, &mut fed, &of_row(&row, reason))?,
            },
        }
        if batch.len() >= BATCH || bytes >= BATCH_BYTES || (ended && !batch.is_empty()) {
            send(client, way, std::mem::take(&mut batch), &bar, rejects, &mut fed)?;
            bytes = 0;
        }
        if let Some((done, total)) = table.progress() {
            bar.set_length(total);
            bar.set_position(done);
        }
        if ended {
            break;
        }
    }
    bar.finish_and_clear();
    rejects.end()?;
    fed.refused = rejects.count;
    if rejects.count > TOLD {
        note(format_args!("… 共 {} 行未收 (rows refused)", rejects.count));
    }
    if rejects.count > 0 {
        note(format_args!("未收的行在 (the refused rows are in) {}", rejects.path().display()));
    }
    Ok(fed)
}

fn bar(table: &Table) -> ProgressBar {
    let bar = ProgressBar::new(table.progress().map_or(0, |(_, total)| total));
    let style = ProgressStyle::with_template("{bar:30} {percent:>3}%  {elapsed}  {msg}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

fn of_row(row: &Row, reason: String) -> Refused {
    let text = row.cells.iter().filter(|(name, _)| **name != "phone").map(|(_, cell)| cell.as_str());
    Refused { line: row.line, reason, text: shown(&text.collect::<Vec<_>>().join(" | ")) }
}

fn refuse(bar: &ProgressBar, rejects: &mut Rejects, fed: &mut Fed, refused: &Refused) -> Result<(), Failure> {
    rejects.add(refused)?;
    fed.refused = rejects.count;
    if rejects.count <= TOLD {
        bar.suspend(|| note(format_args!("第 {} 行 (line): {}", refused.line, plain(&refused.reason))));
    }
    Ok(())
}

fn send(
    client: &Client,
    way: &Way,
    batch: Vec<(Row, Value)>,
    bar: &ProgressBar,
    rejects: &mut Rejects,
    fed: &mut Fed,
) -> Result<(), Failure> {
    let mut batch = batch;
    let mut tries = 0;
    while !batch.is_empty() {
        let mut body = way.more.clone();
        body[way.member] = json!(batch.iter().map(|(_, value)| value).collect::<Vec<_>>());
        let (problem, failure) = match client.try_post(&way.path, &body)? {
            Ok(answer) => return taken(&answer, &batch, way, bar, rejects, fed),
            Err(refused) => refused,
        };
        if problem.get("status").and_then(Value::as_u64) == Some(429) && tries < TRIES {
            // The host has too much under way: it is asked again, as it says.
            tries += 1;
            sleep(Duration::from_millis(250));
            continue;
        }
        // One row that the host cannot even read does not keep the others out.
        let pointer = problem.get("pointer").and_then(Value::as_str).unwrap_or_default();
        let at = pointer.split('/').nth(2).and_then(|at| at.parse::<usize>().ok()).filter(|at| *at < batch.len());
        let Some(at) = at else {
            let line = batch.first().map_or(0, |(row, _)| row.line);
            bar.suspend(|| note(format_args!("自第 {line} 行起未收 (nothing is taken from this line on)")));
            return Err(failure);
        };
        let (row, _) = batch.remove(at);
        refuse(bar, rejects, fed, &of_row(&row, failure.message().to_owned()))?;
    }
    Ok(())
}

/// What the host made of a batch.
fn taken(
    answer: &Value,
    batch: &[(Row, Value)],
    way: &Way,
    bar: &ProgressBar,
    rejects: &mut Rejects,
    fed: &mut Fed,
) -> Result<(), Failure> {
    for (name, value) in answer.as_object().into_iter().flatten() {
        let count = value.as_u64().or_else(|| value.as_array().map(|list| list.len() as u64));
        *fed.sums.entry(name.clone()).or_default() += count.unwrap_or(0);
    }
    for ((row, _), said) in batch.iter().zip(rows(answer, "items")) {
        match said.get("outcome").and_then(Value::as_str) {
            Some("seen") => fed.seen += 1,
            Some("refused") => {
                let reason = said.get("reason").and_then(Value::as_str).unwrap_or("the host refused it");
                refuse(bar, rejects, fed, &of_row(row, reason.to_owned()))?;
            }
            _ => fed.taken += 1,
        }
        if way.each {
            fed.each.push(said.clone());
        }
    }
    Ok(())
}
