//! From markup to the plain text that classifiers read, and links made whole.

/// Strips tags, scripts and styles, resolves references, and gathers white
/// space; block elements part lines.
pub fn plain(markup: &str) -> String {
    let mut out = Builder::default();
    let mut rest = markup;
    while let Some(at) = rest.find(['<', '&']) {
        out.text(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with('<') { tag(rest, &mut out) } else { reference(rest, &mut out) };
    }
    out.text(rest);
    out.finish()
}

/// Reads past one tag, comment, or unread element.
fn tag<'a>(rest: &'a str, out: &mut Builder) -> &'a str {
    if let Some(comment) = rest.strip_prefix("<!--") {
        return comment.split_once("-->").map_or("", |(_, after)| after);
    }
    let starts_a_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!' || c == '?');
    let Some(end) = rest.find('>').filter(|_| starts_a_tag) else {
        out.text("<");
        return &rest[1..];
    };
    let closing = rest[1..].starts_with('/');
    let name: String = rest[1 + usize::from(closing)..end]
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let after = &rest[end + 1..];
    match name.as_str() {
        "script" | "style" if !closing => {
            let close = format!("</{name}");
            let Some(at) = find_ignoring_case(after, &close) else { return "" };
            after[at..].find('>').map_or("", |end| &after[at + end + 1..])
        }
        "p" | "br" | "div" | "li" | "ul" | "ol" | "tr" | "table" | "blockquote" | "section" | "article" | "h1"
        | "h2" | "h3" | "h4" | "h5" | "h6" => {
            out.line();
            after
        }
        _ => after,
    }
}

fn find_ignoring_case(text: &str, ascii: &str) -> Option<usize> {
    text.as_bytes().windows(ascii.len()).position(|w| w.eq_ignore_ascii_case(ascii.as_bytes()))
}

fn reference<'a>(rest: &'a str, out: &mut Builder) -> &'a str {
    // The longest name or number that is resolved has eight characters.
    let end = rest.bytes().take(11).position(|byte| byte == b';');
    if let Some((end, resolved)) = end.and_then(|end| Some((end, resolve(&rest[1..end])?))) {
        out.char(resolved);
        return &rest[end + 1..];
    }
    out.char('&');
    &rest[1..]
}

/// The character behind a reference: `amp`, `#20013`, `#x4e2d`. None for a name that is
/// not among the common ones.
pub fn resolve(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|&c| c != '\0');
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
        "ldquo" => '“',
        "rdquo" => '”',
        "lsquo" => '‘',
        "rsquo" => '’',
        "mdash" => '—',
        "ndash" => '–',
        "hellip" => '…',
        "middot" => '·',
        "bull" => '•',
        "laquo" => '«',
        "raquo" => '»',
        "copy" => '©',
        "reg" => '®',
        "trade" => '™',
        "deg" => '°',
        "times" => '×',
        "yen" => '¥',
        "sect" => '§',
        _ => return None,
    })
}

/// A link found in what was fetched from `base`, as an absolute http(s)
/// address; none where it cannot be one.
pub fn absolute(link: &str, base: &str) -> Option<String> {
    let link = link.trim();
    let scheme_end = base.find("://")?;
    if link.starts_with("http://") || link.starts_with("https://") {
        return Some(link.to_owned());
    }
    if link.starts_with("//") {
        return Some(format!("{}:{link}", &base[..scheme_end]));
    }
    if link.starts_with('/') {
        let host = &base[scheme_end + 3..];
        let end = host.find(['/', '?', '#']).unwrap_or(host.len());
        return Some(format!("{}{link}", &base[..scheme_end + 3 + end]));
    }
    None
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
        text.chars().for_each(|c| self.char(c));
    }

    fn char(&mut self, c: char) {
        if c.is_whitespace() || c.is_control() || c == '\u{feff}' || c == '\u{200b}' {
            self.space = true;
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
        self.out.push(c);
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
    use super::{absolute, plain};

    #[test]
    fn markup_becomes_what_a_reader_sees() {
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
            ("图&#0;火", "图&#0;火"),
        ] {
            assert_eq!(plain(markup), seen, "{markup}");
        }
    }

    #[test]
    fn links_are_made_absolute_or_left_out() {
        let feed = "https://a.cn:8443/x/feed.xml";
        assert_eq!(absolute("/n/1", feed).as_deref(), Some("https://a.cn:8443/n/1"));
        assert_eq!(absolute("//b.cn/1", feed).as_deref(), Some("https://b.cn/1"));
        assert_eq!(absolute("http://b.cn/1", feed).as_deref(), Some("http://b.cn/1"));
        assert_eq!(absolute("javascript:alert(1)", feed), None);
        assert_eq!(absolute("", feed), None);
    }
}
