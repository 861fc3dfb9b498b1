//! RSS 0.9x, 1.0, 2.0 and Atom: elements by their namespace, documents as far
//! as they go. An end tag closes what was left open within it; an `item` or
//! `entry` closes the one before it; so HTML that nobody escaped, or that is
//! not closed, stays within its own field.

mod entities;
mod mend;
mod names;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use huiyin_sdk::text;

use crate::{Entry, Parsed, Text};
use entities::Entities;
use names::{Role, Space};

/// Reads as far as the document goes: entries before a fault are kept.
/// `base` is where it was fetched.
pub(crate) fn parse(document: &str, base: &str) -> Parsed {
    let document = mend::mend(document.trim_start());
    let mut reader = Reader::from_str(&document);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;

    let mut state = State { bases: vec![(0, base.to_owned())], ..State::default() };
    let fault = loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => state.start(&tag),
            Ok(Event::Empty(tag)) => {
                state.start(&tag);
                state.close(state.open.len().saturating_sub(1));
            }
            Ok(Event::End(tag)) => state.end(tag.name().as_ref()),
            Ok(Event::Text(text)) => state.text(&text.xml10_content()),
            Ok(Event::CData(text)) => state.text(&text.xml10_content()),
            Ok(Event::GeneralRef(name)) => {
                let resolved = state.entities.resolve(&name.into_inner());
                state.text(&resolved);
            }
            Ok(Event::DocType(doctype)) => state.entities.define(&doctype),
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
    /// The full names of the open elements.
    open: Vec<String>,
    feed_seen: bool,
    /// The namespace of the root: a feed's own, whatever it is.
    root: Option<String>,
    /// Prefixes with their URIs, and the depth that declared them.
    spaces: Vec<(usize, String, String)>,
    /// xml:base, resolved, and its depth.
    bases: Vec<(usize, String)>,
    entities: Entities,
    entries: Vec<Entry>,
    /// The open `item` or `entry`, and its depth.
    entry: Option<(usize, Draft)>,
    /// The element of it that is being read.
    field: Option<Field>,
}

/// An entry with the ranks of what it has.
#[derive(Default)]
struct Draft {
    entry: Entry,
    title: u8,
    summary: u8,
    content: u8,
    published: Vec<(u8, String)>,
    updated: Vec<(u8, String)>,
    /// The id as a link, where it may be one, and whether it says so.
    permalink: Option<(String, bool)>,
    /// What RSS and Atom link to.
    text_link: Option<String>,
    href: Option<String>,
}

struct Field {
    depth: usize,
    role: Role,
    /// What the format says of the text.
    kind: Kind,
    text: String,
    /// Once an element stands in it: the same with the tags.
    markup: Option<String>,
    /// For `guid`: what `isPermaLink` says.
    permalink: Option<bool>,
    /// Whether what stands between the tags is HTML that was escaped once more.
    escaped: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Html,
    /// Text or something else in base64 (RFC 4287 4.1.3.3; Atom 0.3's `mode`), and whether it is HTML.
    Base64 {
        html: bool,
    },
    /// It stands elsewhere.
    Other,
}

