//! From markup to the plain text that classifiers read.
//!
//! The markup is read by a tokenizer of the HTML standard (`html5gum`), not by
//! its tree builder: the order of the text is the same, and a guest is smaller.

use std::convert::Infallible;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

pub use crate::link::absolute;

/// The text of HTML as a reader sees it: tags, comments, scripts and styles
/// left out, references resolved, white space gathered; block elements part
/// lines. A `<` that begins no whole tag stays as it stands.
pub fn plain(markup: &str) -> String {
    let mut out = Builder::default();
    if markup.contains(['<', '&']) {
        let mended = open_end(markup);
        let mended = declarations(&mended);
        tokenize(&mended, &mut out);
    } else {
        out.text(markup);
    }
    out.finish()
}

/// Text that is no markup: as it stands, its white space gathered.
pub fn squeeze(text: &str) -> String {
    let mut out = Builder::default();
    out.text(text);
    out.finish()
}

/// A text that breaks off within a tag would lose the rest by the standard.
fn open_end(markup: &str) -> std::borrow::Cow<'_, str> {
    match markup.rfind('<') {
        Some(at) if !markup[at..].contains('>') && !markup[at..].starts_with("<!--") => {
            format!("{}&lt;{}", &markup[..at], &markup[at + 1..]).into()
        }
        _ => markup.into(),
    }
}

/// A `<!` that begins nothing (`<!' a`, `<!3`) would take all up to the next `>` with it by the standard, and is
/// text here. `<![CDATA[…]]>`, which some wrap around their HTML once more, is what stands in it. Conditions of old
/// browsers (`<![if …]>`) are left to the standard, which drops them.
fn declarations(markup: &str) -> std::borrow::Cow<'_, str> {
    const CDATA: &str = "<![CDATA[";
    let mut out = String::new();
    let (mut from, mut at, mut wrapped) = (0, 0, false);
    while let Some(found) = markup[at..].find("<!") {
        let here = at + found;
        let rest = &markup[here..];
        if rest.starts_with(CDATA) {
            out.push_str(&markup[from..here]);
            (from, at, wrapped) = (here + CDATA.len(), here + CDATA.len(), true);
        } else if rest[2..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '-' | '[')) {
            at = here + 2;
        } else {
            out.push_str(&markup[from..here]);
            out.push_str("&lt;!");
            (from, at) = (here + 2, here + 2);
        }
    }
    if from == 0 {
        return markup.into(); // nothing was found
    }
    out.push_str(&markup[from..]);
    if wrapped { out.replace("]]>", "").into() } else { out.into() }
}

fn tokenize(markup: &str, out: &mut Builder) {
    let mut skipped: Option<Vec<u8>> = None;
    let callback = |event: CallbackEvent<'_>, _: Span<()>| -> Option<Infallible> {
        match event {
            CallbackEvent::OpenStartTag { name } if skipped.is_none() => {
                if is_unread(name) {
                    skipped = Some(name.to_owned());
                } else if is_block(name) {
                    out.line();
                }
            }
            CallbackEvent::EndTag { name } => match &skipped {
                Some(waited) if waited == name => skipped = None,
                None if is_block(name) => out.line(),
                _ => {}
            },
            CallbackEvent::String { value } if skipped.is_none() => out.text(&String::from_utf8_lossy(value)),
            _ => {}
        }
        None
    };
    let mut emitter = CallbackEmitter::new(callback);
    emitter.naively_switch_states(true);
    // Reading from memory cannot fail.
    let Ok(()) = Tokenizer::new_with_emitter(markup, emitter).finish();
}

/// Elements whose content is not text for readers.
fn is_unread(name: &[u8]) -> bool {
    matches!(name, b"script" | b"style" | b"template" | b"iframe" | b"noembed" | b"noframes")
}

/// Elements that begin a line of their own.
fn is_block(name: &[u8]) -> bool {
    matches!(
        name,
        b"address"
            | b"article"
            | b"aside"
            | b"blockquote"
            | b"br"
            | b"caption"
            | b"center"
            | b"dd"
            | b"details"
            | b"dialog"
            | b"dir"
            | b"div"
            | b"dl"
            | b"dt"
            | b"fieldset"
            | b"figcaption"
            | b"figure"
            | b"footer"
            | b"form"
            | b"h1"
            | b"h2"
            | b"h3"
            | b"h4"
            | b"h5"
            | b"h6"
            | b"header"
            | b"hgroup"
            | b"hr"
            | b"legend"
            | b"li"
            | b"main"
            | b"menu"
            | b"nav"
            | b"ol"
            | b"option"
            | b"p"
            | b"pre"
            | b"section"
            | b"summary"
            | b"table"
            | b"tbody"
            | b"td"
            | b"tfoot"
            | b"th"
            | b"thead"
            | b"tr"
            | b"ul"
    )
}

