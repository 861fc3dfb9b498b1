//! Notifier `wechat-mp`: a draft in the draft box of a WeChat official account (微信公众号草稿箱). A person looks at it there and
//! publishes it; this plugin knows no call that would (发布 `freepublish/submit` is not among them).
//!
//! By the maker's pages <https://developers.weixin.qq.com/doc/subscription/api/draftbox/draftmanage/api_draft_add.html> (POST
//! `cgi-bin/draft/add?access_token=…` with `articles`; a content of fewer than 20,000 characters and 1 MB, from which scripts and
//! pictures of other sites are taken) and
//! <https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/getStableAccessToken.html> (POST `cgi-bin/stable_token`; in its normal
//! mode it leaves the tokens of others valid). Codes are those of
//! <https://developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html>.
//!
//! The account's secret stays with the host, which puts it into the body of the request for a token. The token, which lives two
//! hours, is used within the call and stands in no message.

use huiyin_sdk::http::{self, Error as HttpError, Request, Response};
use huiyin_sdk::markup::{paragraphs, percent_encode};
use huiyin_sdk::template::{Template, Variables};
use huiyin_sdk::time::UtcOffset;
use huiyin_sdk::{About, Context, Error, Message, Notifier, Receipt, outcome, secrets};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

const USUAL: &str = "https://api.weixin.qq.com";

/// Characters of a title, an author and a digest.
const TITLE: usize = 64;
const AUTHOR: usize = 16;
const DIGEST: usize = 120;
/// A content has fewer characters and bytes than these.
const CONTENT: usize = 20_000;
const CONTENT_BYTES: usize = 1_000_000;

/// Which account, and how drafts look.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The account's AppID.
    #[schemars(example = &"wx0123456789abcdef")]
    pub app_id: String,
    /// The cover: the media id of a permanent picture of the account.
    pub thumb_media_id: String,
    /// Where the API is; only for a gateway of one's own.
    #[serde(default)]
    pub base: Option<String>,
    /// Who signs, up to 16 characters.
    #[serde(default)]
    pub author: String,
    /// The text; each line is a paragraph.
    #[serde(default)]
    pub template: Option<Template>,
    /// The digest, up to 120 characters; the account makes one of the text unless given.
    #[serde(default)]
    pub digest: Option<Template>,
    /// Whether readers may comment.
    #[serde(default)]
    pub comments: bool,
    /// Times are shown so.
    #[serde(default)]
    pub offset: UtcOffset,
    /// How long to wait for each answer, in seconds: 1 to 300.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
}

fn thirty() -> u32 {
    30
}

/// The plugin.
#[derive(Debug)]
pub struct WeChatMp;

impl Notifier for WeChatMp {
    type Config = Config;

    fn about() -> About {
        About::new(
            "wechat-mp",
            env!("CARGO_PKG_VERSION"),
            "Makes a draft in a WeChat official account; publishes nothing.",
        )
        .http("https://*:*", &["POST"], "/cgi-bin")
        .http("http://*:*", &["POST"], "/cgi-bin")
        .secret("wechat-app-secret", "the account's AppSecret; granted with also: [\"body\"]")
    }

    fn deliver(ctx: &Context, config: Config, message: Message) -> Result<Receipt, Error> {
        let base = config.check()?;
        let body = json!({"articles": [article(ctx, &config, &message)?]}).to_string().into_bytes();
        let token = token(ctx, &config, base)?;
        let url = format!("{base}/cgi-bin/draft/add?access_token={}", percent_encode(&token));
        // The answer's words are shown without the token, should they repeat it.
        let response = post(&config, &url, body)?;
        let answer = judged(&url, &response, ctx.now, &token)?;
        let id = answer.get("media_id").and_then(Value::as_str).filter(|id| !id.is_empty() && id.len() <= 200);
        let id = id.ok_or_else(|| Error::Unknown("the answer has no media_id: look into the draft box".to_owned()))?;
        Ok(Receipt { id: id.to_owned(), detail: "a draft; a person looks at it and publishes it".to_owned() })
    }
}

huiyin_sdk::export!(notifier: WeChatMp);

