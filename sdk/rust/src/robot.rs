//! Robots of group chats (企业微信, 钉钉, 飞书): what their notifiers share. Each has a limit in bytes, mentions people
//! by ids or numbers of its own, and answers 200 with a code in the body when it refused.
//!
//! A long text goes out in parts, each numbered （1/3）; nothing is cut away. A part that fails after another went out
//! leaves a delivery of unknown outcome: a robot cannot take a message back, and none tells its messages apart by a
//! key, so no robot is idempotent. How fast a robot may speak is the host's to hold (`egress.perPlugin`), not the
//! plugin's: what two calls at once write to a plugin's own state leaves one of them of unknown outcome.

mod answer;
mod parts;

pub use answer::{Codes, judge};
pub use parts::{json_bytes, parts, utf8_bytes};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::http::Request;
use crate::quiet::Quiet;
use crate::template::{Template, Variables};
use crate::time::UtcOffset;
use crate::{About, BTreeMap, Context, Error, Message, Receipt};

/// How many robots one plugin knows.
const ROBOTS: u8 = 9;

/// What is written unless the configuration says otherwise.
const DEFAULT_TEXT: &str = "{?level}【{level}】{/level}{subject}\n{text}{?due}\n截止：{due}{/due}{?recipients}\n收件：{recipients}{/recipients}{?link}\n详情：{link}{/link}{?receiptLink}\n签收：{receiptLink}{/receiptLink}";

/// The settings of a robot.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Where the robot listens, without its key; only for Feishu, whose address holds the robot's id, and for
    /// installations of one's own it must be given.
    #[serde(default)]
    pub url: Option<String>,
    /// Which of the plugin's robots, 1 to 9: the secrets of the second are those whose names end with `-2`, and so on.
    #[serde(default = "first")]
    #[schemars(range(min = 1, max = 9))]
    pub robot: u8,
    /// Whether each message is signed: DingTalk and Feishu do unless this is false, WeCom has no signatures.
    #[serde(default)]
    pub sign: Option<bool>,
    /// Plain text, or the robot's own Markdown.
    #[serde(default)]
    pub format: Format,
    /// What is written; the plugin's README has what stands there unless given.
    #[serde(default)]
    pub template: Option<Template>,
    /// Whom a recipient's name means: an id of the robot's, a number of 11 digits, or `@all`.
    #[serde(default)]
    #[schemars(example = an_office())]
    pub people: BTreeMap<String, String>,
    /// Hours in which only grave matters are told.
    #[serde(default)]
    pub quiet: Option<Quiet>,
    /// Times are shown so, and quiet hours counted.
    #[serde(default)]
    pub offset: UtcOffset,
    /// The most parts of one message, 1 to 10; a longer one is refused before anything is sent.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 10))]
    pub max_parts: usize,
    /// How long to wait for the robot, in seconds: 1 to 300.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
}

fn an_office() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([("值班室", "13800001111")])
}

fn first() -> u8 {
    1
}

fn five() -> usize {
    5
}

fn thirty() -> u32 {
    30
}

/// Asks for a secret of each robot: `name`, `name-2` to `name-9`. A host has one value for a name, and a unit more than
/// one group.
#[must_use]
pub fn asks(about: About, name: &str, purpose: &str) -> About {
    (1..=ROBOTS).fold(about, |about, robot| about.secret(&secret_of(name, robot), purpose))
}

fn secret_of(name: &str, robot: u8) -> String {
    if robot == 1 { name.to_owned() } else { format!("{name}-{robot}") }
}

/// How a text is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Plain text.
    #[default]
    Text,
    /// Markdown, as far as the robot knows it.
    Markdown,
}

/// Who is mentioned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Everybody in the group.
    pub all: bool,
    /// Numbers of mobile phones.
    pub mobiles: Vec<String>,
    /// Ids of the robot's own.
    pub users: Vec<String>,
}

impl Mentions {
    /// Whether nobody is mentioned.
    pub fn is_empty(&self) -> bool {
        !self.all && self.mobiles.is_empty() && self.users.is_empty()
    }
}