impl State {
    fn start(&mut self, tag: &BytesStart<'_>) {
        let name = tag.name();
        let name: &str = name.as_ref();
        let depth = self.open.len() + 1;
        self.declare(tag, depth);
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let local = local.to_ascii_lowercase();
        if depth == 1 {
            self.feed_seen = matches!(local.as_str(), "rss" | "feed" | "rdf" | "channel");
            self.root = self.uri(prefix).map(str::to_owned);
        }
        let space = names::space(self.uri(prefix), prefix, self.root.as_deref());
        if space == Space::Core && matches!(local.as_str(), "item" | "entry") && self.begins(&local) {
            if let Some((at, _)) = self.entry {
                // Nothing of HTML has that name: the one before was not closed.
                self.close(at - 1);
            }
            let id = self.attribute(tag, "rdf:about").or_else(|| self.attribute(tag, "about")).unwrap_or_default();
            // CDF says both in attributes.
            let href = self.attribute(tag, "HREF").and_then(|href| text::absolute(&href, self.base()));
            let changed = self.attribute(tag, "LASTMOD").map(|when| (0, when));
            self.open.push(name.to_owned());
            let depth = self.open.len();
            let entry = Entry { id, ..Entry::default() };
            let updated = changed.into_iter().collect();
            self.entry = Some((depth, Draft { entry, updated, href, ..Draft::default() }));
            return;
        }
        if depth == 1
            && local == "channel"
            && let Some(base) = self.attribute(tag, "BASE").and_then(|base| text::absolute(&base, self.base()))
        {
            self.bases.push((depth, base));
        }
        self.open.push(name.to_owned());
        let Some((at, _)) = self.entry else { return };
        if let Some(field) = &mut self.field {
            field.tag(&local);
            return;
        }
        // media:group holds its elements a step deeper.
        let child = depth == at + 1 || (space == Space::Media && depth <= at + 3);
        if !child {
            return;
        }
        if space == Space::Core && local == "link" && self.link(tag) {
            return;
        }
        self.attributes(tag, space, &local);
        let Some(role) = names::role(space, &local) else { return };
        let kind = self.kind(tag, space, &local, role);
        let permalink = self.attribute(tag, "isPermaLink").map(|said| said.trim().eq_ignore_ascii_case("true"));
        // An editor's `<div>` around HTML that is escaped, as Atom 1.0 has it escaped.
        let escaped = kind == Kind::Html && self.attribute(tag, "type").is_some_and(|kind| kind.trim() == "html");
        self.field = Some(Field { depth, role, kind, text: String::new(), markup: None, permalink, escaped });
    }

    /// What extensions say in attributes: numbers of Media RSS, and files that go along.
    fn attributes(&mut self, tag: &BytesStart<'_>, space: Space, local: &str) {
        let told: &[(&str, &str)] = match (space, local) {
            (Space::Media, "statistics") => &[("views", "reads"), ("favorites", "likes")],
            (Space::Media, "content") | (Space::Core, "enclosure") => &[("url", MEDIA)],
            _ => return,
        };
        for (name, field) in told {
            let Some(value) = self.attribute(tag, name).filter(|value| !value.trim().is_empty()) else { continue };
            let value = if *field == MEDIA { text::absolute(&value, self.base()) } else { count(&value) };
            let (Some(value), Some((_, draft))) = (value, &mut self.entry) else { continue };
            let there = draft.entry.more.entry(field).or_default();
            if *field != MEDIA {
                *there = value;
            } else if there.len() + value.len() < MEDIA_BYTES && !there.lines().any(|line| line == value) {
                there.push_str(if there.is_empty() { "" } else { "\n" });
                there.push_str(&value);
            }
        }
    }

    /// Whether an element of that name begins an entry here: within one, only
    /// where it cannot be a part of it.
    fn begins(&self, local: &str) -> bool {
        self.entry.as_ref().is_none_or(|(at, _)| {
            let open = &self.open[at - 1];
            open.rsplit(':').next().is_some_and(|there| there.eq_ignore_ascii_case(local))
        })
    }

    /// Atom's kind of link; false where it has no address, as in RSS.
    fn link(&mut self, tag: &BytesStart<'_>) -> bool {
        let Some(href) = self.attribute(tag, "href") else { return false };
        let relation = self.attribute(tag, "rel");
        let alternate =
            relation.as_deref().is_none_or(|r| r.trim().is_empty() || r == "alternate" || r.ends_with("/alternate"));
        let url = text::absolute(&href, self.base());
        if let Some((_, draft)) = &mut self.entry
            && alternate
            && draft.href.is_none()
        {
            draft.href = url;
        }
        true
    }

