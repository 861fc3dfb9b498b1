//! The reader against its table in the plugin author's guide, and against all
//! the ways in which dates, times and zones are put together.

use jiff::Timestamp;
use jiff::civil::DateTime;

use super::{Times, UtcOffset};

const GUIDE: &str = include_str!("../../../../docs/guides/plugin-author.md");

/// The rows of the guide's table: the text, and its moment or none.
fn table() -> Vec<(&'static str, Option<Timestamp>)> {
    let section = GUIDE.split_once("## Times as sources write them").unwrap().1;
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let (text, moment) = row.split_once("` | ").unwrap();
        let moment = moment.strip_suffix(" |").unwrap();
        (text, (moment != "no time").then(|| moment.trim_matches('`').parse().unwrap()))
    })
    .collect()
}

fn milliseconds(moment: Timestamp) -> u64 {
    u64::try_from(moment.as_millisecond()).unwrap()
}

#[test]
fn feed_times_of_the_guide_are_read_as_it_says() {
    let rows = table();
    assert!(rows.len() > 100, "{} rows", rows.len());
    let wrong: Vec<_> = rows
        .into_iter()
        .map(|(text, moment)| (text, moment.map(milliseconds), Times::default().read(text)))
        .filter(|(_, right, read)| right != read)
        .collect();
    assert!(wrong.is_empty(), "text, right, read: {wrong:#?}");
}

#[test]
fn feed_times_all_that_can_be_put_together_is_right_or_none() {
    let there: DateTime = "2024-03-01T15:30:15".parse().unwrap();
    let dates = [
        "2024-03-01",
        "2024/3/1",
        "2024.03.01",
        "2024年3月1日",
        "2024年03月01号",
        "２０２４年３月１日",
        "二〇二四年三月一日",
        "20240301",
        "Fri, 01 Mar 2024",
        "1 March 2024",
        "March 1, 2024",
        "Mar 1st 2024",
        "2024年3月1日（周五）",
        "2024年3月1日 星期五",
        "发布时间：2024-03-01",
        "2024 年 3 月 1 日",
    ];
    let times = [
        ("15:30:15", 15),
        ("15:30:15.000", 15),
        ("15:30", 0),
        ("15时30分15秒", 15),
        ("15时30分", 0),
        ("15点半", 0),
        ("下午3:30", 0),
        ("下午3时30分15秒", 15),
        ("下午三点半", 0),
        ("3:30:15 PM", 15),
        ("3:30 p.m.", 0),
        ("3:30下午", 0),
        ("１５：３０", 0),
        ("下午15:30", 0),
    ];
    let zones = [
        ("", 8 * 60),
        (" +0800", 8 * 60),
        ("+08:00", 8 * 60),
        (" GMT", 0),
        (" UTC", 0),
        (" Z", 0),
        (" UTC+8", 8 * 60),
        (" GMT+0800", 8 * 60),
        (" CST", 8 * 60),
        (" EST", -300),
        (" -0500", -300),
        (" America/New_York", -300),
        (" Asia/Shanghai", 8 * 60),
        (" 北京时间", 8 * 60),
        ("+5:30", 330),
        (" (UTC)", 0),
        (" +0900 (JST)", 540),
    ];
    let mut count = 0;
    for date in dates {
        for (time, second) in times {
            for (zone, offset) in zones {
                let text = format!("{date} {time}{zone}");
                let local = there.with().second(second).build().unwrap();
                let right = jiff::tz::Offset::from_seconds(offset * 60).unwrap().to_timestamp(local).unwrap();
                assert_eq!(Times::default().read(&text), Some(milliseconds(right)), "{text}");
                // Whatever is put behind or before it, it is no other time.
                for text in [
                    format!("{text} 某"),
                    format!("约{text}"),
                    format!("{text} 7"),
                    format!("{text} +3"),
                    format!("{text}-{date}"),
                ] {
                    let read = Times::default().read(&text);
                    assert!(
                        read.is_none() || (text.ends_with("+3") && (zone.is_empty() || offset == 0)),
                        "{text}: {read:?}"
                    );
                }
                count += 1;
            }
        }
    }
    assert!(count > 300);
}

#[test]
fn feed_times_cst_is_as_the_source_is_set() {
    let america = Times { cst: UtcOffset::parse("-06:00").unwrap(), ..Times::default() };
    assert_eq!(america.read("Sat Mar 20 20:39:33 CST 2021"), Some(1_616_294_373_000));
    assert_eq!(Times::default().read("Sat Mar 20 20:39:33 CST 2021"), Some(1_616_243_973_000));
}

#[test]
fn feed_times_more_than_a_day_ahead_are_none() {
    let now = milliseconds("2024-03-01T00:00:00Z".parse().unwrap());
    let times = Times { now: Some(now), ..Times::default() };
    assert!(times.read("2024-03-01T23:59:59Z").is_some());
    assert_eq!(times.read("2024-03-02T00:00:01Z"), None);
    assert_eq!(times.check(1e300), None);
    assert_eq!(times.check(f64::NAN), None);
    assert_eq!(times.check(1_709_164_800_000.0), Some(1_709_164_800_000));
}

#[test]
fn feed_times_no_text_makes_the_reader_stumble() {
    let pieces = [
        "2024",
        "-",
        "03",
        "年",
        "月",
        "日",
        "下午",
        ":",
        "+",
        "T",
        "Z",
        "CST",
        " ",
        "(",
        "三",
        "十",
        "99999999999999999999",
        ".",
        "é",
        "\u{0}",
        "Mar",
    ];
    let mut seed = 7_u64;
    for _ in 0..50_000 {
        let mut text = String::new();
        for _ in 0..9 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(pieces[(seed >> 33) as usize % pieces.len()]);
        }
        let _ = Times::default().read(&text);
    }
}
