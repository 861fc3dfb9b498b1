//! Collector `hotline`: what was said in calls on the government hotline
//! (96128, clause 4b), from exports of the call centre over HTTP.
//!
//! It hands over what callers said, as items. Calls themselves (who was taken,
//! who waits to be called back) are counted by the host, from `huiyin hotline
//! import` or its API, and by their rules; nothing of that is repeated here.
//! Must never hand over a caller's whole number.

mod table;

use std::collections::BTreeMap;

use huiyin_sdk::http::{self, Request};
use huiyin_sdk::intake::Intake;
use huiyin_sdk::known::{Candidate, Known, mark};
use huiyin_sdk::poll::{self, Version};
use huiyin_sdk::time::{Times, UtcOffset};
use huiyin_sdk::{About, Collector, Context, Error, Item, Page, log, secrets};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use table::Days;
use unicode_normalization::UnicodeNormalization as _;

/// How many records are remembered; beyond it the host knows them by their ids.
const REMEMBERED: usize = 5_000;
/// How many refused rows are told one by one.
const TOLD: usize = 20;

/// Which export to read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// The address of the export: CSV, XLSX or JSON, known by its bytes.
    pub url: String,
    /// Whether the header `Authorization` is sent, with the secret `hotline-authorization` as its value.
    #[serde(default)]
    pub authorize: bool,
    /// Further request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// For JSON: where the list of records is, as a JSON Pointer.
    #[serde(default)]
    pub list: String,
    /// Headers of columns that are not known by themselves, by field: `id`,
    /// `at`, `phone`, `content`, `reply`, `asker`, `answered`, `duty`, `region`.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"at": "呼入时刻", "content": "诉求"}))]
    pub columns: BTreeMap<String, String>,
    /// Which records come in as matters; none unless given.
    #[serde(default)]
    pub intake: Option<Intake>,
    /// How long to wait for the server, in seconds: 1 to 300.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
    /// What holds for times without a zone.
    #[serde(default)]
    pub utc_offset: UtcOffset,
}

fn thirty() -> u32 {
    30
}

/// Fields, the headers by which each is known, and whether a record needs it.
const FIELDS: &[(&str, &[&str], bool)] = &[
    ("id", &["编号", "流水号", "通话编号", "工单号", "话单号"], false),
    ("at", &["来电时间", "呼入时间", "通话时间", "开始时间", "时间"], true),
    ("phone", &["号码", "来电号码", "主叫号码", "电话", "联系电话"], false),
    ("content", &["内容", "来电内容", "咨询内容", "诉求内容"], true),
    ("reply", &["答复", "答复内容", "回复", "处理结果"], false),
    ("asker", &["姓名", "来电人", "联系人"], false),
    ("answered", &["接听", "是否接听", "接通", "是否接通", "接听状态", "通话状态"], false),
    ("duty", &["职责", "业务类别", "事项类别"], false),
    ("region", &["区划", "区划代码", "地区代码"], false),
];

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Cursor {
    version: Version,
    done: Known,
}

/// The plugin.
#[derive(Debug)]
pub struct Hotline;

impl Collector for Hotline {
    type Config = Config;

    fn about() -> About {
        About::new("hotline", env!("CARGO_PKG_VERSION"), "Reads call records of the hotline as CSV, XLSX or JSON.")
            .http("http://*:*", &["GET"], "/")
            .http("https://*:*", &["GET"], "/")
            .secret("hotline-authorization", "The value of the header Authorization, where /authorize is set.")
            .idempotent()
    }

    fn collect(ctx: &Context, config: Config, cursor: Option<String>, limit: u32) -> Result<Page, Error> {
        http::check_timeout(config.timeout_seconds)?;
        if let Some(name) = config.columns.keys().find(|name| FIELDS.iter().all(|(field, ..)| field != name)) {
            let known: Vec<&str> = FIELDS.iter().map(|(field, ..)| *field).collect();
            return Err(Error::InvalidConfig(format!(
                "at /columns/{name}: there is no such field; there are {}",
                known.join(", ")
            )));
        }
        let mut cursor: Cursor = cursor.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let mut request = Request::get(&config.url)
            .timeout(config.timeout_seconds)
            .header("user-agent", concat!("Huiyin-hotline/", env!("CARGO_PKG_VERSION")));
        if config.authorize {
            request = request.header("authorization", secrets::placeholder("hotline-authorization")?);
        }
        for (name, value) in &config.headers {
            request = request.header(name, value);
        }
        let Some(response) = poll::get(&cursor.version.ask(request), ctx.now)? else { return Ok(Page::default()) };
        let broken = |why: String| Error::Transient(format!("{} is broken: {why}", config.url));
        let table = table::read(&response.body, response.header("content-type"), &config.list).map_err(broken)?;
        let places = placed(&config, &table.headers).map_err(broken)?;

        let times = Times { offset: config.utc_offset, cst: UtcOffset::default(), now: Some(ctx.now) };
        let (mut entries, mut refused, mut silent) = (Vec::new(), Vec::new(), 0);
        for (line, row) in &table.rows {
            match row.as_ref().map_err(Clone::clone).and_then(|row| item(&config, &places, row, table.days, &times)) {
                Ok(Some(item)) => entries.push(Candidate { item, changed: String::new() }),
                Ok(None) => silent += 1,
                Err(why) => refused.push(format!("第 {line} 行 (line): {why}")),
            }
        }
        let summary = summary(&refused);
        let fresh = summary.iter().all(|entry| cursor.done.sort(vec![entry.clone()], 1, 0).known == 0);
        entries.extend(summary);
        let sorted = cursor.done.sort(entries, limit as usize, 0);
        if fresh {
            for line in refused.iter().take(TOLD) {
                log::warn(line);
            }
            if refused.len() > TOLD {
                log::warn(&format!("{} rows are refused; the first {TOLD} are told", refused.len()));
            }
        }
        if silent > 0 && !sorted.items.is_empty() {
            log::info(&format!("{silent} calls without a word of what was said are no items"));
        }
        sorted.log();
        cursor.done.add(sorted.marks);
        cursor.done.forget(REMEMBERED);
        cursor.version = if sorted.left { Version::default() } else { Version::of(&response) };
        // Texts only: it cannot fail.
        let cursor = serde_json::to_string(&cursor).ok();
        Ok(Page { items: sorted.items, cursor, more: sorted.left })
    }
}

