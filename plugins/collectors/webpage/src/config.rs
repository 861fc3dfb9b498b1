//! What can be configured, its checks, and the selectors made ready.

use std::collections::BTreeMap;

use huiyin_sdk::intake::Intake;
use huiyin_sdk::time::{Times, UtcOffset};
use huiyin_sdk::{Error, http};
use schemars::JsonSchema;
use scraper::{ElementRef, Selector};
use serde::Deserialize;

/// Which list to read, and how to understand it and the pages that it links to.
///
/// A place is a CSS selector, of which the first match counts. `a@title` is the
/// attribute `title` of that match, where else its text is taken.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The address of the list's first page, http or https.
    pub url: String,
    /// The channel kind that the items are filed under, such as `portal` or `messageBoard`.
    #[serde(default)]
    pub channel: Option<String>,
    /// Fields that every item gets, such as `outlet`.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Which items come in as matters; none unless given.
    #[serde(default)]
    pub intake: Option<Intake>,
    /// How long to wait for the server, in seconds: 1 to 300.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
    /// What holds for times without a zone.
    #[serde(default)]
    pub utc_offset: UtcOffset,
    /// What the zone `CST` means.
    #[serde(default)]
    pub cst: UtcOffset,
    /// The list.
    pub list: List,
    /// The pages that it links to. Only the list is read unless given; `{}`
    /// reads each by its metas and its looks.
    #[serde(default)]
    pub detail: Option<Detail>,
}

fn thirty() -> u32 {
    30
}

/// The list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct List {
    /// Each entry, such as `ul.news > li` or `table.list tr`.
    #[schemars(example = "ul.news > li")]
    pub entry: String,
    /// Where in an entry its link is: an element with `href`. Its first one unless given.
    #[serde(default)]
    pub link: Option<String>,
    /// Where its title is. The link's attribute `title` or its text unless given.
    #[serde(default)]
    pub title: Option<String>,
    /// Where its date is. The first of its texts that is a whole time unless given.
    #[serde(default)]
    pub date: Option<String>,
    /// Further fields by name, such as `status`.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// For a table with a row of headers: which column is `title`, `date`, or
    /// a further field, by its header. Entries are rows then.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"title": "标题", "date": "发布日期", "status": "办理状态"}))]
    pub columns: BTreeMap<String, String>,
    /// How to get at further pages; there is only one unless given.
    #[serde(default)]
    pub next: Option<Next>,
    /// How many pages are read at most until one brings nothing new.
    #[serde(default = "ten")]
    #[schemars(range(min = 1))]
    pub max_pages: u32,
    /// Words of the page that say that the list is empty, such as `暂无信息`.
    /// Without them a page without an entry is an error.
    #[serde(default)]
    pub empty: Option<String>,
}

fn ten() -> u32 {
    10
}

/// How to get at further pages.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "by", deny_unknown_fields)]
pub enum Next {
    /// The page links to the next.
    Link {
        /// The element with `href`, such as `a.next`.
        selector: String,
    },
    /// Their addresses are numbered.
    Number {
        /// The address with `{n}` in the place of the number, absolute or seen
        /// from the first page: `index_{n}.html`.
        address: String,
        /// The number of the second page; the first is `url`.
        #[serde(default = "one")]
        second: u32,
    },
}

fn one() -> u32 {
    1
}

/// A page that the list links to.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Detail {
    /// Its title. The meta `ArticleTitle`, the list's, `h1` or `title` unless given.
    #[serde(default)]
    pub title: Option<String>,
    /// Its text, all matches of it. Found by its looks unless given.
    #[serde(default)]
    pub body: Option<String>,
    /// When it was published. The meta `PubDate`, 发布日期 in a table, or the list's date unless given.
    #[serde(default)]
    pub date: Option<String>,
    /// What is left out of the text.
    #[serde(default)]
    pub remove: Vec<String>,
    /// Further fields by name, such as `status` and `reply`.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// How many pages a call reads: 1 to 20.
    #[serde(default)]
    #[schemars(range(min = 1, max = 20))]
    pub per_call: Option<u32>,
}

/// A place: a selector, and an attribute of its match.
#[derive(Debug)]
pub(crate) struct Place {
    selector: Selector,
    attribute: Option<String>,
}

impl Place {
    fn read(text: &str, pointer: &str) -> Result<Self, Error> {
        let (selector, attribute) = match text.rsplit_once('@') {
            Some((selector, name)) if !name.is_empty() && !name.contains([']', '"', '\'']) => (selector, Some(name)),
            _ => (text, None),
        };
        let selector = Selector::parse(selector.trim()).map_err(|why| {
            Error::InvalidConfig(format!("at {pointer}: {selector:?} is no CSS selector that is understood: {why:?}"))
        })?;
        Ok(Self { selector, attribute: attribute.map(|name| name.trim().to_ascii_lowercase()) })
    }

