//! Requests to a site: robots.txt first, a few redirects, one name.

use std::collections::BTreeMap;

use huiyin_sdk::charset;
use huiyin_sdk::http::{Request, Response};
use huiyin_sdk::poll::{self, Version};
use huiyin_sdk::{Error, log, text};

use crate::robots::{FRESH, Rules};

/// How many redirects are followed. The place that one leads to is another
/// grant, which the host checks.
const HOPS: usize = 3;
/// How many sites' robots.txt are kept.
const SITES: usize = 8;

/// What the requests of a call share.
pub(crate) struct Site<'a> {
    pub(crate) robots: &'a mut BTreeMap<String, Rules>,
    pub(crate) timeout: u32,
    pub(crate) now: u64,
}

/// What came back.
pub(crate) enum Answer {
    /// As it was read before.
    Unchanged,
    /// A page, and where it was found in the end.
    Page(Response, String),
    /// robots.txt forbids it.
    Forbidden,
}

impl Site<'_> {
    /// # Errors
    /// As [`poll::get`] has them.
    pub(crate) fn get(&mut self, url: &str, version: &Version) -> Result<Answer, Error> {
        let mut url = url.to_owned();
        for hop in 0..=HOPS {
            if !self.rules(&url)?.allows(path(&url)) {
                return Ok(Answer::Forbidden);
            }
            let request = version.ask(self.request(&url).header("accept", "text/html, text/plain;q=0.8, */*;q=0.5"));
            let response = request.send().map_err(huiyin_sdk::http::Error::of_safe_request)?;
            let moved = matches!(response.status, 301 | 302 | 303 | 307 | 308);
            match response.status {
                304 => return Ok(Answer::Unchanged),
                200..=299 => return Ok(Answer::Page(response, url)),
                _ if moved && hop < HOPS => {
                    match response.header("location").and_then(|there| text::absolute(there, &url)) {
                        Some(there) => url = there,
                        None => return Err(poll::refused(&url, &response, self.now)),
                    }
                }
                _ => return Err(poll::refused(&url, &response, self.now)),
            }
        }
        Err(Error::InvalidConfig(format!("{url} redirects more than {HOPS} times")))
    }

    fn request(&self, url: &str) -> Request {
        Request::get(url)
            .timeout(self.timeout)
            .header("user-agent", concat!("Huiyin-webpage/", env!("CARGO_PKG_VERSION")))
    }

    /// The rules of an address's site, read anew once a day. Where they cannot
    /// be read, the old ones hold; without old ones nothing may be read.
    pub(crate) fn rules(&mut self, url: &str) -> Result<Rules, Error> {
        let origin = origin(url);
        let old = self.robots.get(&origin).cloned();
        if let Some(rules) = old.as_ref().filter(|rules| self.now.saturating_sub(rules.at) < FRESH) {
            return Ok(rules.clone());
        }
        let mut address = format!("{origin}/robots.txt");
        let mut last = None;
        for _ in 0..=HOPS {
            match self.request(&address).send().map_err(huiyin_sdk::http::Error::of_safe_request) {
                Ok(answer) if matches!(answer.status, 301 | 302 | 303 | 307 | 308) => {
                    match answer.header("location").and_then(|there| text::absolute(there, &address)) {
                        Some(there) => address = there,
                        None => return Ok(self.keep(origin, Rules { at: self.now, ..Rules::default() })),
                    }
                }
                Ok(answer) if (200..300).contains(&answer.status) => {
                    let html = answer.header("content-type").is_some_and(|kind| kind.contains("html"));
                    let bytes: &[u8] = if html { b"" } else { &answer.body };
                    return Ok(self.keep(origin, Rules::read(bytes, self.now)));
                }
                // There is none: all may be read (RFC 9309 §2.3.1.3).
                Ok(answer) if (400..500).contains(&answer.status) && answer.status != 429 => {
                    return Ok(self.keep(origin, Rules { at: self.now, ..Rules::default() }));
                }
                Ok(answer) => {
                    last = Some(poll::refused(&address, &answer, self.now));
                    break;
                }
                // Another site's: not granted, and as good as none.
                Err(Error::InvalidConfig(_)) if address != format!("{origin}/robots.txt") => {
                    return Ok(self.keep(origin, Rules { at: self.now, ..Rules::default() }));
                }
                Err(error) => {
                    last = Some(error);
                    break;
                }
            }
        }
        match (old, last) {
            (Some(rules), Some(why)) => {
                log::warn(&format!("{address} cannot be read, and what it said before holds: {why}"));
                Ok(rules)
            }
            (_, Some(error @ (Error::RateLimited(_) | Error::InvalidConfig(_)))) => Err(error),
            (_, why) => Err(Error::Transient(format!(
                "{address} cannot be read, and until then nothing of the site may be (RFC 9309 §2.3.1.4){}",
                why.map(|why| format!(": {why}")).unwrap_or_default()
            ))),
        }
    }

    fn keep(&mut self, origin: String, rules: Rules) -> Rules {
        if self.robots.len() >= SITES
            && !self.robots.contains_key(&origin)
            && let Some(oldest) = self.robots.iter().min_by_key(|(_, rules)| rules.at).map(|(origin, _)| origin.clone())
        {
            self.robots.remove(&oldest);
        }
        self.robots.insert(origin, rules.clone());
        rules
    }
}

/// Scheme, host and port.
pub(crate) fn origin(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |end| start + end);
    url[..end].to_ascii_lowercase()
}

/// Path and query.
fn path(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let path = url[start..].find('/').map_or("/", |at| &url[start + at..]);
    path.split('#').next().unwrap_or_default()
}

/// A page's text, in the character set that its bytes, its metas and its header say.
pub(crate) fn decoded(response: &Response) -> String {
    charset::decode(&response.body, response.header("content-type")).text
}

/// Whether it is a page: HTML or plain text; false for it is a file.
pub(crate) fn kind(response: &Response) -> Kind {
    let said = response.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let said = said.split(';').next().unwrap_or_default().trim();
    match said {
        "text/plain" => Kind::Text,
        "" | "text/html" | "application/xhtml+xml" | "text/xml" | "application/xml" => Kind::Html,
        _ => Kind::File,
    }
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// HTML.
    Html,
    /// Text as it stands.
    Text,
    /// Something that is not read here.
    File,
}