impl Config {
    /// What the types cannot say; gives where the API is.
    fn check(&self) -> Result<&str, Error> {
        let wrong = |place: &str, why: &str| Err(Error::InvalidConfig(format!("at /{place}: {why}")));
        let plain =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !plain(&self.app_id) {
            return wrong("appId", "it is letters and digits, as wx0123456789abcdef");
        }
        if !plain(&self.thumb_media_id) {
            return wrong(
                "thumbMediaId",
                "it is letters, digits, - and _; upload a permanent picture and take its media_id",
            );
        }
        if self.author.chars().count() > AUTHOR {
            return wrong("author", "it has more than 16 characters");
        }
        http::check_timeout(self.timeout_seconds)?;
        let base = self.base.as_deref().unwrap_or(USUAL);
        if !(base.starts_with("https://") || base.starts_with("http://"))
            || base.ends_with('/')
            || base.contains(['?', '#'])
        {
            return wrong("base", "it begins with https:// or http://, and does not end with /");
        }
        Ok(base)
    }
}

fn article(ctx: &Context, config: &Config, message: &Message) -> Result<Value, Error> {
    let input = |place: &str, why: String| Err(Error::InvalidInput(format!("at /{place}: {why}")));
    if !message.attachments.is_empty() {
        return input("attachments", "a draft carries no files; give a link in data.link".to_owned());
    }
    let variables = Variables::of(ctx, message, config.offset)?;
    let title = message.subject.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() || title.chars().count() > TITLE {
        return input("subject", format!("a title has 1 to {TITLE} characters"));
    }
    let text = config.template.as_ref().map_or_else(|| message.text.clone(), |template| template.fill(&variables));
    let content = paragraphs(&text);
    if content.is_empty() {
        return input("text", "it is empty".to_owned());
    }
    let count = content.chars().count();
    if count >= CONTENT || content.len() >= CONTENT_BYTES {
        return input(
            "text",
            format!("as HTML it has {count} characters, fewer than {CONTENT} are allowed; it is not cut"),
        );
    }
    let digest = config.digest.as_ref().map(|digest| digest.fill(&variables)).unwrap_or_default();
    if digest.chars().count() > DIGEST {
        return input("text", format!("the digest has more than {DIGEST} characters"));
    }
    Ok(json!({
        "article_type": "news",
        "title": title,
        "author": config.author,
        "digest": digest,
        "content": content,
        "content_source_url": variables.get("link"),
        "thumb_media_id": config.thumb_media_id,
        "need_open_comment": i32::from(config.comments),
        "only_fans_can_comment": 0,
    }))
}

fn post(config: &Config, url: &str, body: Vec<u8>) -> Result<Response, HttpError> {
    Request::post(url, body)
        .timeout(config.timeout_seconds)
        .header("content-type", "application/json; charset=utf-8")
        .send()
}

/// A token of the account. Asking for one changes nothing.
fn token(ctx: &Context, config: &Config, base: &str) -> Result<String, Error> {
    let url = format!("{base}/cgi-bin/stable_token");
    let body = json!({"grant_type": "client_credential", "appid": config.app_id, "secret": secrets::placeholder("wechat-app-secret")?});
    let response = post(config, &url, body.to_string().into_bytes()).map_err(HttpError::of_safe_request)?;
    let answer = judged(&url, &response, ctx.now, "").map_err(|error| match error {
        Error::Unknown(why) => Error::Transient(why),
        other => other,
    })?;
    match answer.get("access_token").and_then(Value::as_str) {
        Some(token) if !token.is_empty() => Ok(token.to_owned()),
        _ => Err(Error::Transient(format!("{url} answered without a token"))),
    }
}

/// The answer where it says that it was done.
fn judged(url: &str, response: &Response, now: u64, token: &str) -> Result<Value, Error> {
    let said = || {
        let said = outcome::said(url, response);
        if token.is_empty() { said } else { said.replace(token, "…") }
    };
    outcome::of_status(response, now, &said)?;
    let answer: Value =
        serde_json::from_slice(&response.body).map_err(|_| Error::Unknown(format!("{}; it is no JSON", said())))?;
    let code = answer.get("errcode").and_then(Value::as_i64).unwrap_or(0);
    let refused = || format!("WeChat refused: {}", said());
    match code {
        0 => Ok(answer),
        // The system is busy; a token ended early: another call gets a new one.
        -1 | 40_014 | 42_001 => Err(Error::Transient(refused())),
        // Too often in a minute; today's calls are used up.
        45_011 => Err(Error::RateLimited(60)),
        45_009 => Err(Error::RateLimited(3600)),
        // Secret, AppID, address not on the list, rights, an account that was stopped, a cover that is none.
        40_001
        | 40_002
        | 40_007
        | 40_013
        | 40_125
        | 40_164
        | 40_243
        | 41_002
        | 41_004
        | 48_001
        | 48_004
        | 50_002
        | 61_004
        | 89_503..=89_507 => Err(Error::InvalidConfig(refused())),
        _ => Err(Error::InvalidInput(refused())),
    }
}
