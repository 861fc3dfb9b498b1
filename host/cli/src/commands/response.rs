//! `huiyin response`: what is said back in public, and where it stands (回应).

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::{Client, HostArgs, encoded, segment};
use crate::output::{Failure, Output, note, print, print_json, read_bytes, read_text};
use crate::people::{Reader, word};
use crate::rows::{rows, texts};
use crate::text::{fit, plain, span, table, typed};

/// The most bytes of a text, and of a file that shows a publication.
const MAX_TEXT: u64 = 256 << 10;
const MAX_FILE: u64 = 1 << 30;

/// Responses of a running host: what is said back in public (回应)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List responses under way: drafts, what waits, channels that are owed
    #[command(after_help = "Example:\n  huiyin response list --unit qingfeng")]
    List {
        /// Only those that this unit speaks in or is asked to co-sign.
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        /// Also those that are published everywhere.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Show the responses of a case, or one of them
    #[command(after_help = "Example:\n  huiyin response show 99992106400200_20260301100000_1 r1")]
    Show {
        /// The case's number.
        case: String,
        /// The response, such as r1.
        response: Option<String>,
        #[command(flatten)]
        host: HostArgs,
    },
    /// Draft a response of one of the four kinds, or change a draft
    #[command(
        after_help = "Example:\n  huiyin response draft 99992106400200_20260301100000_1 --kind online --title '情况通报' --text '火已扑灭,无人员伤亡。' --answer c1='无人员伤亡' --as xu-ming"
    )]
    Draft(Box<Draft>),
    /// Record the disclosure and secrecy check (保密审查): by somebody who did not write it
    #[command(
        after_help = "Example:\n  huiyin response check 99992106400200_20260301100000_1 1f3a… --passed --basis '不涉密,依法应当公开' --as tang-xue"
    )]
    Check {
        #[command(flatten)]
        text: Text,
        /// It may be made public.
        #[arg(long, required_unless_present = "refused", conflicts_with = "refused")]
        passed: bool,
        /// It may not.
        #[arg(long)]
        refused: bool,
        /// On what that rests.
        #[arg(long, value_name = "TEXT")]
        basis: String,
    },
    /// Send a draft to the approver (送审)
    #[command(
        after_help = "Example:\n  huiyin response submit 99992106400200_20260301100000_1 1f3a… --as xu-ming\n\nThe approver confirms the hash that this prints, with `huiyin case approve`."
    )]
    Submit {
        #[command(flatten)]
        text: Text,
        /// Why the text departs from the line, where it does.
        #[arg(long, value_name = "TEXT")]
        departure_reason: Option<String>,
    },
    /// Sign for a unit that the matter touches, or refuse (会签)
    #[command(
        after_help = "Example:\n  huiyin response cosign 99992106400200_20260301100000_1 1f3a… --unit forest-fire --as luo-jian"
    )]
    Cosign {
        #[command(flatten)]
        text: Text,
        /// The unit refuses, and why.
        #[arg(long, value_name = "TEXT")]
        refuse: Option<String>,
    },
    /// Release a response for publication (签发)
    #[command(after_help = "Example:\n  huiyin response publish 99992106400200_20260301100000_1 1f3a… --as gao-yuan")]
    Publish {
        #[command(flatten)]
        text: Text,
    },
    /// Record that a response stands on a channel, with proof (发布凭证)
    #[command(
        after_help = "Example:\n  huiyin response proof 99992106400200_20260301100000_1 1f3a… --channel website --url https://gov.example.cn/1 --text-file page.txt --as xu-ming"
    )]
    Proof(Box<Proof>),
    /// Draft the correction of a response that is published (更正)
    #[command(
        after_help = "Example:\n  huiyin response correct 99992106400200_20260301100000_1 r1 --reason '面积有误' --text '更正:过火面积13公顷。' --as xu-ming"
    )]
    Correct {
        /// The case's number.
        case: String,
        /// The response, such as r1.
        response: String,
        /// What was wrong.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        words: Words,
        /// What it says of a concern, such as c2='13公顷'; what the first one said unless given.
        #[arg(long, value_name = "ID=TEXT", value_parser = of_concern)]
        answer: Vec<(String, String)>,
        #[command(flatten)]
        voice: Voice,
    },
}

