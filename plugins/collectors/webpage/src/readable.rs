//! The text of a page where no place is given for it.
//!
//! There is no least length: a notice of sixty characters is a whole document.

use std::collections::BTreeMap;

use scraper::{ElementRef, Html, Selector};

/// Places where the systems of government sites and newspapers put their text.
const USUAL: &[&str] = &[
    "#UCAP-CONTENT",
    ".TRS_Editor",
    ".trs_editor_view",
    ".TRS_UEDITOR",
    "#zoom",
    "#Zoom",
    ".pages_content",
    "#articleContent",
    ".article-content",
    ".article_content",
    ".news_content",
    "#js_content",
    "#ozoom",
    "[itemprop=articleBody]",
    "article",
];

/// What is no text of the page itself.
const ASIDE: &str = "script, style, noscript, template, iframe, nav, header, footer, aside, form, select, button";

/// Takes out what is no text of the page itself. (What is taken out is still a node of the document, so
/// everything is looked for below its root.)
pub(crate) fn without_asides(page: &mut Html) {
    let Ok(selector) = Selector::parse(ASIDE) else { return };
    let gone: Vec<_> = page.root_element().select(&selector).map(|element| element.id()).collect();
    for id in gone {
        if let Some(mut node) = page.tree.get_mut(id) {
            node.detach();
        }
    }
}

/// The element that holds the text.
pub(crate) fn main(page: &Html) -> Option<ElementRef<'_>> {
    for usual in USUAL {
        let Ok(selector) = Selector::parse(usual) else { continue };
        let found = page.root_element().select(&selector).find(|element| weight(*element) > 0);
        if found.is_some() {
            return found;
        }
    }
    densest(page).or_else(|| page.root_element().select(&Selector::parse("body").ok()?).next())
}

/// The element whose own paragraphs hold the most text beside that of links.
fn densest(page: &Html) -> Option<ElementRef<'_>> {
    let blocks = Selector::parse("p, td, div, section, main, li, pre, blockquote, span, center, font").ok()?;
    let mut scores: BTreeMap<usize, (i64, ElementRef<'_>)> = BTreeMap::new();
    let mut order = 0;
    let mut places = Vec::new();
    for element in page.root_element().select(&blocks) {
        // Text of its own: what stands in it directly, or in a `b` and its like.
        let own: i64 = own(element);
        if own <= 0 {
            continue;
        }
        // The paragraph speaks for what holds it, and a little for what holds that.
        let mut holder = Some(element);
        if matches!(element.value().name(), "p" | "span" | "li" | "pre" | "blockquote" | "center" | "font") {
            holder = parent(element);
        }
        for share in [2, 1] {
            let Some(there) = holder else { break };
            let at = places.iter().position(|id| *id == there.id()).unwrap_or_else(|| {
                places.push(there.id());
                order += 1;
                order - 1
            });
            scores.entry(at).or_insert((0, there)).0 += own * share;
            holder = parent(there);
        }
    }
    // Of two as heavy the first: the outer one.
    scores.into_values().rev().max_by_key(|(score, _)| *score).map(|(_, element)| element)
}

fn parent(element: ElementRef<'_>) -> Option<ElementRef<'_>> {
    element.parent().and_then(ElementRef::wrap).filter(|parent| parent.value().name() != "html")
}

/// How many characters of text stand directly in it, those of links taken off twice.
fn own(element: ElementRef<'_>) -> i64 {
    let mut sum = 0;
    for child in element.children() {
        match child.value() {
            scraper::Node::Text(text) => sum += characters(text),
            scraper::Node::Element(inner) => {
                let Some(child) = ElementRef::wrap(child) else { continue };
                match inner.name() {
                    "a" => sum -= characters(&child.text().collect::<String>()),
                    "b" | "strong" | "em" | "i" | "u" | "sup" | "sub" => {
                        sum += characters(&child.text().collect::<String>())
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    sum
}

/// How much text an element holds beside that of links.
fn weight(element: ElementRef<'_>) -> i64 {
    characters(&element.text().collect::<String>())
}

fn characters(text: &str) -> i64 {
    i64::try_from(text.chars().filter(|c| !c.is_whitespace()).count()).unwrap_or(i64::MAX)
}
