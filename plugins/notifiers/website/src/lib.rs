//! Notifier `website`: a static page and an entry of an Atom feed (RFC 4287), put on a server by HTTP PUT (RFC 9110 §9.3.4,
//! WebDAV RFC 4918), or written into the spool.
//!
//! The page is made only where nothing stands at its address (`If-None-Match: *`). The feed is read, gets the entry at its
//! top, and is put back only if it is still the one that was read (`If-Match` with its ETag): two publishers never take each other's
//! entries away. Address and entry follow from the idempotency key, and what stands there already is left, so that a
//! second try changes nothing: the plugin is idempotent.

pub mod feed;
pub mod page;

use huiyin_sdk::http::{self, Request, Response};
use huiyin_sdk::markup::{file_stem, percent_encode};
use huiyin_sdk::template::{Template, Variables};
use huiyin_sdk::time::UtcOffset;
use huiyin_sdk::{About, Context, Document, Error, Message, Notifier, Receipt, outcome, secrets, spool};
use schemars::JsonSchema;
use serde::Deserialize;

use feed::Entry;

/// How often the feed is read anew where another publisher was quicker.
const TRIES: usize = 4;

/// Where to, and how it looks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The folder on the server, http or https, ending with `/`. Into the spool unless given.
    #[serde(default)]
    #[schemars(example = "https://dav.linhai.example.cn/yuqing/")]
    pub folder: Option<String>,
    /// How readers reach that folder, ending with `/`; the same unless given.
    #[serde(default)]
    pub public: Option<String>,
    /// Whether the secret `website-authorization` goes along as the header of that name: `Basic …` or `Bearer …`, whole.
    #[serde(default)]
    pub authorized: bool,
    /// The name of the site, in the feed and under each page.
    pub site: String,
    /// The feed's file in the folder.
    #[serde(default = "feed_name")]
    pub feed: String,
    /// The most entries that the feed keeps, 1 to 500.
    #[serde(default = "fifty")]
    #[schemars(range(min = 1, max = 500))]
    pub entries: usize,
    /// The text of the page; each line is a paragraph.
    #[serde(default)]
    pub template: Option<Template>,
    /// Times are shown so.
    #[serde(default)]
    pub offset: UtcOffset,
    /// How long to wait for the server, in seconds: 1 to 300.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
}

fn feed_name() -> String {
    "feed.xml".to_owned()
}

fn fifty() -> usize {
    50
}

fn thirty() -> u32 {
    30
}

/// The plugin.
#[derive(Debug)]
pub struct Website;

impl Notifier for Website {
    type Config = Config;

    fn about() -> About {
        About::new("website", env!("CARGO_PKG_VERSION"), "Publishes a static page and an entry of an Atom feed.")
            .http("https://*:*", &["GET", "PUT"], "/")
            .http("http://*:*", &["GET", "PUT"], "/")
            .secret("website-authorization", "the server's credentials, whole as in the header: Basic … or Bearer …")
            .spool()
            .idempotent()
    }

