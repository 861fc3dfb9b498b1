//! Notifier `print-queue`: documents laid ready for a printer in the spool, with a job ticket that says how they are printed.
//!
//! A program beside the host watches the folder for `*.job.json`, which is written last: where it lies, the job is whole. The
//! ticket's `options` are the job attributes of IPP (RFC 8011 §5.2, PWG 5100.7) by their names, so that `lp -o name=value` of CUPS takes them
//! as they stand. The plugin does not speak IPP itself.
//!
//! Names and contents follow from the call: a second try changes nothing, so the plugin is idempotent.

pub mod page;

use huiyin_sdk::markup::file_stem;
use huiyin_sdk::template::{Template, Variables};
use huiyin_sdk::time::UtcOffset;
use huiyin_sdk::{About, Context, Document, Error, Message, Notifier, Receipt, spool};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Where and how it is printed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The printer's name: letters, digits, `-`, `_` and `.`.
    #[schemars(example = "duty-office")]
    pub printer: String,
    /// How often, 1 to 50.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 50))]
    pub copies: u32,
    /// One side unless told.
    #[serde(default)]
    pub sides: Sides,
    /// A4 unless told.
    #[serde(default)]
    pub paper: Paper,
    /// Media types that the printer takes. The text of a message goes as HTML, so `text/html` must be among them for a message without attachments.
    #[serde(default = "usual")]
    #[schemars(length(min = 1))]
    pub accepts: Vec<String>,
    /// The text of the page that is made of a message without attachments.
    #[serde(default)]
    pub template: Option<Template>,
    /// Times are shown so.
    #[serde(default)]
    pub offset: UtcOffset,
}

fn one() -> u32 {
    1
}

fn usual() -> Vec<String> {
    ["application/pdf", "text/html", "text/plain"].map(str::to_owned).to_vec()
}

/// Which sides of a sheet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Sides {
    /// The front alone.
    #[default]
    OneSided,
    /// Both, turned over the long edge.
    TwoSidedLongEdge,
    /// Both, turned over the short edge.
    TwoSidedShortEdge,
}

/// The size of a sheet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Paper {
    /// 297 by 420 mm.
    A3,
    /// 210 by 297 mm.
    #[default]
    A4,
}

impl Sides {
    fn word(self) -> &'static str {
        match self {
            Self::OneSided => "one-sided",
            Self::TwoSidedLongEdge => "two-sided-long-edge",
            Self::TwoSidedShortEdge => "two-sided-short-edge",
        }
    }
}

impl Paper {
    fn media(self) -> &'static str {
        match self {
            Self::A3 => "iso_a3_297x420mm",
            Self::A4 => "iso_a4_210x297mm",
        }
    }

    fn css(self) -> &'static str {
        match self {
            Self::A3 => "A3",
            Self::A4 => "A4",
        }
    }
}

/// The plugin.
#[derive(Debug)]
pub struct PrintQueue;

impl Notifier for PrintQueue {
    type Config = Config;

    fn about() -> About {
        About::new("print-queue", env!("CARGO_PKG_VERSION"), "Lays documents with a job ticket ready for a printer.")
            .spool()
            .idempotent()
    }

    fn deliver(ctx: &Context, config: Config, message: Message) -> Result<Receipt, Error> {
        config.check()?;
        let variables = Variables::of(ctx, &message, config.offset)?;
        let title = message.subject.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut documents: Vec<(String, &Document)> = Vec::new();
        let made;
        if message.attachments.is_empty() {
            let text =
                config.template.as_ref().map_or_else(|| message.text.clone(), |template| template.fill(&variables));
            if text.trim().is_empty() {
                return Err(Error::InvalidInput(
                    "the message is empty: it has neither text nor attachments".to_owned(),
                ));
            }
            let html = page::write(&title, &text, variables.get("unit"), variables.get("time"), config.paper.css());
            made = Document {
                media_type: "text/html; charset=utf-8".to_owned(),
                filename: "message.html".to_owned(),
                bytes: html.into_bytes(),
            };
            documents.push((kind(&made.media_type), &made));
        } else {
            documents.extend(message.attachments.iter().map(|document| (kind(&document.media_type), document)));
        }
        for (at, (kind, document)) in documents.iter().enumerate() {
            readable(kind, document, &config.accepts)
                .map_err(|why| Error::InvalidInput(format!("at /attachments/{at}: {why}")))?;
        }
        let stem = file_stem(&ctx.idempotency_key);
        let mut files = Vec::new();
        for (at, (kind, document)) in documents.iter().enumerate() {
            let name = format!("{stem}-{}.{}", at + 1, extension(kind));
            spool::put(&name, &document.bytes)?;
            files.push(json!({"file": name, "documentFormat": kind, "documentName": document.filename, "bytes": document.bytes.len()}));
        }
        let ticket = json!({
            "ticket": "huiyin.print.v1",
            "printer": config.printer,
            "jobName": if title.is_empty() { ctx.idempotency_key.as_str() } else { title.as_str() },
            "requestedBy": ctx.unit,
            "recipients": message.recipients,
            "created": config.offset.show_with_offset(ctx.now),
            "options": {"copies": config.copies, "sides": config.sides.word(), "media": config.paper.media()},
            "documents": files,
        });
        let path = spool::put(&format!("{stem}.job.json"), format!("{ticket:#}\n").as_bytes())?;
        Ok(Receipt { id: path, detail: format!("{} documents for {}", documents.len(), config.printer) })
    }
}

huiyin_sdk::export!(notifier: PrintQueue);

impl Config {
    /// What the types cannot say.
    fn check(&self) -> Result<(), Error> {
        let wrong = |place: &str, why: &str| Err(Error::InvalidConfig(format!("at /{place}: {why}")));
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        // A name that begins with - would be an option of a command.
        if self.printer.is_empty()
            || self.printer.starts_with(['-', '.'])
            || self.printer.len() > 127
            || !self.printer.chars().all(plain)
        {
            return wrong(
                "printer",
                "it is up to 127 letters, digits, -, _ and ., and begins with a letter, digit or _",
            );
        }
        if !(1..=50).contains(&self.copies) {
            return wrong("copies", "it is not from 1 to 50");
        }
        if self.accepts.is_empty() {
            return wrong("accepts", "it is empty: nothing could be printed");
        }
        if let Some(at) =
            self.accepts.iter().position(|kind| kind.matches('/').count() != 1 || kind.contains([';', ' ']))
        {
            return wrong(&format!("accepts/{at}"), "it is a media type without parameters, as application/pdf");
        }
        Ok(())
    }
}

/// The media type without its parameters.
fn kind(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether the printer takes it, and it is what it says.
fn readable(kind: &str, document: &Document, accepts: &[String]) -> Result<(), String> {
    if !accepts.iter().any(|taken| taken.eq_ignore_ascii_case(kind)) {
        return Err(format!("the printer takes {}, this is {kind:?}", accepts.join(", ")));
    }
    if document.bytes.is_empty() {
        return Err("it is empty".to_owned());
    }
    if kind == "application/pdf" && !document.bytes.starts_with(b"%PDF-") {
        return Err("it says that it is PDF and does not begin with %PDF-".to_owned());
    }
    if kind.starts_with("text/") && std::str::from_utf8(&document.bytes).is_err() {
        return Err("it is no UTF-8".to_owned());
    }
    Ok(())
}

fn extension(kind: &str) -> &'static str {
    match kind {
        "application/pdf" => "pdf",
        "text/html" => "html",
        "text/plain" => "txt",
        "application/postscript" => "ps",
        "image/png" => "png",
        "image/jpeg" => "jpg",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => "docx",
        _ => "bin",
    }
}
