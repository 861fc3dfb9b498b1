//! Notifier `sms`: short messages (短信) through any HTTP gateway that its configuration describes.
//!
//! Each recipient gets a request of its own unless the gateway takes several numbers at once. A gateway forgets, so the
//! plugin is not idempotent: what fails after a number was reached leaves a delivery of unknown outcome.

pub mod gateway;
pub mod segments;

use huiyin_sdk::http::{self, Request, Response};
use huiyin_sdk::quiet::Quiet;
use huiyin_sdk::template::{Template, Variables};
use huiyin_sdk::time::UtcOffset;
use huiyin_sdk::{About, BTreeMap, Context, Error, Message, Notifier, Receipt, outcome, secrets};
use schemars::JsonSchema;
use serde::Deserialize;

use gateway::{Answer, Body, Field};

/// The most recipients of one message.
const MOST_RECIPIENTS: usize = 100;

const USUAL: &str = "{?level}【{level}】{/level}{subject}：{text}{?due}，{due}前办理{/due}{?receiptLink}，签收 {receiptLink}{/receiptLink}";

/// A gateway, and what is written.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Where the gateway listens, http or https, without a query. Redirects are not followed.
    pub url: String,
    /// `name=value` of the query, if it wants some.
    #[serde(default)]
    pub query: BTreeMap<String, Field>,
    /// Further headers.
    #[serde(default)]
    #[schemars(example = a_header())]
    pub headers: BTreeMap<String, Field>,
    /// What is sent, as a form or as JSON.
    pub body: Body,
    /// How the answer is read.
    pub answer: Answer,
    /// Who speaks, without its brackets: it stands before the text as 【signature】 and counts. Empty where the gateway
    /// puts it there; then `signatureUnits` says what it takes.
    #[serde(default)]
    #[schemars(length(max = 20))]
    pub signature: String,
    /// UTF-16 units of a signature that the gateway puts there itself, its brackets included.
    #[serde(default)]
    pub signature_units: usize,
    /// What is written.
    #[serde(default)]
    pub template: Option<Template>,
    /// The most segments of one message, 1 to 10; a longer one is refused, never cut.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 10))]
    pub max_segments: usize,
    /// Numbers of recipients that are names.
    #[serde(default)]
    #[schemars(example = an_office())]
    pub people: BTreeMap<String, String>,
    /// Whether the gateway takes several numbers at once: then all stand in `{phones}`, parted by this.
    #[serde(default)]
    pub separator: Option<String>,
    /// Hours in which only grave matters are told.
    #[serde(default)]
    pub quiet: Option<Quiet>,
    /// Times are shown so, and quiet hours counted.
    #[serde(default)]
    pub offset: UtcOffset,
    /// How long to wait for the gateway, in seconds: 1 to 300.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
}

fn an_office() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([("值班室", "13800001111")])
}

fn a_header() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([("authorization", "Bearer {key}")])
}

fn three() -> usize {
    3
}

fn thirty() -> u32 {
    30
}

/// The plugin.
#[derive(Debug)]
pub struct Sms;

impl Notifier for Sms {
    type Config = Config;

    fn about() -> About {
        About::new("sms", env!("CARGO_PKG_VERSION"), "Sends short messages through an HTTP gateway.")
            .http("https://*:*", &["POST"], "/")
            .http("http://*:*", &["POST"], "/")
            .secret("sms-key", "the gateway's key or password, `{key}` in the configuration; with also: [\"body\"] or [\"query\"] where it stands there")
    }

    fn deliver(ctx: &Context, config: Config, message: Message) -> Result<Receipt, Error> {
        config.check()?;
        let phones = config.phones(&message.recipients)?;
        if !message.attachments.is_empty() {
            return Err(Error::InvalidInput("at /attachments: a short message carries no files".to_owned()));
        }
        if let Some(quiet) = &config.quiet {
            quiet.check(ctx.now, config.offset, &message)?;
        }
        let mut variables = Variables::of(ctx, &message, config.offset)?;
        let (content, count) = config.content(&variables)?;
        variables.set("content", content);
        variables.set("segments", count.to_string());
        variables.set("seconds", (ctx.now / 1000).to_string());
        if config.holds("key") {
            variables.set("key", secrets::placeholder("sms-key")?);
        }
        let batches: Vec<Vec<String>> = match &config.separator {
            Some(_) => vec![phones.clone()],
            None => phones.iter().map(|phone| vec![phone.clone()]).collect(),
        };
        let mut ids = Vec::new();
        for (at, batch) in batches.iter().enumerate() {
            variables.set("phone", batch.first().cloned().unwrap_or_default());
            variables.set("phones", batch.join(config.separator.as_deref().unwrap_or(",")));
            let response = config.request(&variables)?.send().map_err(Error::from);
            let taken = response.and_then(|response| config.taken(&response, ctx.now)).map_err(|error| match at {
                0 => error,
                _ => Error::Unknown(format!("{at} of {} numbers were reached; then: {error}", batches.len())),
            });
            ids.extend(taken?);
        }
        let id = if ids.is_empty() { ctx.idempotency_key.clone() } else { ids.join(",") };
        Ok(Receipt { id, detail: format!("{} numbers, {count} segments each", phones.len()) })
    }
}

