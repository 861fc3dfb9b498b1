//! Collector `webpage`: lists and pages of websites, by CSS selectors.
//!
//! A list is read from its first page until a page brings nothing new, and the
//! pages behind its new entries are read, a few in a call. robots.txt is heard
//! for each address; nothing but the list, its pages and what they link to is
//! fetched. A page that has changed its shape is an error, never an empty list.

mod config;
mod cursor;
mod detail;
mod list;
mod readable;
mod robots;
mod site;
mod words;

use huiyin_sdk::known::{Candidate, Sorted, mark};
use huiyin_sdk::poll::Version;
use huiyin_sdk::time::{Times, Unread};
use huiyin_sdk::{About, Collector, Context, Error, Item, Page, log, text};
use scraper::Html;

use config::Plan;
pub use config::{Config, Detail, List, Next};
use cursor::Cursor;
use site::{Answer, Kind, Site};

/// How often a page that the server fails to give is asked for; then the entry
/// is handed over as the list has it.
const TRIES: u32 = 3;
/// How many pages in a row may have no text at its place before the site has changed.
const ASTRAY: u32 = 3;

/// The plugin.
#[derive(Debug)]
pub struct Webpage;

impl Collector for Webpage {
    type Config = Config;

    fn about() -> About {
        About::new("webpage", env!("CARGO_PKG_VERSION"), "Reads lists and pages of websites by CSS selectors.")
            .http("http://*:*", &["GET"], "/")
            .http("https://*:*", &["GET"], "/")
            .idempotent()
    }

    fn collect(ctx: &Context, config: Config, cursor: Option<String>, limit: u32) -> Result<Page, Error> {
        let plan = config.plan()?;
        let mut cursor = Cursor::read(cursor.as_deref());
        if let Some(until) = cursor.pause.filter(|until| *until > ctx.now && *until - ctx.now <= 7_200_000) {
            return Err(Error::RateLimited(u32::try_from((until - ctx.now).div_ceil(1_000)).unwrap_or(60)));
        }
        let mut robots = std::mem::take(&mut cursor.robots);
        let mut call = Call {
            config: &config,
            plan: &plan,
            site: Site { robots: &mut robots, timeout: config.timeout_seconds, now: ctx.now },
            times: config.times(ctx.now),
            unread: Unread::default(),
        };
        let page = call.run(&mut cursor, limit as usize);
        let delay = call.site.rules(&config.url).ok().and_then(|rules| rules.delay);
        cursor.robots = robots;
        let (items, more) = page?;
        cursor.pause = delay.map(|seconds| ctx.now + u64::from(seconds) * 1_000 * if items.is_empty() { 1 } else { 2 });
        Ok(Page { items, cursor: Some(cursor.write()), more })
    }
}

huiyin_sdk::export!(collector: Webpage);

struct Call<'a> {
    config: &'a Config,
    plan: &'a Plan,
    site: Site<'a>,
    times: Times,
    unread: Unread,
}