/// In whose name it is said, on which host.
#[derive(Debug, clap::Args)]
struct Voice {
    /// In the name of which unit; the lead unit of the case unless given.
    #[arg(long, value_name = "UNIT")]
    unit: Option<String>,
    #[command(flatten)]
    host: HostArgs,
}

/// A text of a case, by its hash.
#[derive(Debug, clap::Args)]
struct Text {
    /// The case's number.
    case: String,
    /// The hash of the text.
    hash: String,
    #[command(flatten)]
    voice: Voice,
}

/// The text itself.
#[derive(Debug, clap::Args)]
struct Words {
    /// The text.
    #[arg(long, value_name = "TEXT", required_unless_present = "text_file", conflicts_with = "text_file")]
    text: Option<String>,
    /// A file with the text; `-` for stdin.
    #[arg(long, value_name = "FILE")]
    text_file: Option<PathBuf>,
}

impl Words {
    fn read(&self) -> Result<String, Failure> {
        match (&self.text, &self.text_file) {
            (Some(text), _) => Ok(text.clone()),
            (None, Some(file)) => read_text(file, MAX_TEXT),
            (None, None) => Ok(String::new()),
        }
    }
}

/// The four kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// 网上发布
    Online,
    /// 专家解读
    Expert,
    /// 新闻发布会
    PressConference,
    /// 媒体专访
    Interview,
}

#[derive(Debug, clap::Args)]
struct Draft {
    /// The case's number.
    case: String,
    /// The draft that is changed, such as r1; a new one unless given.
    #[arg(long, value_name = "ID")]
    response: Option<String>,
    /// Its kind.
    #[arg(long, value_enum)]
    kind: Kind,
    /// The headline: online, expert, press-conference.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Who explains: expert.
    #[arg(long, value_name = "TEXT")]
    expert: Option<String>,
    /// What the expert is, and where: expert.
    #[arg(long, value_name = "TEXT")]
    position: Option<String>,
    /// Where it is held: press-conference.
    #[arg(long, value_name = "TEXT")]
    venue: Option<String>,
    /// When it is held, RFC 3339: press-conference.
    #[arg(long, value_name = "TIME")]
    held_at: Option<Timestamp>,
    /// Who speaks; may be given several times: press-conference.
    #[arg(long, value_name = "TEXT")]
    speaker: Vec<String>,
    /// The newspaper, station or site: interview.
    #[arg(long, value_name = "TEXT")]
    outlet: Option<String>,
    /// Who asks: interview.
    #[arg(long, value_name = "TEXT")]
    interviewer: Option<String>,
    /// Who answers: interview.
    #[arg(long, value_name = "TEXT")]
    interviewee: Option<String>,
    #[command(flatten)]
    words: Words,
    /// What it says of a concern, such as c1='无人员伤亡'; once for each.
    #[arg(long, value_name = "ID=TEXT", value_parser = of_concern)]
    answer: Vec<(String, String)>,
    /// Why a concern is not answered, such as c2='由县政府公布'; once for each.
    #[arg(long, value_name = "ID=WHY", value_parser = of_concern)]
    declined: Vec<(String, String)>,
    /// Whom it answers, by the case's name for them; nobody named: everybody.
    #[arg(long, value_name = "ASKER")]
    asker: Vec<String>,
    /// A further unit that the matter touches, and that co-signs; may be given several times.
    #[arg(long, value_name = "UNIT")]
    touches: Vec<String>,
    #[command(flatten)]
    voice: Voice,
}