    fn deliver(ctx: &Context, config: Config, message: Message) -> Result<Receipt, Error> {
        config.check()?;
        if message.subject.trim().is_empty() {
            return Err(Error::InvalidInput("at /subject: a page has a title".to_owned()));
        }
        let stem = file_stem(&ctx.idempotency_key);
        let variables = Variables::of(ctx, &message, config.offset)?;
        let text = match &config.template {
            Some(template) => template.fill(&variables),
            None => message.text.clone(),
        };
        let names: Vec<String> = message
            .attachments
            .iter()
            .enumerate()
            .map(|(n, document)| format!("{stem}-{}{}", n + 1, page::extension(&document.filename)))
            .collect();
        let files: Vec<(&str, &str)> = message
            .attachments
            .iter()
            .zip(&names)
            .map(|(document, name)| (document.filename.as_str(), name.as_str()))
            .collect();
        let name = format!("{stem}.html");
        let title = message.subject.split_whitespace().collect::<Vec<_>>().join(" ");
        let html = page::write(&page::Page {
            title: &title,
            text: &text,
            site: &config.site,
            published: &config.offset.show_with_offset(ctx.now),
            shown: variables.get("time"),
            files: &files,
            feed: &config.feed,
        });
        let public = config.public.as_deref().or(config.folder.as_deref()).unwrap_or_default();
        let entry = Entry {
            id: format!("urn:huiyin:{}", percent_encode(&ctx.idempotency_key)),
            title,
            link: format!("{public}{name}"),
            updated: config.offset.show_with_offset(ctx.now),
            summary: text,
        };
        match &config.folder {
            None => into_spool(&config, &name, &html, &entry, &message.attachments, &names),
            Some(folder) => {
                let server = Server { ctx, config: &config, folder };
                // Looked at first, so that a feed that cannot be kept stops all before anything is published.
                let read = server.read(&entry)?;
                let mut parts: Vec<(&str, &str, &[u8])> = message
                    .attachments
                    .iter()
                    .zip(&names)
                    .map(|(document, name)| (name.as_str(), document.media_type.as_str(), document.bytes.as_slice()))
                    .collect();
                parts.push((&name, page::TYPE, html.as_bytes()));
                for (at, (name, kind, bytes)) in parts.iter().enumerate() {
                    server.place(name, kind, bytes).map_err(|error| after(at, error))?;
                }
                server.list(&entry, read).map_err(|error| after(parts.len(), error))?;
                Ok(Receipt { id: entry.link, detail: format!("page and entry are in {folder}") })
            }
        }
    }
}

huiyin_sdk::export!(notifier: Website);

impl Config {
    /// What the types cannot say.
    fn check(&self) -> Result<(), Error> {
        let wrong = |place: &str, why: &str| Err(Error::InvalidConfig(format!("at /{place}: {why}")));
        for (place, url) in [("folder", &self.folder), ("public", &self.public)] {
            let Some(url) = url else { continue };
            if !(url.starts_with("https://") || url.starts_with("http://"))
                || !url.ends_with('/')
                || url.contains(['?', '#'])
            {
                return wrong(place, "it begins with https:// or http://, ends with /, and has no ? and #");
            }
        }
        if self.folder.is_none() && self.public.is_none() {
            return wrong("public", "it must be given where pages go into the spool: entries hold whole links");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.feed.is_empty() || self.feed.starts_with('.') || !self.feed.chars().all(plain) {
            return wrong("feed", "it is a file's name of letters, digits, -, _ and .");
        }
        if self.site.trim().is_empty() {
            return wrong("site", "it is empty");
        }
        if !(1..=500).contains(&self.entries) {
            return wrong("entries", "it is not from 1 to 500");
        }
        http::check_timeout(self.timeout_seconds)?;
        Ok(())
    }
}

/// Once something was put on the server nothing can be said to be not done; the same call again goes on from there.
fn after(placed: usize, error: Error) -> Error {
    match error {
        Error::Unknown(why) => Error::Unknown(why),
        error if placed == 0 => error,
        error => Error::Unknown(format!("{placed} files are on the server; then: {error}")),
    }
}

/// A feed to be put back: its new text, none where the entry is there already, and on what condition.
struct Read {
    new: Option<String>,
    condition: (&'static str, String),
}

/// Files in the spool are never overwritten, so the entry lies there as a document of its own (RFC 4287 §2).
fn into_spool(
    config: &Config,
    name: &str,
    html: &str,
    entry: &Entry,
    attachments: &[Document],
    names: &[String],
) -> Result<Receipt, Error> {
    for (document, name) in attachments.iter().zip(names) {
        spool::put(name, &document.bytes)?;
    }
    let stem = name.strip_suffix(".html").unwrap_or(name);
    spool::put(&format!("{stem}.entry.xml"), feed::document(entry, &config.site).as_bytes())?;
    let path = spool::put(name, html.as_bytes())?;
    Ok(Receipt { id: entry.link.clone(), detail: format!("written as {path}") })
}

struct Server<'a> {
    ctx: &'a Context,
    config: &'a Config,
    folder: &'a str,
}

impl Server<'_> {
    fn send(&self, request: Request) -> Result<Response, Error> {
        let mut request = request.timeout(self.config.timeout_seconds);
        if self.config.authorized {
            request = request.header("authorization", secrets::placeholder("website-authorization")?);
        }
        if request.method == "GET" {
            request.send().map_err(huiyin_sdk::http::Error::of_safe_request)
        } else {
            Ok(request.send()?)
        }
    }