huiyin_sdk::export!(notifier: Sms);

impl Config {
    /// What the types cannot say.
    fn check(&self) -> Result<(), Error> {
        let wrong = |place: &str, why: &str| Err(Error::InvalidConfig(format!("at {place}: {why}")));
        if !(self.url.starts_with("https://") || self.url.starts_with("http://")) || self.url.contains(['?', '#']) {
            return wrong(
                "/url",
                "it begins with https:// or http:// and has no ?; what follows ? stands under /query",
            );
        }
        http::check_timeout(self.timeout_seconds)?;
        if !(1..=10).contains(&self.max_segments) {
            return wrong("/maxSegments", "it is not from 1 to 10");
        }
        if self.signature.chars().count() > 20 || self.signature.contains(['【', '】', '\n']) {
            return wrong("/signature", "it has up to 20 characters and no brackets: 【】 are put around it");
        }
        if !self.signature.is_empty() && self.signature_units > 0 {
            return wrong("/signatureUnits", "the signature stands under /signature and is counted there");
        }
        let (one, several) = (self.holds("phone"), self.holds("phones"));
        match &self.separator {
            Some(_) if !several || one => wrong("/separator", "with it the body has {phones}, and not {phone}"),
            None if !one => wrong("/body", "nothing says {phone}; or several numbers at once: /separator and {phones}"),
            _ if !self.holds("content") => wrong("/body", "nothing says {content}"),
            _ => self.answer.check(),
        }
    }

    fn fields(&self) -> impl Iterator<Item = &Field> {
        self.query.values().chain(self.headers.values()).chain(self.body.fields())
    }

    fn holds(&self, name: &str) -> bool {
        self.fields().any(|field| field.0.holds(name))
    }

    /// The numbers: 11 digits that begin with 1 (mainland), each once.
    fn phones(&self, recipients: &[String]) -> Result<Vec<String>, Error> {
        let mut phones: Vec<String> = Vec::new();
        for (at, recipient) in recipients.iter().enumerate() {
            let known = self.people.get(recipient);
            let written = known.unwrap_or(recipient);
            let digits: String = written.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
            let digits = digits.strip_prefix("+86").unwrap_or(&digits);
            let mobile = digits.len() == 11 && digits.bytes().all(|b| b.is_ascii_digit());
            if !mobile || !matches!(digits.as_bytes(), [b'1', b'3'..=b'9', ..]) {
                let why = format!("{written:?} is no mobile number of the mainland: 11 digits, the first two 13 to 19");
                return Err(match known {
                    Some(_) => Error::InvalidConfig(format!("at /people/{recipient}: {why}")),
                    None => Error::InvalidInput(format!("at /recipients/{at}: {why}; names stand under /people")),
                });
            }
            if !phones.iter().any(|phone| phone == digits) {
                phones.push(digits.to_owned());
            }
        }
        match phones.len() {
            0 => Err(Error::InvalidInput("at /recipients: nobody to send to".to_owned())),
            1..=MOST_RECIPIENTS => Ok(phones),
            more => Err(Error::InvalidInput(format!("at /recipients: {more} numbers, {MOST_RECIPIENTS} are allowed"))),
        }
    }

    /// What is written, with its signature, and how many segments it takes.
    fn content(&self, variables: &Variables) -> Result<(String, usize), Error> {
        let template = match &self.template {
            Some(template) => template.clone(),
            None => Template::parse(USUAL).map_err(Error::InvalidConfig)?,
        };
        let text = template.fill(variables);
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::InvalidInput("the message is empty: it has neither subject nor text".to_owned()));
        }
        let content =
            if self.signature.is_empty() { text.to_owned() } else { format!("【{}】{text}", self.signature) };
        let count = segments::count(&content, self.signature_units);
        if count > self.max_segments {
            return Err(Error::InvalidInput(format!(
                "the message takes {count} segments ({} units), /maxSegments allows {}; shorten it or give a link",
                segments::units(&content) + self.signature_units,
                self.max_segments
            )));
        }
        Ok((content, count))
    }

    fn request(&self, variables: &Variables) -> Result<Request, Error> {
        let mut url = self.url.clone();
        for (at, (name, field)) in self.query.iter().enumerate() {
            url.push(if at == 0 { '?' } else { '&' });
            url.push_str(&gateway::pair(name, field, variables));
        }
        let (kind, body) = self.body.filled(variables)?;
        let mut request = Request::post(&url, body).timeout(self.timeout_seconds).header("content-type", kind);
        for (name, field) in &self.headers {
            request = request.header(name, field.0.fill(variables).replace(['\r', '\n'], " "));
        }
        Ok(request)
    }

    fn taken(&self, response: &Response, now: u64) -> Result<Option<String>, Error> {
        let said = || outcome::said(&self.url, response);
        outcome::of_status(response, now, &said)?;
        self.answer.judge(response, now, &said)
    }
}