/// A message that is ready to go out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// At least one; numbered where there are more.
    pub parts: Vec<String>,
    /// Whom the first part mentions.
    pub mentions: Mentions,
    /// The subject on one line, for robots that want a title.
    pub title: String,
}

impl Config {
    /// The template, or what stands in its place.
    fn text(&self) -> Result<Template, Error> {
        match &self.template {
            Some(template) => Ok(template.clone()),
            None => Template::parse(DEFAULT_TEXT).map_err(Error::InvalidConfig),
        }
    }

    /// The address without a key: the one given or the `usual` one.
    ///
    /// # Errors
    /// When there is none, it is no http(s) address, or `key` stands in its query.
    pub fn address(&self, usual: Option<&str>, key: &str) -> Result<String, Error> {
        let wrong = |why: String| Error::InvalidConfig(format!("at /url: {why}"));
        let url = self.url.as_deref().or(usual).ok_or_else(|| wrong("it must be given for this robot".to_owned()))?;
        if !(url.starts_with("https://") || url.starts_with("http://")) {
            return Err(wrong("it begins with https:// or http://".to_owned()));
        }
        if url.contains(['?', '#']) {
            return Err(wrong(format!("leave out ? and what follows: the key is the secret `{key}`")));
        }
        Ok(url.to_owned())
    }

    /// The name of the configured robot's own secret.
    pub fn secret(&self, name: &str) -> String {
        secret_of(name, self.robot)
    }

    /// What goes out: checks the settings and the quiet hours, fills the template, sorts the recipients, and parts
    /// the text so that each part has at most `limit`, as `measure` counts. `tame` takes from what the message says
    /// whatever the robot would take for a mention; `reserve` is what the first part needs for mentions beside the text.
    ///
    /// # Errors
    /// [`Error::RateLimited`] in quiet hours; else what is wrong with settings or message.
    pub fn ready(
        &self,
        ctx: &Context,
        message: &Message,
        limit: usize,
        measure: fn(&str) -> usize,
        tame: &dyn Fn(&str) -> String,
        reserve: &dyn Fn(&Mentions) -> usize,
    ) -> Result<Ready, Error> {
        let range = |name: &str, value: usize, most: usize| {
            if (1..=most).contains(&value) {
                return Ok(());
            }
            Err(Error::InvalidConfig(format!("at /{name}: {value} is not from 1 to {most}")))
        };
        range("timeoutSeconds", self.timeout_seconds as usize, 300)?;
        range("maxParts", self.max_parts, 10)?;
        range("robot", usize::from(self.robot), usize::from(ROBOTS))?;
        if !message.attachments.is_empty() {
            return Err(Error::InvalidInput(
                "at /attachments: a robot's message carries no files; give a link to them in data.link".to_owned(),
            ));
        }
        let mentions = self.mentions(&message.recipients)?;
        if let Some(quiet) = &self.quiet {
            quiet.check(ctx.now, self.offset, message)?;
        }
        let variables = Variables::of(ctx, message, self.offset)?;
        let text = self.text()?.fill_with(&variables, &|_, value| tame(value));
        let text = text.trim_end();
        if text.trim().is_empty() {
            return Err(Error::InvalidInput("the message is empty: it has neither subject nor text".to_owned()));
        }
        let room = limit.saturating_sub(reserve(&mentions));
        let parts = parts(text, room, measure).map_err(Error::InvalidConfig)?;
        if parts.len() > self.max_parts {
            return Err(Error::InvalidInput(format!(
                "the text needs {} parts of {room} bytes, /maxParts allows {}; shorten it or give a link to the whole",
                parts.len(),
                self.max_parts
            )));
        }
        let title: String = tame(&message.subject).split_whitespace().collect::<Vec<_>>().join(" ");
        let title = if title.is_empty() { "通知".to_owned() } else { title };
        Ok(Ready { parts, mentions, title })
    }

