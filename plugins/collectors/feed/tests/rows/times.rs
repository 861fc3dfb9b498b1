//! Chinese times as publishers write them, each with its moment or none: of a
//! reading that is another moment, a legal clock would run wrongly.

use super::{logged, page};

const TIMES: &str = include_str!("../../fixtures/times.tsv");

fn read(text: &str) -> Option<String> {
    let feed = format!("<rss><channel><item><title>t</title><pubDate>{text}</pubDate></item></channel></rss>");
    let item = page(feed, None, "").items.remove(0);
    item.published.map(|at| huiyin_sdk::time::to_rfc3339(at).unwrap())
}

#[test]
fn feed_times_of_chinese_sources_are_right_or_said_to_be_unread() {
    let rows: Vec<(&str, &str)> = TIMES.lines().map(|line| line.split_once('\t').unwrap()).collect();
    assert!(rows.len() >= 300, "{} forms", rows.len());
    let mut odd = Vec::new();
    for (text, right) in &rows {
        huiyin_sdk::testing::reset();
        let read = read(text);
        // A text that gives no time stands in the log as it is written.
        let said = read.is_some() || logged(&format!("{:?}", text.trim()));
        if read.as_deref().unwrap_or("-") != *right || !said {
            odd.push(format!("{text}: {read:?}, right is {right}, said: {said}"));
        }
    }
    assert!(odd.is_empty(), "{} of {}: {odd:#?}", odd.len(), rows.len());
}
