//! What a step's words mean. Pure: a text goes in, a [`Step`] comes out.
//!
//! The grammar is that of the specification's conformance kit, and steps of
//! our own for what it leaves out: events, time, crashes, people.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A workflow's text; the first is the one the scenario is about.
    Workflow(String),
    /// The input of the next run.
    Input(Value),
    /// Where the clock stands.
    ClockAt(Timestamp),
    /// A secret of the host.
    Secret {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// What the service answers.
    Answer {
        /// The method.
        method: String,
        /// The path.
        path: String,
        /// The status.
        status: u16,
        /// The body.
        body: Option<Value>,
        /// The connection breaks within the answer.
        cut: bool,
        /// How long, from now; then the answer that was set before comes again. None for ever.
        lasting: Option<SignedDuration>,
    },
    /// How many partitions the host has; one unless told.
    Partitions(u32),
    /// A sink of lifecycle events at this path of the service.
    Sink(String),
    /// A run of the workflow under test, or of another.
    Execute(Option<String>),
    /// Time.
    Pass(SignedDuration),
    /// A CloudEvent comes from outside.
    Event(Value),
    /// The host ends and starts again.
    Restart {
        /// Whether it was asked to end, or just died.
        asked: bool,
        /// How long it is away.
        down: SignedDuration,
    },
    /// A person acts on the latest run.
    Person(Act),
    /// Something that must hold.
    Check(Check),
}

/// What a person does to a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// Hold it.
    Suspend,
    /// Let it go on.
    Resume,
    /// End it.
    Cancel,
    /// Try the failed task again.
    Retry,
    /// Say what became of a call of which nobody knows: what it gave, or that it did not happen.
    Resolve(Option<Value>),
    /// Go on from a task, perhaps with another input.
    RestartFrom(String, Option<Value>),
}

/// What must hold of the latest run, unless it says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// It was cancelled.
    Cancelled,
    /// It completed, perhaps with this output.
    Completed(Option<Value>),
    /// It faulted, perhaps with an error that has these members.
    Faulted(Option<Value>),
    /// It waits.
    Waiting,
    /// It is held.
    Suspended,
    /// It stopped for a person.
    NeedsPerson,
    /// Its output has these properties.
    Properties(Vec<String>),
    /// Its output has this value there.
    Property(String, Value),
    /// Its output has this many items there.
    Items(String, usize),
    /// What became of one of its tasks.
    Task(String, TaskCheck),
    /// How long it took, by the virtual clock.
    Took(SignedDuration),
    /// How many runs of a workflow have completed.
    Runs(usize, String),
    /// The outputs of all runs of a workflow, in the order of their ends.
    Outputs(String, Value),
    /// How often the service was asked.
    Asked {
        /// The method.
        method: String,
        /// The path.
        path: String,
        /// How often.
        times: usize,
    },
    /// The service was told of a lifecycle event of this type, at this path.
    Told {
        /// The type.
        kind: String,
        /// The path.
        path: String,
    },
    /// The service was given this `Authorization`.
    Authorized(String),
    /// Nothing of this stands in any record.
    NotJournaled(String),
}

/// What must hold of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskCheck {
    /// Began before every other.
    First,
    /// Nothing began after it.
    Last,
    /// Began before that one.
    Before(String),
    /// Began after that one.
    After(String),
    /// Began and never ended.
    Cancelled,
    /// Ended, perhaps with this output.
    Completed(Option<Value>),
    /// Failed, perhaps with an error that has these members.
    Faulted(Option<Value>),
    /// Began this often.
    Times(usize),
}

impl Step {
    /// Reads a step.
    ///
    /// # Errors
    /// Why it means nothing.
    pub fn read(words: &str, doc: Option<&str>) -> Result<Step, String> {
        let words = words.strip_prefix("given ").unwrap_or(words).trim();
        let (doc, given) = (doc.map(text_of), doc.is_some());
        let value = || value_of(doc.as_deref());
        if words.ends_with(':') != given {
            return Err(
                if given { "ends without a colon, and a text follows" } else { "a text must follow" }.to_owned()
            );
        }
        if let Some(check) = check(words, doc.as_deref())? {
            return Ok(Step::Check(check));
        }
        Ok(match words {
            "a workflow with definition:" | "another workflow with definition:" => {
                Step::Workflow(doc.unwrap_or_default())
            }
            "the workflow input is:" => Step::Input(value()?),
            "the workflow is executed" => Step::Execute(None),
            "an event arrives:" => Step::Event(value()?),
            "the host restarts" => Step::Restart { asked: true, down: SignedDuration::ZERO },
            "the host is killed" => Step::Restart { asked: false, down: SignedDuration::ZERO },
            "the run is suspended" => Step::Person(Act::Suspend),
            "the run is resumed" => Step::Person(Act::Resume),
            "the run is cancelled" => Step::Person(Act::Cancel),
            "the run is retried" => Step::Person(Act::Retry),
            "a person says that the call did not happen" => Step::Person(Act::Resolve(None)),
            "a person says that the call happened and gave:" => Step::Person(Act::Resolve(Some(value()?))),
            _ => return given_or_when(words, doc.as_deref()),
        })
    }
}