    fn kind(&mut self, tag: &BytesStart<'_>, space: Space, local: &str, role: Role) -> Kind {
        let said = self.attribute(tag, "type").map(|kind| kind.trim().to_ascii_lowercase());
        let mode = self.attribute(tag, "mode");
        let away = local == "content" && self.attribute(tag, "src").is_some();
        let atom = self.is_atom(tag) || space == Space::Media;
        match (said.as_deref(), role) {
            _ if away => Kind::Other,
            (kind, _) if mode.as_deref() == Some("base64") => Kind::Base64 { html: kind.is_some_and(is_html) },
            (_, Role::Id | Role::Link | Role::Comments | Role::Published(_) | Role::Updated(_))
            | (Some("text" | "plain" | "text/plain"), _) => Kind::Plain,
            (None | Some(""), _) if atom || space == Space::Itunes => Kind::Plain,
            (Some(kind), _) if is_html(kind) => Kind::Html,
            (Some(kind), Role::Content(_) | Role::Summary(_) | Role::Title(_))
                if atom && kind.contains('/') && !kind.starts_with("text/") =>
            {
                if kind.ends_with("+xml") || kind.ends_with("/xml") { Kind::Html } else { Kind::Base64 { html: false } }
            }
            _ => Kind::Html,
        }
    }

