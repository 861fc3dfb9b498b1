//! Notifier `cap`: a warning in the Common Alerting Protocol 1.2 (OASIS; ITU-T X.1303bis; GB/T 35965.1 应急信息交互协议
//! 第1部分：预警信息 builds on it), POSTed to a platform or written into the spool.
//!
//! The identifier is that of the national warning platform: the 14 digits of the unit that publishes (region by
//! GB/T 2260, agency by GB/T 4657, office, extension), the time in 14 digits and a number, joined by `_`. It follows from
//! the call alone: a second try issues the same alert again, so the plugin is idempotent.

pub mod alert;
pub mod rules;
pub mod xml;

use huiyin_sdk::http::{self, Request};
use huiyin_sdk::template::{Template, Variables};
use huiyin_sdk::time::UtcOffset;
use huiyin_sdk::{About, Context, Error, Level, Message, Notifier, Receipt, outcome, secrets, spool};
use schemars::JsonSchema;
use serde::Deserialize;

use alert::{Alert, Area, Cap, Category, Certainty, MsgType, Scope, Severity, Status, Urgency};

/// Who warns, of what, and where to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The 14 digits of the unit that publishes.
    #[schemars(example = "99990006400100", regex(pattern = "^[0-9]{14}$"))]
    pub publisher: String,
    /// Who sends, unique on its network: a mail address or a domain of the unit's; no spaces, commas, `<` or `&`.
    #[schemars(example = "duty@linhai.example.cn")]
    pub sender: String,
    /// Its name for people.
    pub sender_name: String,
    /// Actual unless told: Exercise 演练, Test 测试 and the like.
    #[serde(default)]
    pub status: Status,
    /// Public unless told.
    #[serde(default)]
    pub scope: Scope,
    /// What kind of event, unless the message says.
    #[serde(default = "fire")]
    pub category: Category,
    /// What happened, unless the message says: 森林火灾.
    pub event: String,
    /// Its code in GB/T 35561 (突发事件分类与编码), unless the message says.
    #[serde(default)]
    #[schemars(example = "11B01")]
    pub event_code: Option<String>,
    /// Where, unless the message says.
    #[serde(default)]
    pub area: Option<Area>,
    /// The headline, up to 160 characters.
    #[serde(default)]
    pub headline: Option<Template>,
    /// The description.
    #[serde(default)]
    pub description: Option<Template>,
    /// Where alerts are POSTed as `application/cap+xml`, http or https; into the spool unless given.
    #[serde(default)]
    pub url: Option<String>,
    /// Whether the secret `cap-token` goes along as `authorization: Bearer …`.
    #[serde(default)]
    pub bearer: bool,
    /// The zone of all times: +08:00 unless told.
    #[serde(default)]
    pub offset: UtcOffset,
    /// How long to wait for the platform, in seconds: 1 to 300.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
}

fn fire() -> Category {
    Category::Fire
}

fn thirty() -> u32 {
    30
}

/// The plugin.
#[derive(Debug)]
pub struct CapNotifier;

impl Notifier for CapNotifier {
    type Config = Config;

    fn about() -> About {
        About::new("cap", env!("CARGO_PKG_VERSION"), "Issues a warning in the Common Alerting Protocol 1.2.")
            .http("https://*:*", &["POST"], "/")
            .http("http://*:*", &["POST"], "/")
            .secret("cap-token", "the platform's token, in the header authorization")
            .spool()
            .idempotent()
    }

    fn deliver(ctx: &Context, config: Config, message: Message) -> Result<Receipt, Error> {
        http::check_timeout(config.timeout_seconds)?;
        if !message.attachments.is_empty() {
            return Err(Error::InvalidInput(
                "at /attachments: an alert carries no files; give a link in data.link".to_owned(),
            ));
        }
        let alert = alert(ctx, &config, &message)?;
        rules::check(&alert)?;
        let text = xml::write(&alert);
        let Some(url) = &config.url else {
            let path = spool::put(&format!("{}.xml", alert.identifier), text.as_bytes())?;
            return Ok(Receipt { id: alert.identifier, detail: format!("written as {path}") });
        };
        let mut request = Request::post(url, text.into_bytes())
            .timeout(config.timeout_seconds)
            .header("content-type", "application/cap+xml; charset=utf-8")
            .header("idempotency-key", &ctx.idempotency_key);
        if config.bearer {
            request = request.header("authorization", format!("Bearer {}", secrets::placeholder("cap-token")?));
        }
        let response = request.send()?;
        outcome::of_status(&response, ctx.now, &|| outcome::said(url, &response))?;
        let place = url.split('?').next().unwrap_or_default();
        Ok(Receipt { id: alert.identifier, detail: format!("{place} answered {}", response.status) })
    }
}

