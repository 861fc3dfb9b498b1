//! The feed. This plugin reads only what it wrote: a feed of another program is refused, not mended.

use huiyin_sdk::markup::escape;

/// Its media type.
pub const TYPE: &str = "application/atom+xml; charset=utf-8";

/// By this line a feed of this plugin's is known.
const MARK: &str = "<generator>Huiyin website</generator>";

const BEGIN: &str = "<entry>\n";
const END: &str = "</entry>\n";
const TAIL: &str = "</feed>\n";

/// The most characters of an entry's summary; the page has the whole.
const SUMMARY: usize = 300;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// An address that is never another's (RFC 4287 §4.2.6).
    pub id: String,
    /// On one line.
    pub title: String,
    /// The page.
    pub link: String,
    /// RFC 3339.
    pub updated: String,
    /// Its text; the beginning of it is shown.
    pub summary: String,
}

impl Entry {
    fn inner(&self) -> String {
        let whole = self.summary.trim();
        let mut short: String = whole.chars().take(SUMMARY).collect();
        if short.len() < whole.len() {
            short.push('…');
        }
        format!(
            "<id>{}</id>\n<title>{}</title>\n<link href=\"{}\"/>\n<updated>{}</updated>\n<summary>{}</summary>\n",
            escape(&self.id),
            escape(&self.title),
            escape(&self.link),
            escape(&self.updated),
            escape(&short)
        )
    }
}

/// The entry as a document of its own.
pub fn document(entry: &Entry, site: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<entry xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"zh-CN\">\n\
         <author><name>{}</name></author>\n{}</entry>\n",
        escape(site),
        entry.inner()
    )
}

/// The feed with the entry at its top and at most `most` entries; none where the entry is there already. `itself` is the feed's
/// address.
///
/// # Errors
/// When the old text is no feed that this plugin wrote.
pub fn add(old: Option<&str>, entry: &Entry, site: &str, itself: &str, most: usize) -> Result<Option<String>, String> {
    let mut entries = match old {
        Some(old) => entries(old)?,
        None => Vec::new(),
    };
    let id = format!("<id>{}</id>", escape(&entry.id));
    if entries.iter().any(|there| there.contains(&id)) {
        return Ok(None);
    }
    let new = entry.inner();
    entries.insert(0, &new);
    entries.truncate(most);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"zh-CN\">\n{MARK}\n\
         <id>{address}</id>\n<title>{site}</title>\n<updated>{}</updated>\n<author><name>{site}</name></author>\n\
         <link rel=\"self\" href=\"{address}\"/>\n",
        escape(&entry.updated),
        address = escape(itself),
        site = escape(site),
    );
    for one in entries {
        text.push_str(BEGIN);
        text.push_str(one);
        text.push_str(END);
    }
    text.push_str(TAIL);
    Ok(Some(text))
}

/// What stands between `<entry>` and `</entry>`, in order. Texts are escaped, so these lines stand nowhere else.
fn entries(old: &str) -> Result<Vec<&str>, String> {
    let other = || "it is no feed that this plugin wrote; name another file in /feed".to_owned();
    if !old.contains(MARK) || !old.ends_with(TAIL) {
        return Err(other());
    }
    let mut all = Vec::new();
    let mut rest = old;
    while let Some(at) = rest.find(BEGIN) {
        let after = &rest[at + BEGIN.len()..];
        let end = after.find(END).ok_or_else(other)?;
        all.push(&after[..end]);
        rest = &after[end + END.len()..];
    }
    if rest.contains("<entry") { Err(other()) } else { Ok(all) }
}