huiyin_sdk::export!(collector: Hotline);

/// The column of each field, by the header that the configuration or custom gives it.
fn placed(config: &Config, headers: &[String]) -> Result<Vec<(&'static str, usize)>, String> {
    let headers: Vec<String> = headers.iter().map(|header| folded(header)).collect();
    let mut places = Vec::new();
    for (field, known, needed) in FIELDS {
        let given = config.columns.get(*field).map(|header| folded(header));
        let is = |header: &&String| match &given {
            Some(given) => *header == given,
            None => *header == field || known.iter().any(|known| folded(known) == **header),
        };
        let found: Vec<usize> = headers.iter().enumerate().filter(|(_, header)| is(header)).map(|(at, _)| at).collect();
        match (found.as_slice(), given) {
            ([at], _) => places.push((*field, *at)),
            ([], Some(given)) => {
                return Err(format!(
                    "no column has the header {given:?} of /columns/{field}; there are: {}",
                    headers.join(", ")
                ));
            }
            ([], None) if *needed => {
                return Err(format!(
                    "no column for `{field}` ({}); there are: {}. Name it in /columns",
                    known.join("、"),
                    headers.join(", ")
                ));
            }
            ([], None) => {}
            ([first, second, ..], _) => {
                return Err(format!(
                    "columns {} and {} are both `{field}`; name one in /columns",
                    first + 1,
                    second + 1
                ));
            }
        }
    }
    Ok(places)
}

/// A header in one form of each character, without blanks and case.
fn folded(header: &str) -> String {
    header
        .nfkc()
        .filter(|c| !c.is_whitespace() && !c.is_control() && *c != '\u{feff}')
        .flat_map(char::to_lowercase)
        .collect()
}

/// None for a call of which nothing is told.
fn item(
    config: &Config,
    places: &[(&str, usize)],
    row: &[String],
    days: Option<Days>,
    times: &Times,
) -> Result<Option<Item>, String> {
    let get = |field: &str| {
        let (_, at) = places.iter().find(|(name, _)| *name == field)?;
        row.get(*at).map(|cell| cell.trim()).filter(|cell| !cell.is_empty())
    };
    let Some(content) = get("content") else { return Ok(None) };
    let written = get("at").ok_or("来电时间 (at) is missing")?;
    let serial = days.and_then(|_| table::serial(written));
    if serial.is_some() && days == Some(Days::Otherwise) {
        return Err(format!(
            "{written} in 来电时间 (at) is a day's number without a date format, and the workbook does not count from 1900"
        ));
    }
    let Some(at) = times.read(serial.as_deref().unwrap_or(written)) else {
        let shown: String = written.chars().take(60).collect();
        return Err(format!(
            "{shown:?} in 来电时间 (at) is no time that is understood, or lies before 1990 or more than a day ahead"
        ));
    };
    let mut fields = BTreeMap::from([("channel".to_owned(), "hotline".to_owned())]);
    for name in ["reply", "asker", "answered", "duty", "region"] {
        if let Some(value) = get(name) {
            fields.insert(name.to_owned(), value.to_owned());
        }
    }
    let digits: String = get("phone").unwrap_or_default().nfkc().filter(char::is_ascii_digit).collect();
    if digits.len() >= 7 {
        fields.insert("phone-tail".to_owned(), digits[digits.len() - 4..].to_owned());
    }
    let id = get("id").map_or_else(|| format!("call:{}", mark(&format!("{at}\n{digits}\n{content}"))), str::to_owned);
    if let Some(intake) = &config.intake {
        intake.mark(&mut fields);
    }
    let body = huiyin_sdk::text::squeeze(content);
    Ok(Some(Item { id, body, published: Some(at), fields, ..Item::default() }))
}

/// An item that says which rows were refused, once for each set of reasons.
fn summary(refused: &[String]) -> Option<Candidate> {
    let first = refused.first()?;
    let text = refused.iter().take(200).cloned().collect::<Vec<_>>().join("\n");
    let item = Item {
        id: format!("refused:{}", mark(&refused.join("\n"))),
        title: format!("热线话单有 {} 行未收", refused.len()),
        body: if refused.len() == 1 { first.clone() } else { text },
        fields: BTreeMap::from([("refused".to_owned(), refused.len().to_string())]),
        ..Item::default()
    };
    Some(Candidate { item, changed: String::new() })
}