impl Call<'_> {
    /// The items, and whether there is more.
    fn run(&mut self, cursor: &mut Cursor, limit: usize) -> Result<(Vec<Item>, bool), Error> {
        let first = cursor.at.is_none();
        let url = cursor.at.clone().unwrap_or_else(|| self.config.url.clone());
        let none = Version::default();
        let (response, address) = match self.site.get(&url, if first { &cursor.version } else { &none }) {
            Ok(Answer::Page(response, address)) => (response, address),
            Ok(Answer::Unchanged) => return Ok((Vec::new(), false)),
            Ok(Answer::Forbidden) => {
                return Err(Error::InvalidConfig(format!(
                    "at /url: the robots.txt of {} forbids {url} to `{}`; ask the site's owner",
                    site::origin(&url),
                    robots::NAME
                )));
            }
            Err(Error::InvalidConfig(why)) if !first => {
                log::info(&format!("{why}; beyond the first page this is taken for the end of the list"));
                cursor.rest();
                return Ok((Vec::new(), false));
            }
            Err(error) => return Err(error),
        };
        if first {
            cursor.reading = Version::of(&response);
        }
        let document = site::decoded(&response);
        let page = Html::parse_document(&document);
        let listed = list::read(self.config, self.plan, &page, &address, &self.times, &mut self.unread);
        if listed.entries.is_empty() {
            return self.nothing(cursor, &document, &listed, &url);
        }
        if cursor.found.dates
            && !listed.dated
            && (self.plan.date.is_some() || self.config.list.columns.contains_key("date"))
        {
            return Err(broken(
                &url,
                "its list has entries, and none has a date where they had one before; look at /list/date",
            ));
        }
        cursor.found.entries = true;
        cursor.found.dates |= listed.dated;
        if listed.odd > 0 {
            log::debug(&format!(
                "{} of {} matches of /list/entry have no title and are no entries",
                listed.odd,
                listed.odd + listed.entries.len()
            ));
        }
        let head = listed.entries.first().map(|entry| mark(&entry.item.id));
        let (sorted, waiting) = self.sorted(cursor, listed.entries, limit)?;
        if let Some(line) = self.unread.line().filter(|_| !sorted.items.is_empty()) {
            log::warn(&line);
        }
        sorted.log();
        cursor.done.add(sorted.marks.clone());
        let more = self.onward(cursor, listed.next, head, &sorted, waiting);
        Ok((sorted.items, more))
    }

    /// A page without an entry.
    fn nothing(
        &self,
        cursor: &mut Cursor,
        document: &str,
        listed: &list::Listed,
        url: &str,
    ) -> Result<(Vec<Item>, bool), Error> {
        if cursor.at.is_some() {
            cursor.rest();
            return Ok((Vec::new(), false)); // the end of the list
        }
        if self.config.list.empty.as_ref().is_some_and(|words| document.contains(words.as_str())) {
            cursor.rest();
            return Ok((Vec::new(), false));
        }
        let why = match &listed.missing {
            Some(header) => format!("no row of its table has the header {header:?} with the others of /list/columns"),
            None if listed.odd > 0 => format!("{} matches of /list/entry have no title", listed.odd),
            None => "/list/entry finds nothing".to_owned(),
        };
        if cursor.found.entries {
            return Err(broken(url, &format!("{why}, and it found entries before")));
        }
        Err(Error::Transient(format!(
            "{url}: {why} in {} characters of {:?}; mend the selectors, or say in /list/empty what the page says when its list is empty",
            document.chars().count(),
            title(document)
        )))
    }

    /// What is new of a page, with what stands behind it; and whether a page behind is waited for.
    fn sorted(&mut self, cursor: &mut Cursor, entries: Vec<Candidate>, limit: usize) -> Result<(Sorted, bool), Error> {
        let base = *cursor.base.get_or_insert(cursor.done.len());
        let delayed = self.site.rules(&self.config.url).is_ok_and(|rules| rules.delay.is_some());
        let most = match (&self.config.detail, delayed) {
            (None, _) => limit,
            (Some(_), true) => limit.min(1),
            (Some(_), false) => limit.min(self.config.per_call()),
        };
        let mut sorted = cursor.done.sort(entries.clone(), most, base);
        if self.config.detail.is_none() {
            self.intake(&mut sorted);
            return Ok((sorted, false));
        }
        let (mut failed, mut whole, mut why) = (Vec::new(), Vec::new(), None);
        for item in std::mem::take(&mut sorted.items) {
            let url = item.url.clone().unwrap_or_default();
            if matches!(why, Some(Error::RateLimited(_))) {
                failed.push(url);
                continue;
            }
            match self.behind(cursor, item.clone()) {
                Ok(read) => {
                    cursor.tries.remove(&mark(&url));
                    whole.push(read);
                }
                Err(error @ Error::RateLimited(_)) => {
                    failed.push(url);
                    why = Some(error);
                }
                Err(error) => {
                    let tries = cursor.tries.entry(mark(&url)).or_default();
                    *tries += 1;
                    if *tries >= TRIES {
                        log::warn(&format!("{error}; after {TRIES} tries the entry is handed over as the list has it"));
                        cursor.tries.remove(&mark(&url));
                        whole.push(item);
                    } else {
                        log::warn(&format!("{error}; it is asked for again"));
                        failed.push(url);
                        why.get_or_insert(error);
                    }
                }
            }
        }
        if self.config.detail.as_ref().is_some_and(|detail| detail.body.is_some())
            && cursor.astray >= ASTRAY
            && cursor.found.bodies
        {
            return Err(broken(
                &self.config.url,
                &format!("{} pages in a row have no text at /detail/body, and pages had it before", cursor.astray),
            ));
        }
        if let (Some(error @ Error::RateLimited(_)), true) = (&why, whole.is_empty()) {
            return Err(error.clone());
        }
        let waiting = !failed.is_empty();
        if waiting {
            // The others alone, so that these are not marked as handed over.
            let rest =
                entries.into_iter().filter(|entry| !entry.item.url.as_ref().is_some_and(|url| failed.contains(url)));
            let left = sorted.left;
            sorted = cursor.done.sort(rest.collect(), whole.len(), base);
            sorted.left |= left;
        }
        sorted.items = whole;
        self.intake(&mut sorted);
        Ok((sorted, waiting))
    }

    fn intake(&self, sorted: &mut Sorted) {
        if let Some(intake) = &self.config.intake {
            for item in &mut sorted.items {
                intake.mark(&mut item.fields);
            }
        }
    }

    /// An entry with what its page says. An error where the page may be had later.
    fn behind(&mut self, cursor: &mut Cursor, mut item: Item) -> Result<Item, Error> {
        let Some(url) = item.url.clone() else { return Ok(item) };
        let (response, address) = match self.site.get(&url, &Version::default()) {
            Ok(Answer::Page(response, address)) => (response, address),
            Ok(Answer::Unchanged) => return Ok(item),
            Ok(Answer::Forbidden) => {
                log::warn(&format!("robots.txt forbids {url}: the entry is handed over as the list has it"));
                return Ok(item);
            }
            Err(Error::InvalidConfig(why)) => {
                log::warn(&format!("{why}; the entry is handed over as the list has it"));
                return Ok(item);
            }
            Err(error) => return Err(error),
        };
        match site::kind(&response) {
            Kind::File => {
                log::info(&format!(
                    "{url} is {}, which is not read here",
                    response.header("content-type").unwrap_or("a file")
                ));
                item.fields.insert("media".to_owned(), url);
            }
            Kind::Text => {
                let document = site::decoded(&response);
                let lines: Vec<String> = document.lines().map(text::squeeze).filter(|line| !line.is_empty()).collect();
                item.body = lines.join("\n");
            }
            Kind::Html => {
                let read = detail::read(
                    &self.plan.detail,
                    &site::decoded(&response),
                    &item.title,
                    &self.times,
                    &mut self.unread,
                );
                // Another site has another shape.
                let own = site::origin(&address) == site::origin(&self.config.url);
                if read.placed {
                    cursor.found.bodies |= own;
                    cursor.astray = if own { 0 } else { cursor.astray };
                } else if own {
                    cursor.astray += 1;
                    log::warn(&format!("{url} has no text at /detail/body; what looks like its text is taken"));
                }
                if let Some(title) = read.title {
                    item.title = title;
                }
                item.body = read.body;
                item.published = read.published.or(item.published);
                for (name, value) in read.fields {
                    item.fields.entry(name).or_insert(value);
                }
            }
        }
        Ok(item)
    }

    /// What comes next; whether at once.
    fn onward(
        &self,
        cursor: &mut Cursor,
        next: Option<String>,
        head: Option<String>,
        sorted: &Sorted,
        waiting: bool,
    ) -> bool {
        if sorted.left {
            return !waiting; // the same page once more, for the rest of it
        }
        if waiting {
            return false; // the same page at the next poll
        }
        let news = sorted.new_ones() > 0;
        let repeated = !news && cursor.head == head;
        let met = !news && sorted.known_before == sorted.known;
        cursor.head = head;
        cursor.page += 1;
        let next = match &self.config.list.next {
            None => None,
            Some(Next::Link { .. }) => next,
            Some(Next::Number { .. }) => self.config.numbered(cursor.page),
        };
        match next {
            Some(next) if !met && !repeated && cursor.page < self.config.list.max_pages => {
                cursor.at = Some(next);
                true
            }
            next => {
                if next.is_some() && news {
                    log::warn(&format!(
                        "stopped after {} pages that were all new: older entries may be missed; collect more often or raise maxPages",
                        cursor.page
                    ));
                }
                cursor.rest();
                false
            }
        }
    }
}

fn broken(url: &str, why: &str) -> Error {
    Error::Transient(format!("{url} is broken: {why}. The site has changed its shape, or shows something else now"))
}

/// What a document calls itself, for an error.
fn title(document: &str) -> String {
    let lower = document.to_ascii_lowercase();
    let Some(start) = lower.find("<title") else { return String::new() };
    let rest = &document[start..];
    let inner = rest.split_once('>').map_or("", |(_, inner)| inner);
    let end = inner.to_ascii_lowercase().find("</title").unwrap_or(0);
    text::plain(&inner[..end]).chars().take(60).collect()
}