#[derive(Debug, clap::Args)]
struct Proof {
    #[command(flatten)]
    of: Text,
    /// The channel, as the pack names it.
    #[arg(long, value_name = "ID")]
    channel: String,
    /// Where it can be read.
    #[arg(long, value_name = "URL", required_unless_present = "file")]
    url: Option<String>,
    /// A file that shows it: a picture, a recording, a cutting; its SHA-256 goes on record.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The text as it stands there.
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["text_file", "text_hash"], conflicts_with_all = ["text_file", "text_hash"])]
    text: Option<String>,
    /// A file with the text as it stands there; `-` for stdin.
    #[arg(long, value_name = "FILE", conflicts_with = "text_hash")]
    text_file: Option<PathBuf>,
    /// The SHA-256 of the text without blanks, in hex.
    #[arg(long, value_name = "HEX")]
    text_hash: Option<String>,
    /// When it was published, RFC 3339; now unless given.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

/// `c1=TEXT`.
fn of_concern(text: &str) -> Result<(String, String), String> {
    let (id, said) = text.split_once('=').ok_or("write the concern's id, `=`, and what is said of it: c1=…")?;
    Ok((id.trim().to_owned(), said.to_owned()))
}

pub(crate) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    match &args.command {
        Command::List { unit, all, host } => list(&Client::of(host)?, unit.as_deref(), *all, output),
        Command::Show { case, response, host } => show(&Client::of(host)?, case, response.as_deref(), output),
        Command::Draft(draft) => {
            let fields = json!({
                "response": draft.response, "unit": draft.voice.unit, "form": form(draft), "text": draft.words.read()?,
                "answers": answers(&draft.answer, &draft.declined), "askers": draft.asker, "touches": draft.touches,
            });
            act("draft-response", &draft.case, fields, &draft.voice, output)
        }
        Command::Check { text, passed, refused: _, basis } => {
            let fields = json!({"hash": text.hash, "passed": passed, "basis": basis});
            act("check-response", &text.case, fields, &text.voice, output)
        }
        Command::Submit { text, departure_reason } => {
            let fields = json!({"hash": text.hash, "departure_reason": departure_reason});
            act("submit-response", &text.case, fields, &text.voice, output)
        }
        Command::Cosign { text, refuse } => {
            let fields = json!({
                "hash": text.hash, "unit": text.voice.unit, "agree": refuse.is_none(), "reason": refuse,
            });
            act("cosign-response", &text.case, fields, &text.voice, output)
        }
        Command::Publish { text } => {
            act("publish-response", &text.case, json!({"hash": text.hash}), &text.voice, output)
        }
        Command::Proof(proof) => prove(proof, output),
        Command::Correct { case, response, reason, words, answer, voice } => {
            let fields = json!({
                "response": response, "reason": reason, "text": words.read()?, "answers": answers(answer, &[]),
            });
            act("correct-response", case, fields, voice, output)
        }
    }
}

fn prove(proof: &Proof, output: Output) -> Result<(), Failure> {
    let digest = match &proof.file {
        Some(file) => Some(hex::encode(Sha256::digest(read_bytes(file, MAX_FILE)?))),
        None => None,
    };
    let text = match (&proof.text, &proof.text_file) {
        (Some(text), _) => Some(text.clone()),
        (None, Some(file)) => Some(read_text(file, MAX_TEXT)?),
        (None, None) => None,
    };
    let fields = json!({
        "hash": proof.of.hash, "channel": proof.channel, "url": proof.url, "digest": digest, "text": text,
        "text_hash": proof.text_hash, "time": proof.at,
    });
    act("record-publication", &proof.of.case, fields, &proof.of.voice, output)
}

/// What the kind has of its own; what is not given is left out, and the desk names it.
fn form(draft: &Draft) -> Value {
    let kind = typed(&draft.kind);
    let speakers = (!draft.speaker.is_empty()).then_some(&draft.speaker);
    let given = json!({
        "kind": kind, "title": draft.title, "expert": draft.expert, "position": draft.position,
        "venue": draft.venue, "held_at": draft.held_at, "speakers": speakers, "outlet": draft.outlet,
        "interviewer": draft.interviewer, "interviewee": draft.interviewee,
    });
    without_null(given)
}

fn answers(said: &[(String, String)], declined: &[(String, String)]) -> Vec<Value> {
    let said = said.iter().map(|(id, text)| json!({"concern": id, "text": text}));
    said.chain(declined.iter().map(|(id, why)| json!({"concern": id, "declined": why}))).collect()
}