/// The text behind a reference: `amp`, `#20013`, `#x4e2d`, and the names of
/// HTML. None for a name that is not one.
pub fn resolve(name: &str) -> Option<String> {
    match name {
        "amp" => return Some("&".to_owned()),
        "lt" => return Some("<".to_owned()),
        "gt" => return Some(">".to_owned()),
        "quot" => return Some("\"".to_owned()),
        "apos" => return Some("'".to_owned()),
        _ => {}
    }
    let written = format!("&{name};");
    let mut text = String::new();
    let callback = |event: CallbackEvent<'_>, _: Span<()>| -> Option<Infallible> {
        if let CallbackEvent::String { value } = event {
            text.push_str(&String::from_utf8_lossy(value));
        }
        None
    };
    let Ok(()) = Tokenizer::new_with_emitter(&written, CallbackEmitter::new(callback)).finish();
    // `&notit;` would be `¬it;`: only a whole name is one.
    (text != written && !text.ends_with(';')).then_some(text)
}

/// Text with single spaces and line breaks.
#[derive(Default)]
struct Builder {
    out: String,
    space: bool,
    line: bool,
}

impl Builder {
    fn text(&mut self, text: &str) {
        let mut from = 0;
        for (at, c) in text.char_indices() {
            // Most are letters of ASCII and Han characters: told without a table.
            if matches!(c, '!'..='~' | '\u{3001}'..='\u{9fff}') {
                continue;
            }
            if c.is_whitespace() || c.is_control() || c == '\u{feff}' || c == '\u{200b}' {
                self.run(&text[from..at]);
                self.space = true;
                from = at + c.len_utf8();
            }
        }
        self.run(&text[from..]);
    }

    /// Text without white space.
    fn run(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if !self.out.is_empty() {
            if self.line {
                self.out.push('\n');
            } else if self.space {
                self.out.push(' ');
            }
        }
        (self.line, self.space) = (false, false);
        self.out.push_str(text);
    }

    fn line(&mut self) {
        self.line = true;
    }

    fn finish(self) -> String {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::{plain, resolve, squeeze};

    #[test]
    fn feed_text_markup_becomes_what_a_reader_sees() {
        for (markup, seen) in [
            ("<p>山火&nbsp;<b>已</b>扑灭</p><p>无伤亡</p>", "山火 已扑灭\n无伤亡"),
            ("a<br/>b<BR>c", "a\nb\nc"),
            ("<style>p{}</style>x<script>if(a<b){}</SCRIPT >y", "xy"),
            ("1 < 2 & 3 &lt; 4 &unknown; &#28779;&#x706b;", "1 < 2 & 3 < 4 &unknown; 火火"),
            ("<!-- no -->yes<!-- open", "yes"),
            ("  a \n\t b  ", "a b"),
            ("&", "&"),
            ("<", "<"),
            ("<script>", ""),
            ("图&#0;火", "图\u{fffd}火"),
            ("<p>甲村</p><p>乙村</p><ul><li>丙<li>丁</ul>", "甲村\n乙村\n丙\n丁"),
            ("<table><tr><td>甲县</td><td>3起</td></tr></table>", "甲县\n3起"),
            ("<a title=\"a>b\" href=\"#\">火情</a>", "火情"),
            ("caf&eacute; &hearts; &copy 2024", "café ♥ © 2024"),
            ("PM2.5<35微克", "PM2.5<35微克"),
            ("不足<b", "不足<b"),
            ("<svg><style>x</style></svg>图", "图"),
            ("a<iframe src=x>b</iframe>c", "ac"),
            ("<![CDATA[<p>正文</p>]]>", "正文"),
            ("前<![CDATA[文]]>后", "前文后"),
            ("<!' <a href=x>甲</a>", "<!' 甲"),
            ("不足<!3", "不足<!3"),
            ("<![if !supportLists]>一、<![endif]>通报", "一、通报"),
            ("<!DOCTYPE html><p>乙<!-- c --></p>", "乙"),
        ] {
            assert_eq!(plain(markup), seen, "{markup}");
        }
    }

    #[test]
    fn feed_text_plain_text_stays_plain() {
        assert_eq!(squeeze(" 部署<script>字段的\n通报 &amp; "), "部署<script>字段的 通报 &amp;");
    }

    #[test]
    fn feed_text_references_are_whole_names() {
        assert_eq!(resolve("eacute").as_deref(), Some("é"));
        assert_eq!(resolve("#x4e2d").as_deref(), Some("中"));
        for name in ["unknown", "notit", "", "#", "#xzz"] {
            assert_eq!(resolve(name), None, "{name}");
        }
    }
}
