//! RSS 0.9x, 1.0, 2.0 and Atom, by the names of elements. Prefixes are taken
//! as everybody writes them (`content:encoded`, `dc:date`); a feed that binds
//! others is read without those elements.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use huiyin_sdk::text;

use crate::{Entry, Parsed};

/// Reads as far as the document goes: entries before a fault are kept.
pub(crate) fn parse(document: &str) -> Parsed {
    let mut reader = Reader::from_str(document.trim_start());
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;

    let mut state = State::default();
    let fault = loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => state.start(&tag),
            Ok(Event::Empty(tag)) => {
                state.start(&tag);
                state.end();
            }
            Ok(Event::End(_)) => state.end(),
            Ok(Event::Text(text)) => state.text(&text.xml10_content()),
            Ok(Event::CData(text)) => state.text(&text.xml10_content()),
            Ok(Event::GeneralRef(name)) => {
                let name = name.into_inner();
                match text::resolve(&name) {
                    Some(resolved) => state.text(resolved.encode_utf8(&mut [0; 4])),
                    None => state.text(&format!("&{name};")),
                }
            }
            Ok(Event::Eof) => break state.unfinished(),
            Ok(_) => {}
            Err(why) => break Some(format!("at byte {}: {why}", reader.error_position())),
        }
    };
    let fault = fault.or_else(|| (!state.feed_seen).then(|| "no <rss>, <feed> or <rdf:RDF> at its root".to_owned()));
    Parsed { entries: state.entries, fault }
}

#[derive(Default)]
struct State {
    depth: usize,
    feed_seen: bool,
    entries: Vec<Entry>,
    /// The open `item` or `entry`, and its depth.
    open: Option<(usize, Entry)>,
    /// The child of it that is being read.
    field: Option<(Field, String)>,
}

#[derive(Clone, Copy)]
enum Field {
    Id,
    Url,
    Title,
    Summary,
    Content,
    Published,
    Updated,
}

impl State {
    fn start(&mut self, tag: &BytesStart<'_>) {
        self.depth += 1;
        let name = tag.name();
        let name: &str = name.as_ref();
        if self.depth == 1 {
            self.feed_seen = matches!(name, "rss" | "feed" | "atom:feed" | "rdf:RDF" | "RDF");
        }
        let Some((at, entry)) = &mut self.open else {
            if matches!(name, "item" | "entry" | "atom:entry") {
                let id = attribute(tag, "rdf:about").unwrap_or_default();
                self.open = Some((self.depth, Entry { id, ..Entry::default() }));
            }
            return;
        };
        if self.depth != *at + 1 {
            return; // markup inside a field: its text is gathered, its tags are not
        }
        let field = match name {
            "guid" | "id" | "atom:id" => Field::Id,
            "title" | "atom:title" => Field::Title,
            "link" | "atom:link" => {
                if let Some(href) = attribute(tag, "href") {
                    let relation = attribute(tag, "rel");
                    let alternate = relation.as_deref().is_none_or(|r| r == "alternate");
                    if alternate && entry.url.is_empty() {
                        entry.url = href;
                    }
                    return;
                }
                Field::Url
            }
            "description" | "summary" | "atom:summary" => Field::Summary,
            "content:encoded" | "content" | "atom:content" => Field::Content,
            "pubDate" | "published" | "issued" | "dc:date" | "atom:published" => Field::Published,
            "updated" | "modified" | "atom:updated" => Field::Updated,
            _ => return,
        };
        self.field = Some((field, String::new()));
    }

    fn text(&mut self, text: &str) {
        if let Some((_, gathered)) = &mut self.field {
            gathered.push_str(text);
        }
    }

    fn end(&mut self) {
        if let Some((at, entry)) = &mut self.open {
            if self.depth == *at + 1 {
                if let Some((field, text)) = self.field.take() {
                    let slot = match field {
                        Field::Id => &mut entry.id,
                        Field::Url => &mut entry.url,
                        Field::Title => &mut entry.title,
                        Field::Summary => &mut entry.summary,
                        Field::Content => &mut entry.content,
                        Field::Published => &mut entry.published,
                        Field::Updated => &mut entry.updated,
                    };
                    if !text.trim().is_empty() {
                        *slot = text;
                    }
                }
            } else if self.depth == *at {
                self.entries.extend(self.open.take().map(|(_, entry)| entry));
            }
        }
        self.depth = self.depth.saturating_sub(1);
    }

    fn unfinished(&self) -> Option<String> {
        (self.depth > 0).then(|| format!("it ends with {} elements open", self.depth))
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    tag.attributes().with_checks(false).flatten().find_map(|attribute| {
        let key: &str = attribute.key.as_ref();
        (key == name).then(|| text::plain(&attribute.value))
    })
}