/// An object without what is not given.
pub(super) fn without_null(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other => other,
    }
}

/// A command about a case, in the name of a unit: the lead unit's unless told.
pub(super) fn command(
    client: &Client,
    name: &str,
    case: &str,
    fields: Value,
    unit: Option<&str>,
) -> Result<Value, Failure> {
    let mut command = Map::from_iter([("command".to_owned(), json!(name)), ("case".to_owned(), json!(case))]);
    if let Value::Object(fields) = without_null(fields) {
        command.extend(fields);
    }
    let shown = client.get(&format!("/v1/cases/{}", segment(case)))?;
    let unit = unit.or_else(|| shown.get("unit").and_then(Value::as_str)).unwrap_or_default();
    let command = crate::hashes::whole(&Value::Object(command), &shown)?;
    client.post(&format!("/v1/units/{}/commands", segment(unit)), &command)
}

/// What waits for a second person, for people.
pub(super) fn waits(done: &Value) -> Option<String> {
    let hash = done.pointer("/pending/hash").and_then(Value::as_str)?;
    Some(format!("待审批 {}:huiyin case approve {} {}\n", plain(hash), word(done, "case"), plain(hash)))
}

fn act(name: &str, case: &str, fields: Value, voice: &Voice, output: Output) -> Result<(), Failure> {
    let client = Client::of(&voice.host)?;
    let done = command(&client, name, case, fields, voice.unit.as_deref())?;
    if output == Output::Json {
        return print_json(&done);
    }
    let mut said = format!(
        "{} {}  {}  {}\n",
        word(&done, "case"),
        word(&done, "response"),
        word(&done, "state"),
        word(&done, "hash")
    );
    for departure in rows(&done, "departures") {
        said.push_str(&departed(departure));
        said.push('\n');
    }
    for (name, zh) in [("unsigned", "待会签"), ("missing", "待发布渠道"), ("open_concerns", "未答诉求")] {
        let open = texts(&done, name);
        if !open.is_empty() {
            let _ = writeln!(said, "{zh} {}", open.join("、"));
        }
    }
    said.push_str(&waits(&done).unwrap_or_default());
    print(said)
}

/// Where a text departs from the line.
pub(super) fn departed(departure: &Value) -> String {
    let place = departure.get("sentence").filter(|sentence| !sentence.is_null());
    let place = place.map_or_else(String::new, |_| format!(":“{}”", word(departure, "sentence")));
    format!("{}“{}”{place}", word(departure, "kind_zh"), word(departure, "line"))
}

fn list(client: &Client, unit: Option<&str>, all: bool, output: Output) -> Result<(), Failure> {
    let unit = unit.map_or_else(String::new, |unit| format!("&unit={}", encoded(unit.as_bytes())));
    let answer = client.get(&format!("/v1/responses?all={all}{unit}"))?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let reader = Reader::of(&answer);
    let lines: Vec<Vec<String>> = rows(&answer, "responses")
        .map(|row| {
            let late = if row.get("breached_at").is_some_and(|at| !at.is_null()) { " 超时" } else { "" };
            vec![
                word(row, "case"),
                word(row, "response"),
                word(row, "kind_zh"),
                word(row, "state_zh"),
                reader.unit(row.get("unit").and_then(Value::as_str).unwrap_or_default()),
                format!("{}{late}", reader.time(row.get("due_at"))),
                texts(row, "missing").join(" "),
                texts(row, "unsigned").join(" "),
                fit(&word(row, "text"), 40),
            ]
        })
        .collect();
    if lines.is_empty() {
        note("没有在办的回应 (no response under way)");
    }
    let head = [
        "办件 CASE",
        "回应 RESPONSE",
        "形式 KIND",
        "状态 STATE",
        "发布单位 UNIT",
        "截止 DUE",
        "待发布 MISSING",
        "待会签 UNSIGNED",
        "内容 TEXT",
    ];
    print(table(&head, &lines))
}