fn given_or_when(words: &str, doc: Option<&str>) -> Result<Step, String> {
    if let Some(task) = words.strip_prefix("the run is restarted from ") {
        return Ok(match task.strip_suffix(" with input:") {
            Some(task) => Step::Person(Act::RestartFrom(task.to_owned(), Some(value_of(doc)?))),
            None => Step::Person(Act::RestartFrom(task.to_owned(), None)),
        });
    }
    if let Some(name) = words.strip_prefix("the workflow ").and_then(|rest| rest.strip_suffix(" is executed")) {
        return Ok(Step::Execute(Some(name.to_owned())));
    }
    if let Some(at) = words.strip_prefix("the clock stands at ") {
        return at.parse().map(Step::ClockAt).map_err(|e| e.to_string());
    }
    if let Some(down) = words.strip_prefix("the host is down for ") {
        return Ok(Step::Restart { asked: false, down: duration(down)? });
    }
    if let Some(rest) = words.strip_prefix("the secret ") {
        let inner = rest.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let Some((name, value)) = inner.and_then(|inner| inner.split_once("\" is \"")) else {
            return Err("write: the secret \"<name>\" is \"<value>\"".to_owned());
        };
        return Ok(Step::Secret { name: name.to_owned(), value: value.to_owned() });
    }
    if let Some(count) = words.strip_prefix("the host has ").and_then(|rest| rest.strip_suffix(" partitions")) {
        return count.parse().map(Step::Partitions).map_err(|_| format!("`{count}` is no number"));
    }
    if let Some(path) =
        words.strip_prefix("lifecycle events are told to ").and_then(|r| r.strip_suffix(" of the service"))
    {
        return Ok(Step::Sink(path.to_owned()));
    }
    if let Some(long) = words.strip_suffix(" pass").or_else(|| words.strip_suffix(" passes")) {
        return duration(long).map(Step::Pass);
    }
    if let Some(what) = words.strip_suffix(" of the service is cut off") {
        let (method, path) = target(what)?;
        return Ok(Step::Answer { method, path, status: 200, body: None, cut: true, lasting: None });
    }
    if let Some((what, rest)) = words.split_once(" of the service answers ") {
        let (method, path) = target(what)?;
        let rest = rest.trim_end_matches(" with:");
        let (status, lasting) = match rest.split_once(" for ") {
            None => (rest, None),
            Some((status, lasting)) => (status, Some(duration(lasting)?)),
        };
        let status = status.parse().map_err(|_| format!("`{status}` is no status"))?;
        let body = doc.map(|doc| value_of(Some(doc))).transpose()?;
        return Ok(Step::Answer { method, path, status, body, cut: false, lasting });
    }
    Err("no step is written like that; see docs/reference/conformance.md".to_owned())
}

fn check(words: &str, doc: Option<&str>) -> Result<Option<Check>, String> {
    let value = || value_of(doc);
    let Some(rest) = words.strip_prefix("the workflow should ") else { return other_check(words, doc) };
    Ok(Some(match rest {
        "cancel" => Check::Cancelled,
        "complete" => Check::Completed(None),
        "complete with output:" => Check::Completed(Some(value()?)),
        "fault" => Check::Faulted(None),
        "fault with error:" => Check::Faulted(Some(value()?)),
        "be waiting" => Check::Waiting,
        "be suspended" => Check::Suspended,
        _ => return Err("nothing can be expected of a workflow in these words".to_owned()),
    }))
}

