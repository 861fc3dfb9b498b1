//! Collector `mailbox`: mails that an HTTP endpoint gives: one, an mbox, or a
//! list in JSON. The structure is read by `mail-parser`, headers and names by
//! rules of China's mails (see `header`).
//!
//! Must never fetch what a mail links to.

mod header;

use std::collections::BTreeMap;

use base64::Engine as _;
use huiyin_sdk::http::{self, Request};
use huiyin_sdk::intake::Intake;
use huiyin_sdk::known::{Candidate, Known, mark};
use huiyin_sdk::poll::{self, Version};
use huiyin_sdk::time::{Times, Unread, UtcOffset};
use huiyin_sdk::{About, Collector, Context, Error, Item, Page, charset, log, secrets, text};
use mail_parser::{Encoding, Message, MessageParser, MessagePart, PartType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many mails are remembered; beyond it the host knows them by their ids.
const REMEMBERED: usize = 2_000;

/// Which mails to read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The address: a mail (.eml), an mbox, or JSON.
    pub url: String,
    /// Whether the header `Authorization` is sent, with the secret `mailbox-authorization` as its value.
    #[serde(default)]
    pub authorize: bool,
    /// Further request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// For JSON: where the list of mails is, as a JSON Pointer.
    #[serde(default)]
    pub list: String,
    /// For JSON: where in an entry the mail is, as text or in base64; the entry itself unless given.
    #[serde(default)]
    #[schemars(example = "/raw")]
    pub raw: String,
    /// The channel kind that the items are filed under.
    #[serde(default)]
    pub channel: Option<String>,
    /// Which mails come in as matters; none unless given.
    #[serde(default)]
    pub intake: Option<Intake>,
    /// How long to wait for the server, in seconds: 1 to 300.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
    /// What holds for times without a zone.
    #[serde(default)]
    pub utc_offset: UtcOffset,
}

fn thirty() -> u32 {
    30
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Cursor {
    version: Version,
    done: Known,
}

/// The plugin.
#[derive(Debug)]
pub struct Mailbox;

impl Collector for Mailbox {
    type Config = Config;

    fn about() -> About {
        About::new("mailbox", env!("CARGO_PKG_VERSION"), "Reads mails that an HTTP endpoint gives.")
            .http("http://*:*", &["GET"], "/")
            .http("https://*:*", &["GET"], "/")
            .secret("mailbox-authorization", "The value of the header Authorization, where /authorize is set.")
            .idempotent()
    }

    fn collect(ctx: &Context, config: Config, cursor: Option<String>, limit: u32) -> Result<Page, Error> {
        http::check_timeout(config.timeout_seconds)?;
        let mut cursor: Cursor = cursor.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let mut request = Request::get(&config.url)
            .timeout(config.timeout_seconds)
            .header("user-agent", concat!("Huiyin-mailbox/", env!("CARGO_PKG_VERSION")));
        if config.authorize {
            request = request.header("authorization", secrets::placeholder("mailbox-authorization")?);
        }
        for (name, value) in &config.headers {
            request = request.header(name, value);
        }
        let Some(response) = poll::get(&cursor.version.ask(request), ctx.now)? else { return Ok(Page::default()) };
        let mails = mails(&config, &response.body)
            .map_err(|why| Error::Transient(format!("{} is broken: {why}", config.url)))?;
        let times = Times { offset: config.utc_offset, cst: UtcOffset::default(), now: Some(ctx.now) };
        let mut unread = Unread::default();
        let (mut entries, mut odd) = (Vec::new(), 0);
        for mail in &mails {
            match item(&config, mail, &times, &mut unread) {
                Some(item) => entries.push(Candidate { item, changed: String::new() }),
                None => odd += 1,
            }
        }
        let sorted = cursor.done.sort(entries, limit as usize, 0);
        if odd > 0 && !sorted.items.is_empty() {
            log::warn(&format!("{odd} of {} are no mails, or say nothing, and are left out", mails.len()));
        }
        if let Some(line) = unread.line().filter(|_| !sorted.items.is_empty()) {
            log::warn(&line);
        }
        sorted.log();
        cursor.done.add(sorted.marks);
        cursor.done.forget(REMEMBERED);
        cursor.version = if sorted.left { Version::default() } else { Version::of(&response) };
        // Texts only: it cannot fail.
        Ok(Page { items: sorted.items, cursor: serde_json::to_string(&cursor).ok(), more: sorted.left })
    }
}

huiyin_sdk::export!(collector: Mailbox);

/// The mails of an answer, as bytes.
fn mails(config: &Config, body: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let start = body.trim_ascii_start();
    match start.first() {
        None => Ok(Vec::new()), // an mbox without a mail
        Some(b'<') => Err("it is a page of HTML, perhaps a login".to_owned()),
        Some(b'[' | b'{') => list(config, body),
        _ if start.starts_with(b"From ") => Ok(mbox(start)),
        _ if header::get(&header::read(start), "from").is_some()
            || header::get(&header::read(start), "subject").is_some() =>
        {
            Ok(vec![start.to_vec()])
        }
        _ => Err("it is neither a mail, nor an mbox, nor JSON".to_owned()),
    }
}

fn list(config: &Config, body: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let document = huiyin_sdk::parse_json_mended(&charset::decode(body, None).text)?;
    let list = document.pointer(&config.list).and_then(Value::as_array);
    let list = list.ok_or_else(|| format!("it is JSON without a list at {:?} (/list)", config.list))?;
    let raw = |entry: &Value| entry.pointer(&config.raw).and_then(Value::as_str).map(bytes).unwrap_or_default();
    let mails: Vec<Vec<u8>> = list.iter().map(raw).collect();
    if !mails.is_empty() && mails.iter().all(Vec::is_empty) {
        return Err(format!("none of its {} entries has a text at {:?} (/raw)", mails.len(), config.raw));
    }
    Ok(mails)
}

/// A mail as text, or in base64 where it is nothing else.
fn bytes(text: &str) -> Vec<u8> {
    if !text.contains(':') {
        let bare: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        if let Ok(bytes) = base64::prelude::BASE64_STANDARD
            .decode(&bare)
            .or_else(|_| base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(&bare))
        {
            return bytes;
        }
    }
    text.as_bytes().to_vec()
}

/// The mails of an mbox: each begins with `From `, an address and a time behind an empty line.
fn mbox(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut mails, mut mail, mut empty) = (Vec::new(), Vec::new(), true);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let timed = line.contains(&b':') && line.trim_ascii_end().last().is_some_and(u8::is_ascii_digit);
        if empty && timed && line.starts_with(b"From ") {
            if !mail.is_empty() {
                mails.push(std::mem::take(&mut mail));
            }
            empty = false;
            continue;
        }
        empty = line.trim_ascii().is_empty();
        // `>From ` was `From ` (mboxrd).
        let quoted =
            line.iter().position(|byte| *byte != b'>').is_some_and(|at| at > 0 && line[at..].starts_with(b"From "));
        mail.extend_from_slice(if quoted { &line[1..] } else { line });
    }
    mails.push(mail);
    mails
}