fn show(client: &Client, case: &str, response: Option<&str>, output: Output) -> Result<(), Failure> {
    let whole = client.get(&format!("/v1/cases/{}", segment(case)))?;
    let found: Vec<&Value> = rows(&whole, "responses")
        .filter(|row| response.is_none_or(|id| row.get("response").and_then(Value::as_str) == Some(id)))
        .collect();
    if let (Some(id), true) = (response, found.is_empty()) {
        let why = format!("case {case} has no response {id}; `huiyin response show {case}` shows them");
        return Err(Failure::invalid(why));
    }
    if output == Output::Json {
        return print_json(&json!({ "case": case, "responses": found }));
    }
    let reader = Reader::of(&whole);
    if found.is_empty() {
        note("没有回应 (no response)");
    }
    print(found.iter().map(|row| lines(row, &reader).join("\n") + "\n").collect::<Vec<_>>().join("\n"))
}

/// A response as people read it.
pub(crate) fn lines(row: &Value, reader: &Reader) -> Vec<String> {
    let unit = reader.unit(row.get("unit").and_then(Value::as_str).unwrap_or_default());
    let mut all = vec![
        format!(
            "{}  {}  {}  {unit}  {}",
            word(row, "response"),
            word(row, "kind_zh"),
            word(row, "state_zh"),
            word(row, "hash")
        ),
        format!("  {}", fit(&word(row, "text"), 400)),
    ];
    let actor = |value: &Value, name: &str| reader.actor(value.get(name).and_then(Value::as_str).unwrap_or_default());
    if let Some(corrects) = row.get("corrects").filter(|value| !value.is_null()) {
        all.push(format!("  更正 {}:{}", word(corrects, "response"), word(corrects, "reason")));
    }
    if let Some(other) = row.get("corrected_by").and_then(Value::as_str) {
        all.push(format!("  已由 {} 更正,见 {}", plain(other), texts(row, "chain").join(" → ")));
    }
    all.extend(rows(row, "departures").map(|departure| format!("  偏离口径:{}", departed(departure))));
    if let Some(reason) = row.pointer("/approved/departure_reason").and_then(Value::as_str) {
        all.push(format!("  偏离理由:{}", plain(reason)));
    }
    if let Some(check) = row.get("check").filter(|value| !value.is_null()) {
        let passed = if check.get("passed").and_then(Value::as_bool) == Some(true) { "通过" } else { "未通过" };
        all.push(format!("  保密审查{passed}  {}  {}", actor(check, "by"), word(check, "basis")));
    }
    if let Some(approved) = row.get("approved").filter(|value| !value.is_null()) {
        all.push(format!("  审批 {}  {}", actor(approved, "by"), reader.time(approved.get("at"))));
    }
    for sign in rows(row, "cosigns") {
        let said = if sign.get("agree").and_then(Value::as_bool) == Some(true) { "同意" } else { "不同意" };
        let unit = reader.unit(sign.get("unit").and_then(Value::as_str).unwrap_or_default());
        all.push(format!("  会签{said}  {unit}  {}  {}", actor(sign, "by"), word(sign, "reason")));
    }
    for unit in texts(row, "unsigned") {
        all.push(format!("  待会签  {}", reader.unit(&unit)));
    }
    for channel in rows(row, "channels") {
        let name = channel.pointer("/name/zh").and_then(Value::as_str).map(plain).unwrap_or_default();
        let proof = channel.get("proof").filter(|value| !value.is_null());
        let proof = proof.map_or_else(String::new, |proof| {
            let shown = if proof.get("url").is_some() { word(proof, "url") } else { word(proof, "digest") };
            format!("  {}  {shown}", reader.time(proof.get("time")))
        });
        all.push(format!("  {}({name})  {}{proof}", word(channel, "channel"), word(channel, "state_zh")));
    }
    let seconds = |name: &str| row.pointer(&format!("/latency/{name}")).and_then(Value::as_i64);
    if let (Some(approved), Some(occurred)) =
        (seconds("approved_to_published_seconds"), seconds("occurred_to_published_seconds"))
    {
        all.push(format!("  审批后 {} 发布,事发后 {} 发布", span(approved), span(occurred)));
    }
    all
}
