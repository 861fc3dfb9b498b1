//! The entries of a list.

use huiyin_sdk::known::{Candidate, mark};
use huiyin_sdk::time::{Times, Unread};
use huiyin_sdk::{Item, text};
use scraper::{ElementRef, Html, Selector};

use crate::config::{Config, Plan};
use crate::words;

/// A list as it was read.
pub(crate) struct Listed {
    pub(crate) entries: Vec<Candidate>,
    /// How many matches of the selector were no entries: headers, and what says nothing.
    pub(crate) odd: usize,
    /// Whether any entry has a date.
    pub(crate) dated: bool,
    /// The address of the next page, where the page names it.
    pub(crate) next: Option<String>,
    /// A column that the table does not have.
    pub(crate) missing: Option<String>,
}

/// `address` is where the page was found.
pub(crate) fn read(
    config: &Config,
    plan: &Plan,
    page: &Html,
    address: &str,
    times: &Times,
    unread: &mut Unread,
) -> Listed {
    let root = page.root_element();
    let base = base(page, address);
    let matches = plan.entry.all(root);
    let columns = match columns(config, &matches) {
        Ok(columns) => columns,
        Err(missing) => {
            return Listed {
                entries: Vec::new(),
                odd: matches.len(),
                dated: false,
                next: None,
                missing: Some(missing),
            };
        }
    };
    let entries: Vec<Candidate> =
        matches.iter().filter_map(|entry| self::entry(config, plan, *entry, &base, &columns, times, unread)).collect();
    let next = plan.next.as_ref().and_then(|place| place.first(root)).and_then(|found| {
        let href = found.attr("href").or_else(|| found.select(&anchor()).next().and_then(|a| a.attr("href")))?;
        text::absolute(href, &base).filter(|there| there != address)
    });
    Listed {
        odd: matches.len() - entries.len(),
        dated: entries.iter().any(|entry| entry.item.published.is_some()),
        entries,
        next,
        missing: None,
    }
}

/// What links are resolved against: `base`, else the page's own address.
pub(crate) fn base(page: &Html, address: &str) -> String {
    let Ok(selector) = Selector::parse("base[href]") else { return address.to_owned() };
    let said = page.select(&selector).next().and_then(|base| base.attr("href"));
    said.and_then(|href| text::absolute(href, address)).unwrap_or_else(|| address.to_owned())
}

#[allow(clippy::expect_used, reason = "a selector that is written here")]
fn anchor() -> Selector {
    Selector::parse("a[href]").expect("it is a selector")
}

/// The places of the named columns: by the first row that has all their headers.
fn columns(config: &Config, rows: &[ElementRef<'_>]) -> Result<Vec<(String, usize)>, String> {
    let wanted = &config.list.columns;
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let bare = |text: &str| -> String { text.chars().filter(|c| !c.is_whitespace()).collect() };
    // The headers may stand in a `thead` that the entries are not of.
    let table = rows
        .first()
        .and_then(|row| row.ancestors().filter_map(ElementRef::wrap).find(|element| element.value().name() == "table"));
    let of_table: Vec<ElementRef<'_>> = match (&table, Selector::parse("tr")) {
        (Some(table), Ok(selector)) => table.select(&selector).collect(),
        _ => Vec::new(),
    };
    let mut fewest: Option<&String> = wanted.values().next();
    for row in of_table.iter().chain(rows) {
        let headers: Vec<String> = cells(*row).iter().map(|cell| bare(cell)).collect();
        let mut places = Vec::new();
        for (field, header) in wanted {
            match headers.iter().position(|there| *there == bare(header)) {
                Some(at) => places.push((field.clone(), at)),
                None => {
                    if places.len() * 2 >= wanted.len() {
                        fewest = Some(header);
                    }
                    places.clear();
                    break;
                }
            }
        }
        if places.len() == wanted.len() {
            return Ok(places);
        }
    }
    Err(fewest.cloned().unwrap_or_default())
}

/// The texts of a row's cells, one that spans several columns once for each.
fn cells(row: ElementRef<'_>) -> Vec<String> {
    let mut cells = Vec::new();
    for cell in row.child_elements().filter(|cell| matches!(cell.value().name(), "td" | "th")) {
        let span = cell.attr("colspan").and_then(|span| span.trim().parse::<usize>().ok()).unwrap_or(1);
        let text = text::plain(&cell.inner_html());
        cells.extend(std::iter::repeat_n(text, span.clamp(1, 50)));
    }
    cells
}

fn entry(
    config: &Config,
    plan: &Plan,
    entry: ElementRef<'_>,
    base: &str,
    columns: &[(String, usize)],
    times: &Times,
    unread: &mut Unread,
) -> Option<Candidate> {
    let cells = if columns.is_empty() { Vec::new() } else { cells(entry) };
    let column = |name: &str| {
        let (_, at) = columns.iter().find(|(field, _)| field == name)?;
        cells.get(*at).filter(|text| !text.is_empty()).cloned()
    };
    let link = match &plan.link {
        Some(place) => place.first(entry),
        None if entry.attr("href").is_some() => Some(entry),
        None => entry.select(&anchor()).next(),
    };
    let url = link.and_then(|link| link.attr("href")).and_then(|href| text::absolute(href, base));
    let title = match &plan.title {
        Some(place) => place.text(entry),
        None => column("title").or_else(|| link.and_then(named)),
    };
    let header = columns.iter().any(|(field, at)| cells.get(*at) == config.list.columns.get(field));
    let title = title.filter(|_| !header)?;
    let written = match &plan.date {
        Some(place) => place.text(entry),
        None => column("date"),
    };
    let published = match (&written, plan.date.is_some() || !config.list.columns.is_empty()) {
        (Some(text), _) => {
            let read = words::moment(text, times);
            if read.is_none() {
                unread.note(text);
            }
            read
        }
        (None, true) => None,
        (None, false) => entry.text().find_map(|text| words::moment(text, times)),
    };
    let mut fields = config.set.clone();
    for (name, place) in &plan.fields {
        if let Some(text) = place.text(entry) {
            fields.insert(name.clone(), text);
        }
    }
    for (name, _) in columns.iter().filter(|(name, _)| !matches!(name.as_str(), "title" | "date")) {
        if let Some(text) = column(name) {
            fields.insert(name.clone(), text);
        }
    }
    if let Some(kind) = &config.channel {
        fields.insert("channel".to_owned(), kind.clone());
    }
    let id = url.clone().unwrap_or_else(|| {
        format!("content:{}", mark(&format!("{title}\n{}", written.as_deref().unwrap_or_default())))
    });
    let item = Item { id, url, title, published, fields, ..Item::default() };
    Some(Candidate { item, changed: written.unwrap_or_default() })
}

/// The title of a link: its attribute where that says more than its text, which is often cut.
fn named(link: ElementRef<'_>) -> Option<String> {
    let shown = text::plain(&link.inner_html());
    let whole = link.attr("title").map(text::squeeze).unwrap_or_default();
    let cut = shown.trim_end_matches(['.', '…', '·']);
    let title = if whole.chars().count() > shown.chars().count() && (shown.is_empty() || whole.starts_with(cut)) {
        whole
    } else {
        shown
    };
    (!title.is_empty()).then_some(title)
}