    pub(crate) fn first<'a>(&self, within: ElementRef<'a>) -> Option<ElementRef<'a>> {
        within.select(&self.selector).next()
    }

    pub(crate) fn all<'a>(&self, within: ElementRef<'a>) -> Vec<ElementRef<'a>> {
        within.select(&self.selector).collect()
    }

    /// The text at the place, or of its attribute; none where it says nothing.
    pub(crate) fn text(&self, within: ElementRef<'_>) -> Option<String> {
        let found = self.first(within)?;
        let text = match &self.attribute {
            Some(name) => huiyin_sdk::text::squeeze(found.attr(name)?),
            None => huiyin_sdk::text::plain(&found.html()),
        };
        (!text.is_empty()).then_some(text)
    }
}

/// The configuration with its selectors made ready.
pub(crate) struct Plan {
    pub(crate) entry: Place,
    pub(crate) link: Option<Place>,
    pub(crate) title: Option<Place>,
    pub(crate) date: Option<Place>,
    pub(crate) fields: Vec<(String, Place)>,
    pub(crate) next: Option<Place>,
    pub(crate) detail: DetailPlan,
}

#[derive(Default)]
pub(crate) struct DetailPlan {
    pub(crate) title: Option<Place>,
    pub(crate) body: Option<Place>,
    pub(crate) date: Option<Place>,
    pub(crate) remove: Vec<Place>,
    pub(crate) fields: Vec<(String, Place)>,
}

impl Config {
    pub(crate) fn times(&self, now: u64) -> Times {
        Times { offset: self.utc_offset, cst: self.cst, now: Some(now) }
    }

    /// How many pages a call reads.
    pub(crate) fn per_call(&self) -> usize {
        self.detail.as_ref().and_then(|detail| detail.per_call).unwrap_or(5) as usize
    }

    /// The address of the page with that number, the first being 0; for numbered pages.
    pub(crate) fn numbered(&self, page: u32) -> Option<String> {
        let Some(Next::Number { address, second }) = &self.list.next else { return None };
        let number = second.saturating_add(page.saturating_sub(1));
        huiyin_sdk::text::absolute(&address.replace("{n}", &number.to_string()), &self.url)
    }

    /// # Errors
    /// What the types cannot say, and selectors that are none.
    pub(crate) fn plan(&self) -> Result<Plan, Error> {
        let wrong = |place: &str, why: &str| Err(Error::InvalidConfig(format!("at {place}: {why}")));
        http::check_timeout(self.timeout_seconds)?;
        if self.list.max_pages == 0 {
            return wrong("/list/maxPages", "at least one page must be read");
        }
        if !(1..=20).contains(&self.per_call()) {
            return wrong("/detail/perCall", "it is not from 1 to 20");
        }
        if let Some(Next::Number { address, .. }) = &self.list.next
            && !address.contains("{n}")
        {
            return wrong("/list/next/address", "it has no {n} where the number goes");
        }
        let one = |text: &Option<String>, pointer: &str| match text {
            Some(text) => Place::read(text, pointer).map(Some),
            None => Ok(None),
        };
        let many = |fields: &BTreeMap<String, String>, pointer: &str| {
            let read = |(name, text): (&String, &String)| {
                Place::read(text, &format!("{pointer}/{name}")).map(|place| (name.clone(), place))
            };
            fields.iter().map(read).collect::<Result<Vec<_>, _>>()
        };
        let list = &self.list;
        let next = match &list.next {
            Some(Next::Link { selector }) => Some(Place::read(selector, "/list/next/selector")?),
            _ => None,
        };
        let detail = match &self.detail {
            None => DetailPlan::default(),
            Some(detail) => DetailPlan {
                title: one(&detail.title, "/detail/title")?,
                body: one(&detail.body, "/detail/body")?,
                date: one(&detail.date, "/detail/date")?,
                remove: detail
                    .remove
                    .iter()
                    .enumerate()
                    .map(|(at, text)| Place::read(text, &format!("/detail/remove/{at}")))
                    .collect::<Result<_, _>>()?,
                fields: many(&detail.fields, "/detail/fields")?,
            },
        };
        Ok(Plan {
            entry: Place::read(&list.entry, "/list/entry")?,
            link: one(&list.link, "/list/link")?,
            title: one(&list.title, "/list/title")?,
            date: one(&list.date, "/list/date")?,
            fields: many(&list.fields, "/list/fields")?,
            next,
            detail,
        })
    }
}
