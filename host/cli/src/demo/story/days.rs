//! Days of real titles through monitor, assess and log: a source publishes them at their days, a collector reads them
//! hourly, the floor and the unit's workflow judge each, and a workflow writes the log of each day.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::Value;

use super::stage::{Halt, Stage};
use super::telling::put;
use crate::demo::world::{World, lists};
use crate::output::Failure;
use crate::people::word;
use crate::rows::rows;

/// The unit whose source it is.
const UNIT: &str = "linhai";

/// The zone of the sample pack.
const ZONE: &str = "Asia/Shanghai";

/// The lists of a folder as a world, and when the first day begins. A list's file is named by its day.
pub(super) fn world(feed: Option<&Path>, most: usize) -> Result<(World, Timestamp), Failure> {
    let Some(folder) = feed else {
        return Err(Failure::invalid(
            "this story needs daily lists of titles, files YYYY-MM-DD.json of [{url, title}], and ../shared/data/weibo-hot is not there; name a folder with --feed-dir",
        ));
    };
    let zone = TimeZone::get(ZONE).map_err(Failure::failed)?;
    let mut days = Vec::new();
    for (file, titles) in lists(folder)? {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let date: Date = name.parse().map_err(|_| {
            Failure::invalid(format_args!(
                "--feed-dir: {}: a list's name is its day, such as 2024-03-01.json",
                file.display()
            ))
        })?;
        days.push((date, titles));
    }
    days.truncate(most);
    let Some((first, _)) = days.first() else {
        return Err(Failure::invalid(format_args!("--feed-dir: {} has no list YYYY-MM-DD.json", folder.display())));
    };
    // After the hour at which a log is written: the first is that of the first day.
    let began = zone.to_timestamp(first.at(0, 11, 0, 0)).map_err(Failure::invalid)?;
    Ok((World::days(UNIT, &days, &zone)?, began))
}

/// Plays them, each day with its line.
pub(super) fn play(stage: &mut Stage, world: &World) -> Result<(), Halt> {
    let zone = TimeZone::get(ZONE).map_err(Failure::failed)?;
    let first = zone.to_datetime(stage.began).date();
    let days = world.days_told(&zone);
    put(&format!(
        "{days} 天、{} 条热搜标题:监测 → 研判 → 日志;虚拟时钟 ({} titles of {days} days through monitor, assess and log, under a virtual clock)",
        world.count(),
        world.count()
    ));
    let began = Instant::now();
    stage.only = Some("huiyin.case.opened.v1");
    let (mut date, mut before) = (first, 0);
    for _ in 0..days {
        let day = Instant::now();
        date = date.tomorrow().map_err(Failure::failed)?;
        // The log of a day is written ten minutes into the next.
        let end = zone.to_timestamp(date.at(0, 0, 0, 0)).map_err(Failure::failed)?;
        stage.forward(end.checked_add(11.minutes()).map_err(Failure::failed)?)?;
        let said = date.yesterday().map_err(Failure::failed)?;
        let items = taken(stage)?;
        told(stage, said, items.saturating_sub(before), day.elapsed())?;
        before = items;
    }
    closing(stage, world, first, date, began.elapsed())
}

/// Items that the desk has taken in so far.
fn taken(stage: &Stage) -> Result<u64, Halt> {
    let sources = stage.get("/v1/sources")?;
    Ok(rows(&sources, "sources").filter_map(|source| source.get("items").and_then(Value::as_u64)).sum())
}

fn told(stage: &Stage, day: Date, items: u64, took: Duration) -> Result<(), Halt> {
    let logs = stage.get(&format!("/v1/logs?kind=daily&unit={UNIT}&day={day}"))?;
    let log = rows(&logs, "logs").find(|log| log.get("missing").and_then(Value::as_bool) != Some(true)).cloned();
    let log = log.ok_or_else(|| Failure::failed(format_args!("no log of {day} was written")))?;
    let first = rows(&log, "sections").next().map(|section| word(section, "text")).unwrap_or_default();
    put(&format!("{day}  新信息 {items:>4} 条  {:>5.1} s  日志{}:{first}", took.as_secs_f64(), word(&log, "issue_zh")));
    Ok(())
}

fn closing(stage: &Stage, world: &World, first: Date, end: Date, took: Duration) -> Result<(), Halt> {
    let items = taken(stage)?;
    let cases = stage.get("/v1/cases")?;
    let cases: Vec<Value> = rows(&cases, "cases").cloned().collect();
    let logs = stage.get(&format!("/v1/logs?kind=daily&unit={UNIT}"))?;
    let written = rows(&logs, "logs")
        .filter(|log| log.get("missing").and_then(Value::as_bool) != Some(true))
        .filter(|log| word(log, "to").parse::<Date>().is_ok_and(|day| (first..end).contains(&day)))
        .count();
    let count = u64::try_from(world.count()).unwrap_or(u64::MAX);
    let rate = f64::from(u32::try_from(items).unwrap_or(u32::MAX)) / took.as_secs_f64();
    put("");
    put(&format!(
        "信息 {items} 条(重复 {} 条已合并),办件 {} 件,日志 {written} 期;用时 {:.1} 秒,每秒 {rate:.0} 条",
        count.saturating_sub(items),
        cases.len(),
        took.as_secs_f64()
    ));
    put(&format!(
        "  ({items} items, {} duplicates merged, {} cases, {written} daily logs; {rate:.0} items/s from the source to the log)",
        count.saturating_sub(items),
        cases.len(),
    ));
    for case in cases.iter().take(5) {
        put(&format!("  {}  {}  {}", word(case, "number"), word(case, "level_zh"), word(case, "title")));
    }
    Ok(())
}
