//! Notifier `weibo`: a draft of a Weibo article (微博头条文章) and of the short post that goes with it, laid ready in the spool.
//!
//! The maker's page <https://open.weibo.com/wiki/Toutiao/api> (of 2022-11-29) has one call only, `proxy/article/publish.json`, which
//! publishes at once; there is none that makes a draft. So nothing is sent: the draft lies in the spool as JSON with the fields of that
//! call, checked against its limits (title 32, content 90,000, text 1,900 characters), and as a page to copy from. A person publishes it.
//!
//! Names and contents follow from the call: a second try changes nothing, so the plugin is idempotent.

use huiyin_sdk::markup::{escape, file_stem, paragraphs};
use huiyin_sdk::template::{Template, Variables};
use huiyin_sdk::time::UtcOffset;
use huiyin_sdk::{About, Context, Error, Message, Notifier, Receipt, spool};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Characters of a title, a content and a short post.
const TITLE: usize = 32;
const CONTENT: usize = 90_000;
const POST: usize = 1_900;

/// How drafts look.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// The article's text; each line is a paragraph.
    pub template: Option<Template>,
    /// The short post; the subject in 【】 and the link unless given.
    pub post: Option<Template>,
    /// The address of the cover picture.
    pub cover: String,
    /// Times are shown so.
    pub offset: UtcOffset,
}

/// The plugin.
#[derive(Debug)]
pub struct Weibo;

impl Notifier for Weibo {
    type Config = Config;

    fn about() -> About {
        About::new("weibo", env!("CARGO_PKG_VERSION"), "Lays a draft of a Weibo article ready; publishes nothing.")
            .spool()
            .idempotent()
    }

    fn deliver(ctx: &Context, config: Config, message: Message) -> Result<Receipt, Error> {
        let input = |place: &str, why: String| Error::InvalidInput(format!("at /{place}: {why}"));
        if !message.attachments.is_empty() {
            return Err(input("attachments", "a draft carries no files; give a link in data.link".to_owned()));
        }
        if !(config.cover.is_empty() || config.cover.starts_with("https://") || config.cover.starts_with("http://")) {
            return Err(Error::InvalidConfig("at /cover: it is no address of a picture".to_owned()));
        }
        let variables = Variables::of(ctx, &message, config.offset)?;
        let title = message.subject.split_whitespace().collect::<Vec<_>>().join(" ");
        let fits = |place: &str, text: &str, most: usize| match text.chars().count() {
            0 => Err(input(place, "it is empty".to_owned())),
            count if count > most => {
                Err(input(place, format!("it has {count} characters, {most} are allowed; it is not cut")))
            }
            _ => Ok(()),
        };
        fits("subject", &title, TITLE)?;
        let text = config.template.as_ref().map_or_else(|| message.text.clone(), |template| template.fill(&variables));
        let content = paragraphs(&text);
        fits("text", &content, CONTENT)?;
        let usual = Template::parse("【{subject}】{?link} {link}{/link}").map_err(Error::InvalidConfig)?;
        let post = config.post.as_ref().unwrap_or(&usual).fill(&variables);
        let post = post.trim();
        fits("text", post, POST)?;
        let draft = json!({"title": title, "content": content, "cover": config.cover, "summary": "", "text": post});
        let stem = file_stem(&ctx.idempotency_key);
        let page = format!(
            "<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body>\n\
             <p>微博草稿，未发布。</p>\n<h1>{title}</h1>\n{content}<hr>\n<p>{post}</p>\n</body></html>\n",
            title = escape(&title),
            post = escape(post)
        );
        spool::put(&format!("{stem}.weibo.html"), page.as_bytes())?;
        let path = spool::put(&format!("{stem}.weibo.json"), format!("{draft:#}\n").as_bytes())?;
        Ok(Receipt { id: path, detail: "a draft; a person looks at it and publishes it".to_owned() })
    }
}

huiyin_sdk::export!(notifier: Weibo);