fn other_check(words: &str, doc: Option<&str>) -> Result<Option<Check>, String> {
    let value = || value_of(doc);
    if words == "a person should have to look" {
        return Ok(Some(Check::NeedsPerson));
    }
    if let Some(rest) = words.strip_prefix("the workflow output should have properties ") {
        let names = rest.split(',').map(|name| name.trim().trim_matches('\'').to_owned()).collect();
        return Ok(Some(Check::Properties(names)));
    }
    if let Some(rest) = words.strip_prefix("the workflow output should have a '") {
        let Some((path, rest)) = rest.split_once("' property ") else {
            return Err("write: the workflow output should have a '<path>' property …".to_owned());
        };
        if rest == "with value:" {
            return Ok(Some(Check::Property(path.to_owned(), value()?)));
        }
        let items = rest.strip_prefix("containing ").map(|r| r.trim_end_matches('s').trim_end_matches(" item"));
        let items = items.and_then(|n| n.parse().ok()).ok_or("write: … property containing <n> items")?;
        return Ok(Some(Check::Items(path.to_owned(), items)));
    }
    if let Some(took) = words.strip_prefix("the run should have taken ") {
        return Ok(Some(Check::Took(duration(took)?)));
    }
    if let Some(rest) = words.strip_prefix("the service should have been told of ") {
        let Some((kind, path)) = rest.split_once(" at ") else {
            return Err("write: the service should have been told of <type> at <path>".to_owned());
        };
        return Ok(Some(Check::Told { kind: kind.to_owned(), path: path.to_owned() }));
    }
    if let Some(text) = words.strip_prefix("the service should have been given the authorization \"") {
        return Ok(Some(Check::Authorized(text.trim_end_matches('"').to_owned())));
    }
    if let Some(text) = words.strip_prefix("the journal should not contain \"") {
        return Ok(Some(Check::NotJournaled(text.trim_end_matches('"').to_owned())));
    }
    if let Some(name) = words.strip_prefix("the runs of ").and_then(|r| r.strip_suffix(" should have given:")) {
        return Ok(Some(Check::Outputs(name.to_owned(), value()?)));
    }
    if let Some((runs, name)) = words
        .strip_suffix(" should have completed")
        .and_then(|r| r.split_once(" runs of ").or(r.split_once(" run of ")))
    {
        let runs = runs.parse().map_err(|_| format!("`{runs}` is no number"))?;
        return Ok(Some(Check::Runs(runs, name.to_owned())));
    }
    if let Some((what, times)) = words.split_once(" of the service should have been asked ") {
        let (method, path) = target(what)?;
        return Ok(Some(Check::Asked { method, path, times: count(times)? as usize }));
    }
    let Some((task, rest)) = words.split_once(" should ") else { return Ok(None) };
    if task.contains(' ') {
        return Ok(None);
    }
    let check = match rest {
        "run first" => TaskCheck::First,
        "run last" => TaskCheck::Last,
        "cancel" => TaskCheck::Cancelled,
        "complete" => TaskCheck::Completed(None),
        "complete with output:" => TaskCheck::Completed(Some(value()?)),
        "fault" => TaskCheck::Faulted(None),
        "fault with error:" => TaskCheck::Faulted(Some(value()?)),
        "not run" => TaskCheck::Times(0),
        _ => {
            if let Some(other) = rest.strip_prefix("run before ") {
                TaskCheck::Before(other.to_owned())
            } else if let Some(other) = rest.strip_prefix("run after ") {
                TaskCheck::After(other.to_owned())
            } else if let Some(times) = rest.strip_prefix("run ") {
                TaskCheck::Times(count(times)? as usize)
            } else {
                return Err("nothing can be expected of a task in these words".to_owned());
            }
        }
    };
    Ok(Some(Check::Task(task.to_owned(), check)))
}

/// `GET /path`.
fn target(words: &str) -> Result<(String, String), String> {
    let (method, path) = words.split_once(' ').ok_or("write: <METHOD> <path> of the service")?;
    Ok((method.to_owned(), path.to_owned()))
}

/// `once`, `twice`, `3 times`.
fn count(words: &str) -> Result<u32, String> {
    match words {
        "once" => Ok(1),
        "twice" => Ok(2),
        "never" => Ok(0),
        _ => words
            .strip_suffix(" times")
            .and_then(|n| n.parse().ok())
            .ok_or_else(|| format!("`{words}` is no count; write once, twice or <n> times")),
    }
}

/// `30 seconds`, `1 hour`, or ISO 8601.
fn duration(words: &str) -> Result<SignedDuration, String> {
    if words.starts_with('P') {
        return words.parse().map_err(|e| format!("{e}"));
    }
    let wrong = || format!("`{words}` is no duration; write <n> milliseconds, seconds, minutes, hours or days");
    let (n, unit) = words.split_once(' ').ok_or_else(wrong)?;
    let n: i64 = n.parse().map_err(|_| wrong())?;
    Ok(match unit.trim_end_matches('s') {
        "millisecond" => SignedDuration::from_millis(n),
        "second" => SignedDuration::from_secs(n),
        "minute" => SignedDuration::from_mins(n),
        "hour" => SignedDuration::from_hours(n),
        "day" => SignedDuration::from_hours(24 * n),
        _ => return Err(wrong()),
    })
}

/// The text without the media type that stands behind the quotes.
fn text_of(doc: &str) -> String {
    let (first, rest) = doc.split_once('\n').unwrap_or((doc, ""));
    let media = matches!(first.trim(), "" | "yaml" | "json");
    if media { rest.to_owned() } else { doc.to_owned() }
}

fn value_of(doc: Option<&str>) -> Result<Value, String> {
    let doc = doc.ok_or("a text must follow")?;
    huiyin_flow::read_value(doc, "text.yaml")
        .map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}