    fn put(&self, url: &str, kind: &str, bytes: &[u8]) -> Request {
        let mut request = Request::post(url, bytes.to_vec()).header("content-type", kind);
        "PUT".clone_into(&mut request.method);
        request.header("idempotency-key", &self.ctx.idempotency_key)
    }

    /// Puts a file where none is. One that is there with the same bytes is this one; with others it is refused.
    fn place(&self, name: &str, kind: &str, bytes: &[u8]) -> Result<(), Error> {
        let url = format!("{}{name}", self.folder);
        let response = self.send(self.put(&url, kind, bytes).header("if-none-match", "*"))?;
        if response.status != 412 {
            return outcome::of_status(&response, self.ctx.now, &|| outcome::said(&url, &response));
        }
        let there = self.send(Request::get(&url))?;
        outcome::of_status(&there, self.ctx.now, &|| outcome::said(&url, &there))?;
        if there.body == bytes {
            return Ok(());
        }
        Err(Error::InvalidConfig(format!("{url} is there already with other content; nothing was overwritten")))
    }

    fn feed(&self) -> String {
        format!("{}{}", self.folder, self.config.feed)
    }

    /// Reads the feed and adds the entry to it.
    fn read(&self, entry: &Entry) -> Result<Read, Error> {
        let url = self.feed();
        let there = self.send(Request::get(&url))?;
        let (old, condition) = if there.status == 404 {
            (None, ("if-none-match", "*".to_owned()))
        } else {
            outcome::of_status(&there, self.ctx.now, &|| outcome::said(&url, &there))?;
            let text = std::str::from_utf8(&there.body)
                .map_err(|_| Error::InvalidConfig(format!("{url} is no UTF-8; name another file in /feed")))?;
            // A weak one may stand for other bytes (RFC 9110 §8.8.1).
            let tag = there.header("etag").filter(|tag| !tag.starts_with("W/"));
            let tag = tag.ok_or_else(|| {
                Error::InvalidConfig(format!(
                    "{url} has no strong ETag: two publishers could take each other's entries away; \
                     switch ETags on, or write into the spool"
                ))
            })?;
            (Some(text), ("if-match", tag.to_owned()))
        };
        let public = self.config.public.as_deref().unwrap_or(self.folder);
        let itself = format!("{public}{}", self.config.feed);
        let new = feed::add(old, entry, &self.config.site, &itself, self.config.entries)
            .map_err(|why| Error::InvalidConfig(format!("{url}: {why}")))?;
        Ok(Read { new, condition })
    }

    /// Puts the feed back; where another publisher was quicker, it is read anew.
    fn list(&self, entry: &Entry, read: Read) -> Result<(), Error> {
        let url = self.feed();
        let mut read = read;
        for _ in 0..TRIES {
            let Some(new) = &read.new else { return Ok(()) };
            let (name, value) = &read.condition;
            let response = self.send(self.put(&url, feed::TYPE, new.as_bytes()).header(name, value))?;
            if response.status != 412 {
                return outcome::of_status(&response, self.ctx.now, &|| outcome::said(&url, &response));
            }
            read = self.read(entry)?;
        }
        Err(Error::Unknown(format!("{url} was changed by others {TRIES} times; the page is there, its entry not yet")))
    }
}