    fn mentions(&self, recipients: &[String]) -> Result<Mentions, Error> {
        let mut mentions = Mentions::default();
        for (at, recipient) in recipients.iter().enumerate() {
            let known = self.people.get(recipient);
            let id = known.unwrap_or(recipient).trim();
            let mobile = id.len() == 11 && id.bytes().all(|b| b.is_ascii_digit());
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '*' | '+');
            if id == "@all" || id == "所有人" {
                mentions.all = true;
            } else if mobile {
                mentions.mobiles.push(id.to_owned());
            } else if !id.is_empty() && id.len() <= 64 && id.chars().all(plain) {
                mentions.users.push(id.to_owned());
            } else if known.is_some() {
                return Err(Error::InvalidConfig(format!(
                    "at /people/{recipient}: {id:?} is no id of a robot's user, no number of 11 digits and not @all"
                )));
            } else if id.is_empty() {
                return Err(Error::InvalidInput(format!("at /recipients/{at}: it is empty")));
            }
            // Any other name is of an office: it stands in the text, and nobody is mentioned for it.
        }
        mentions.mobiles.dedup();
        mentions.users.dedup();
        Ok(mentions)
    }
}

/// Sends the parts one after the other. What fails before anything went out is told as it is; after that the outcome
/// is unknown, and the error says how far it came.
///
/// # Errors
/// As said.
pub fn send_all(parts: &[String], mut send: impl FnMut(usize, &str) -> Result<(), Error>) -> Result<(), Error> {
    for (at, part) in parts.iter().enumerate() {
        send(at, part).map_err(|error| match at {
            0 => error,
            _ => Error::Unknown(format!("{at} of {} parts were delivered; then: {error}", parts.len())),
        })?;
    }
    Ok(())
}

/// Posts the parts as JSON, one after the other, as [`send_all`] says. `called` is the robot in errors, where the
/// address holds what nobody should read.
///
/// # Errors
/// As [`send_all`], with what [`judge`] says of an answer.
pub fn post_all(
    ctx: &Context,
    place: &str,
    called: &str,
    parts: &[String],
    timeout_seconds: u32,
    codes: &Codes,
    body: impl Fn(usize, &str) -> Value,
) -> Result<(), Error> {
    send_all(parts, |at, part| {
        let response = Request::post(place, body(at, part).to_string().into_bytes())
            .timeout(timeout_seconds)
            .header("content-type", "application/json; charset=utf-8")
            .send()?;
        judge(called, &response, ctx.now, codes)
    })
}

/// The receipt of a message that went out whole.
pub fn receipt(ctx: &Context, name: &str, ready: &Ready) -> Receipt {
    let parts = match ready.parts.len() {
        1 => "1 part".to_owned(),
        more => format!("{more} parts"),
    };
    Receipt { id: ctx.idempotency_key.clone(), detail: format!("{name} took {parts}") }
}

/// A text whose `<at`, `<@` and the like are no mention of the robot's any more: the bracket becomes the full-width ＜.
/// What a citizen wrote must not call everybody in the group.
pub fn tame(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        let after = rest[at + 1..].trim_start_matches(['/', ' ']);
        let calls = after.starts_with('@') || after.get(..2).is_some_and(|two| two.eq_ignore_ascii_case("at"));
        out.push(if calls { '＜' } else { '<' });
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::{send_all, tame};
    use crate::Error;

    #[test]
    fn what_somebody_wrote_calls_nobody() {
        assert_eq!(
            tame("<at user_id=\"all\">x</at> <@all> < AT id=all> 1<2 <b"),
            "＜at user_id=\"all\">x＜/at> ＜@all> ＜ AT id=all> 1<2 <b"
        );
    }

    #[test]
    fn what_fails_after_a_part_went_out_is_not_known() {
        let parts = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let fail_at = |n: usize| send_all(&parts, |at, _| if at == n { Err(Error::RateLimited(60)) } else { Ok(()) });
        assert_eq!(fail_at(0), Err(Error::RateLimited(60)));
        assert!(matches!(fail_at(2), Err(Error::Unknown(why)) if why.contains("2 of 3") && why.contains("60 s")));
        assert_eq!(fail_at(3), Ok(()));
    }
}