huiyin_sdk::export!(notifier: CapNotifier);

/// The alert of a message: what its `data.cap` says, else what the configuration says.
///
/// # Errors
/// When `data.cap` is none, or a template's names fail.
pub fn alert(ctx: &Context, config: &Config, message: &Message) -> Result<Alert, Error> {
    let cap = match message.data.get("cap") {
        Some(cap) => huiyin_sdk::parse_json::<Cap>(&cap.to_string())
            .map_err(|why| Error::InvalidInput(format!("at /data/cap: {why}")))?,
        None => Cap::default(),
    };
    let variables = Variables::of(ctx, message, config.offset)?;
    let fill = |template: &Option<Template>, usual: &str| match template {
        Some(template) => Ok(template.fill(&variables)),
        None => Template::parse(usual).map(|template| template.fill(&variables)).map_err(Error::InvalidConfig),
    };
    let level = message.data.get("level").and_then(|level| serde_json::from_value::<Level>(level.clone()).ok());
    let severity = cap.severity.unwrap_or(match level {
        Some(Level::I) => Severity::Extreme,
        Some(Level::II) => Severity::Severe,
        Some(Level::III) => Severity::Moderate,
        Some(Level::IV) => Severity::Minor,
        None => Severity::Unknown,
    });
    let colour = level.map(|level| match level {
        Level::I => "红色",
        Level::II => "橙色",
        Level::III => "黄色",
        Level::IV => "蓝色",
    });
    let time = |name: &str, text: &Option<String>| -> Result<Option<String>, Error> {
        let Some(text) = text else { return Ok(None) };
        let times = huiyin_sdk::time::Times { offset: config.offset, ..Default::default() };
        match times.read(text) {
            Some(time) => Ok(Some(config.offset.show_with_offset(time))),
            None => Err(Error::InvalidInput(format!("at /data/cap/{name}: {text:?} is no time that is understood"))),
        }
    };
    let compact = config.offset.show_compact(ctx.now).replace('T', "");
    let link = variables.get("link");
    Ok(Alert {
        identifier: format!("{}_{compact}_{}", config.publisher, cap.sequence),
        sender: config.sender.clone(),
        sent: config.offset.show_with_offset(ctx.now),
        status: config.status,
        msg_type: cap.msg_type,
        scope: config.scope,
        restriction: cap.restriction.clone(),
        addresses: message.recipients.clone(),
        note: cap.note.clone(),
        references: cap.references.clone(),
        incidents: Some(variables.get("case").to_owned()).filter(|case| !case.is_empty()),
        category: cap.category.unwrap_or(config.category),
        event: cap.event.clone().unwrap_or_else(|| config.event.clone()),
        response: cap.response.clone(),
        urgency: cap.urgency.unwrap_or(Urgency::Unknown),
        severity,
        certainty: cap.certainty.unwrap_or(Certainty::Unknown),
        event_code: cap.event_code.clone().or_else(|| config.event_code.clone()),
        effective: time("effective", &cap.effective)?,
        onset: time("onset", &cap.onset)?,
        expires: time("expires", &cap.expires)?,
        sender_name: config.sender_name.clone(),
        headline: fill(&config.headline, "{subject}")?,
        description: fill(&config.description, "{text}")?,
        instruction: cap.instruction.clone(),
        web: Some(link.to_owned()).filter(|link| !link.is_empty()),
        contact: cap.contact.clone(),
        colour: colour.map(str::to_owned),
        areas: if cap.areas.is_empty() { config.area.iter().cloned().collect() } else { cap.areas },
    })
}

impl MsgType {
    /// Whether it speaks of an earlier alert.
    pub fn refers(self) -> bool {
        self != Self::Alert
    }
}
