//! A page that the list links to.

use std::collections::BTreeMap;

use huiyin_sdk::text;
use huiyin_sdk::time::{Times, Unread};
use scraper::{Html, Selector};

use crate::config::DetailPlan;
use crate::{readable, words};

/// A page as it was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) title: Option<String>,
    pub(crate) body: String,
    pub(crate) published: Option<u64>,
    pub(crate) fields: BTreeMap<String, String>,
    /// Whether there is text at the place that is given for it; true where none is given.
    pub(crate) placed: bool,
}

/// `listed` is the title that the list has.
pub(crate) fn read(plan: &DetailPlan, document: &str, listed: &str, times: &Times, unread: &mut Unread) -> Read {
    let mut page = Html::parse_document(document);
    let metas = metas(&page);
    let meta = |names: &[&str]| names.iter().find_map(|name| metas.get(*name)).cloned();
    let root = page.root_element();
    let mut fields = BTreeMap::new();
    for (name, place) in &plan.fields {
        if let Some(text) = place.text(root) {
            fields.insert(name.clone(), text);
        }
    }
    let labels = match Selector::parse("td, th, dt, dd, li, p, span, b, strong, label, em, i, div") {
        Ok(selector) => words::labelled(page.root_element().select(&selector)),
        Err(_) => Vec::new(),
    };
    let labelled = |field: &str| labels.iter().find(|(there, _)| *there == field).map(|(_, value)| value.clone());
    for field in ["issued", "issuer", "number", "index", "topic"] {
        if let Some(value) = labelled(field) {
            fields.entry(field.to_owned()).or_insert(value);
        }
    }
    for (names, field) in [(&["contentsource"][..], "outlet"), (&["columnname"][..], "column")] {
        if let Some(value) = meta(names) {
            fields.entry(field.to_owned()).or_insert(value);
        }
    }
    let dates = [
        plan.date.as_ref().and_then(|place| place.text(root)),
        meta(&["pubdate", "publishdate", "article:published_time"]),
        labelled(words::PUBLISHED),
    ];
    let published = dates.into_iter().flatten().find_map(|written| {
        let read = words::moment(&written, times);
        if read.is_none() {
            unread.note(&written);
        }
        read
    });
    let title = plan.title.as_ref().and_then(|place| place.text(root)).or_else(|| meta(&["articletitle"]));
    let title = title.or_else(|| fallback(&page, listed));

    for place in &plan.remove {
        let gone: Vec<_> = place.all(page.root_element()).iter().map(|element| element.id()).collect();
        for id in gone {
            if let Some(mut node) = page.tree.get_mut(id) {
                node.detach();
            }
        }
    }
    let placed = plan.body.as_ref().map(|place| {
        let parts: Vec<String> = place.all(page.root_element()).iter().map(|part| text::plain(&part.html())).collect();
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
    });
    let found = placed.as_ref().is_none_or(|text| !text.is_empty());
    let body = match placed.filter(|text| !text.is_empty()) {
        Some(text) => text,
        None => {
            readable::without_asides(&mut page);
            without_labels(&mut page);
            readable::main(&page).map(|element| text::plain(&element.html())).unwrap_or_default()
        }
    };
    Read { title, body, published, fields, placed: found }
}

/// Takes out the rows of the table that says what the document is: it is no text of it.
fn without_labels(page: &mut Html) {
    let (Ok(rows), Ok(cells)) = (Selector::parse("tr"), Selector::parse("td, th")) else { return };
    let says = |row: &scraper::ElementRef<'_>| {
        let text = |cell: scraper::ElementRef<'_>| cell.text().collect::<String>();
        // A row that holds a table holds the page.
        row.select(&rows).next().is_none() && row.select(&cells).any(|cell| words::is_label(&text(cell)))
    };
    let gone: Vec<_> = page.root_element().select(&rows).filter(says).map(|row| row.id()).collect();
    for id in gone {
        if let Some(mut node) = page.tree.get_mut(id) {
            node.detach();
        }
    }
}

/// The metas by name, in lower case; of two of one name the first that says something.
fn metas(page: &Html) -> BTreeMap<String, String> {
    let mut metas = BTreeMap::new();
    let Ok(selector) = Selector::parse("meta[content]") else { return metas };
    for meta in page.root_element().select(&selector) {
        let name = meta.attr("name").or_else(|| meta.attr("property")).unwrap_or_default().trim().to_ascii_lowercase();
        let value = text::squeeze(meta.attr("content").unwrap_or_default());
        if !name.is_empty() && !value.is_empty() {
            metas.entry(name).or_insert(value);
        }
    }
    metas
}

/// A title where nothing says which it is: none where the list's is whole,
/// else `h1`, else `title` without the site's name.
fn fallback(page: &Html, listed: &str) -> Option<String> {
    let cut = listed.ends_with(['…', '.']) || listed.is_empty();
    if !cut {
        return None;
    }
    let known = listed.trim_end_matches(['…', '.', ' ']);
    let mut titles = Vec::new();
    for name in ["h1", "title"] {
        let Ok(selector) = Selector::parse(name) else { continue };
        titles.extend(page.root_element().select(&selector).map(|found| text::plain(&found.inner_html())));
    }
    let title = titles.into_iter().find(|title| !title.is_empty() && title.starts_with(known))?;
    let end = title.rfind(['_', '|', '｜']).or_else(|| title.rfind(" - ")).or_else(|| title.rfind("--"));
    let site = |at: &usize| at + 1 < title.len() && *at >= known.len() && title[*at..].chars().count() <= 30;
    Some(
        end.filter(site)
            .map_or_else(|| title.clone(), |at| title[..at].trim_end().trim_end_matches('-').trim_end().to_owned()),
    )
}