/// None for what is no mail, or says nothing.
fn item(config: &Config, raw: &[u8], times: &Times, unread: &mut Unread) -> Option<Item> {
    let headers = header::read(raw);
    if headers.is_empty() {
        return None;
    }
    let message = MessageParser::default().parse(raw)?;
    let title = header::get(&headers, "subject").map(header::words).unwrap_or_default();
    let body = body(&message, raw);
    let files: Vec<String> = message.attachments().take(20).map(|part| file(part, raw)).collect();
    if title.is_empty() && body.is_empty() && files.is_empty() {
        return None;
    }
    let published = header::get(&headers, "date").and_then(|value| {
        let written = header::words(value);
        let read = times.read(&written);
        if read.is_none() {
            unread.note(&written);
        }
        read
    });
    let (name, address) = header::get(&headers, "from").map(header::address).unwrap_or_default();
    let mut fields = BTreeMap::new();
    let asker = if name.is_empty() { address.clone() } else { name };
    for (field, value) in [
        ("channel", config.channel.clone().unwrap_or_default()),
        ("asker", asker),
        ("from", address),
        ("media", files.join("\n")),
    ] {
        if !value.is_empty() {
            fields.insert(field.to_owned(), value);
        }
    }
    let id = header::get(&headers, "message-id")
        .map(|id| charset::decode(id, None).text.trim_matches(['<', '>', ' ']).to_owned());
    let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("mail:{}", mark(&String::from_utf8_lossy(raw))));
    if let Some(intake) = &config.intake {
        intake.mark(&mut fields);
    }
    Some(Item { id, title, body, published, fields, ..Item::default() })
}

/// The text parts, else the HTML parts without their markup.
fn body(message: &Message<'_>, raw: &[u8]) -> String {
    let mut texts: Vec<String> = Vec::new();
    for part in message.text_bodies() {
        let text = match &part.body {
            PartType::Text(text) => {
                let text = readable(text, part, raw);
                text.lines().map(text::squeeze).collect::<Vec<_>>().join("\n").trim().to_owned()
            }
            PartType::Html(markup) => text::plain(&readable(markup, part, raw)),
            _ => String::new(),
        };
        if !text.is_empty() {
            texts.push(text);
        }
    }
    if texts.is_empty() {
        let html = message.html_bodies().filter_map(|part| match &part.body {
            PartType::Html(markup) => Some(text::plain(&readable(markup, part, raw))),
            _ => None,
        });
        texts.extend(html.filter(|text| !text.is_empty()));
    }
    texts.join("\n")
}

/// A part's text. Where it names no character set, or a wrong one, its bytes are
/// looked at once more.
fn readable(text: &str, part: &MessagePart<'_>, raw: &[u8]) -> String {
    let bytes = raw.get(part.offset_body as usize..part.offset_end as usize).unwrap_or_default();
    let bytes = match part.encoding {
        _ if !text.contains('\u{fffd}') => return text.to_owned(),
        Encoding::Base64 => mail_parser::decoders::base64::base64_decode(bytes),
        Encoding::QuotedPrintable => mail_parser::decoders::quoted_printable::quoted_printable_decode(bytes),
        Encoding::None => Some(bytes.to_vec()),
    };
    bytes.map_or_else(|| text.to_owned(), |bytes| charset::decode(&bytes, None).text)
}

/// An attachment's name; its kind where it has none.
fn file(part: &MessagePart<'_>, raw: &[u8]) -> String {
    let headers = header::read(raw.get(part.offset_header as usize..part.offset_body as usize).unwrap_or_default());
    let kind = header::get(&headers, "content-type");
    let name = header::get(&headers, "content-disposition").and_then(|value| header::parameter(value, "filename"));
    let name = name.or_else(|| kind.and_then(|value| header::parameter(value, "name")));
    name.or_else(|| kind.map(|kind| header::words(kind).split(';').next().unwrap_or_default().trim().to_owned()))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "attachment".to_owned())
}
