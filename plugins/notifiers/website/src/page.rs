//! The page: HTML that needs nothing but itself.

use std::fmt::Write as _;

use huiyin_sdk::markup::{escape, paragraphs};

/// Its media type.
pub const TYPE: &str = "text/html; charset=utf-8";

/// What stands on it.
#[derive(Debug)]
pub struct Page<'a> {
    /// On one line.
    pub title: &'a str,
    /// Each line a paragraph.
    pub text: &'a str,
    /// The name of the site.
    pub site: &'a str,
    /// RFC 3339.
    pub published: &'a str,
    /// The same for people.
    pub shown: &'a str,
    /// Names for people and names on the server.
    pub files: &'a [(&'a str, &'a str)],
    /// The feed's file.
    pub feed: &'a str,
}

/// The page as HTML. The metas are those that readers of government sites look for.
pub fn write(page: &Page<'_>) -> String {
    let (title, site) = (escape(page.title), escape(page.site));
    let mut files = String::new();
    if !page.files.is_empty() {
        files.push_str("<ul>\n");
        for (shown, name) in page.files {
            let _ = writeln!(files, "<li><a href=\"{}\">{}</a></li>", escape(name), escape(shown));
        }
        files.push_str("</ul>\n");
    }
    format!(
        "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"ArticleTitle\" content=\"{title}\">\n<meta name=\"PubDate\" content=\"{published}\">\n\
         <meta name=\"ContentSource\" content=\"{site}\">\n<title>{title}</title>\n\
         <link rel=\"alternate\" type=\"application/atom+xml\" href=\"{feed}\">\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n\
         <p><time datetime=\"{published}\">{shown}</time></p>\n{text}{files}</main>\n<footer><p>{site}</p></footer>\n</body>\n</html>\n",
        published = escape(page.published),
        shown = escape(page.shown),
        text = paragraphs(page.text),
        feed = escape(page.feed),
    )
}

/// The extension of a file's name with its full stop, where it is a short plain one.
pub fn extension(name: &str) -> String {
    match name.rsplit_once('.') {
        Some((_, end)) if (1..=8).contains(&end.len()) && end.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            format!(".{}", end.to_ascii_lowercase())
        }
        _ => String::new(),
    }
}