    /// Atom says what its texts are; RSS leaves it open, and means HTML.
    fn is_atom(&self, tag: &BytesStart<'_>) -> bool {
        let name = tag.name();
        let name: &str = name.as_ref();
        let prefix = name.split_once(':').map_or("", |(prefix, _)| prefix);
        match self.uri(prefix) {
            Some(uri) => uri.to_ascii_lowercase().contains("atom"),
            None => self.open.first().is_some_and(|root| root.rsplit(':').next() == Some("feed")),
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(field) = &mut self.field {
            match &mut field.markup {
                None => field.text.push_str(text),
                Some(markup) if field.escaped => markup.push_str(text),
                Some(markup) => escape(markup, text),
            }
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(at) = self.open.iter().rposition(|open| open == name) {
            self.close(at);
        }
    }

    /// Closes all elements but the first `keep`.
    fn close(&mut self, keep: usize) {
        while self.open.len() > keep {
            let depth = self.open.len();
            let name = self.open.pop().unwrap_or_default();
            if let Some(field) = &mut self.field {
                if depth > field.depth {
                    field.end_tag(&name);
                } else if let Some(field) = self.field.take() {
                    self.take(field);
                }
            }
            if let Some((_, draft)) = self.entry.take_if(|(at, _)| *at == depth) {
                self.entries.push(draft.finish());
            }
            while self.spaces.pop_if(|(at, ..)| *at >= depth).is_some() {}
            while self.bases.pop_if(|(at, _)| *at >= depth).is_some() {}
        }
    }

    fn take(&mut self, field: Field) {
        let base = self.bases.last().map(|(_, base)| base.clone()).unwrap_or_default();
        let Some((_, draft)) = &mut self.entry else { return };
        let Field { role, kind, text, markup, permalink, .. } = field;
        let value = match (markup, kind) {
            (_, Kind::Other) => return,
            (_, Kind::Base64 { html }) => match decoded(&text) {
                Some(text) if html => Text::Html(text),
                Some(text) => Text::Plain(text),
                None => return,
            },
            (Some(markup), _) => Text::Html(markup),
            (None, Kind::Html) => Text::Html(text),
            (None, Kind::Plain) => Text::Plain(text),
        };
        if value.raw().trim().is_empty() {
            return;
        }
        let better = |there: &mut Text, rank: &mut u8, new: u8, value: Text| {
            // Of two of one rank the last stands, as the last word of the source.
            if there.raw().trim().is_empty() || new <= *rank {
                (*there, *rank) = (value, new);
            }
        };
        match role {
            Role::Id => {
                let id = value.raw().trim().to_owned();
                draft.permalink = (permalink != Some(false)).then(|| (id.clone(), permalink == Some(true)));
                draft.entry.id = id;
            }
            Role::Link => draft.text_link = text::absolute(value.raw(), &base).or(draft.text_link.take()),
            Role::Title(rank) => better(&mut draft.entry.title, &mut draft.title, rank, value),
            Role::Summary(rank) => better(&mut draft.entry.summary, &mut draft.summary, rank, value),
            Role::Content(rank) => better(&mut draft.entry.content, &mut draft.content, rank, value),
            Role::Comments => {
                if let Some(count) = count(value.raw()) {
                    draft.entry.more.insert("comments", count);
                }
            }
            Role::Published(rank) => draft.published.push((rank, value.raw().to_owned())),
            Role::Updated(rank) => draft.updated.push((rank, value.raw().to_owned())),
        }
        if let (Role::Id, Some((id, said))) = (role, &mut draft.permalink) {
            let whole = id.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"));
            match text::absolute(id, &base).filter(|_| whole || *said) {
                Some(url) => *id = url,
                None => draft.permalink = None,
            }
        }
    }

    fn unfinished(&self) -> Option<String> {
        (!self.open.is_empty()).then(|| format!("it ends with {} elements open", self.open.len()))
    }

    fn declare(&mut self, tag: &BytesStart<'_>, depth: usize) {
        if !tag.attributes_raw().contains("xml") {
            return;
        }
        for attribute in tag.attributes().with_checks(false).flatten() {
            let key: &str = attribute.key.as_ref();
            let prefix = if key == "xmlns" { Some("") } else { key.strip_prefix("xmlns:") };
            if let Some(prefix) = prefix {
                self.spaces.push((depth, prefix.to_owned(), attribute.value.trim().to_owned()));
            } else if key == "xml:base" {
                let there = self.entities.unescape(&attribute.value);
                if let Some(base) = text::absolute(&there, self.base()) {
                    self.bases.push((depth, base));
                }
            }
        }
    }

    fn uri(&self, prefix: &str) -> Option<&str> {
        self.spaces.iter().rev().find(|(_, there, _)| there == prefix).map(|(.., uri)| uri.as_str())
    }

    fn base(&self) -> &str {
        self.bases.last().map_or("", |(_, base)| base)
    }

    fn attribute(&mut self, tag: &BytesStart<'_>, name: &str) -> Option<String> {
        let found = tag.attributes().with_checks(false).flatten().find(|attribute| {
            let key: &str = attribute.key.as_ref();
            key == name
        })?;
        Some(self.entities.unescape(&found.value))
    }
}

/// The field that names the files that go along, an address a line.
const MEDIA: &str = "media";
/// How long that field may become.
const MEDIA_BYTES: usize = 4_096;

/// A number as extensions have it, and nothing else.
fn count(text: &str) -> Option<String> {
    text.trim().parse::<u64>().ok().map(|count| count.to_string())
}

/// What the `type` of an element calls HTML.
fn is_html(kind: &str) -> bool {
    matches!(kind, "html" | "text/html" | "xhtml" | "application/xhtml+xml")
}

/// The text that stands in base64; none where it is no text, such as an image.
fn decoded(text: &str) -> Option<String> {
    let bare: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = BASE64.decode(bare).ok()?;
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// With or without the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl Field {
    /// A tag within the field: it is kept, for the text that it parts.
    fn tag(&mut self, local: &str) {
        let markup = self.markup.get_or_insert_with(|| {
            let mut markup = String::with_capacity(self.text.len() + 64);
            if self.escaped {
                markup.push_str(&self.text);
            } else {
                escape(&mut markup, &self.text);
            }
            markup
        });
        let _ = write!(markup, "<{local}>");
    }

    fn end_tag(&mut self, name: &str) {
        let local = name.rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
        if let Some(markup) = &mut self.markup
            && !matches!(
                local.as_str(),
                "br" | "hr" | "img" | "input" | "link" | "meta" | "wbr" | "area" | "base" | "col" | "embed" | "source"
            )
        {
            let _ = write!(markup, "</{local}>");
        }
    }
}

impl Draft {
    fn finish(self) -> Entry {
        let dates = |mut dates: Vec<(u8, String)>| {
            dates.sort_by_key(|(rank, _)| *rank);
            dates.into_iter().map(|(_, text)| text).collect::<Vec<_>>()
        };
        let url = self.text_link.or(self.href).or(self.permalink.map(|(url, _)| url)).unwrap_or_default();
        Entry { url, published: dates(self.published), updated: dates(self.updated), ..self.entry }
    }
}

/// Text as markup.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            c => out.push(c),
        }
    }
}
