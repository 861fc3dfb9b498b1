//! The stories of `huiyin demo --story`, played under a virtual clock: what a person sees, and what is on record after.

use std::path::Path;
use std::process::Command;

use huiyin_tests::host::program;
use huiyin_tests::{house, project};

/// Plays a story into a folder; what it prints, once it has ended well.
fn play(story: &str, data: &Path, more: &[&str]) -> String {
    let shared = house::code_cache().with_extension("served");
    if shared.is_dir() {
        house::copy(&shared, &data.join("cache")).unwrap();
    }
    let out = Command::new(program("huiyin"))
        .args(["demo", "--story", story, "--speed", "max", "--data"])
        .arg(data)
        .args(more)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&out.stderr));
    text
}

/// The log that a story leaves is whole.
fn verified(data: &Path) {
    let out = Command::new(program("huiyin")).args(["audit", "verify", "--data"]).arg(data).output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
}

/// The place of the first line that says all of this.
fn at(text: &str, words: &[&str]) -> usize {
    let found = text.lines().position(|line| words.iter().all(|word| line.contains(word)));
    found.unwrap_or_else(|| panic!("no line says {words:?}:\n{text}"))
}

#[test]
fn a_major_matter_is_played_from_the_rumour_to_the_close_each_step_at_its_minute() {
    let folder = tempfile::tempdir().unwrap();
    let text = play("major", folder.path(), &[]);
    let steps: [&[&str]; 22] = [
        &["    2 min", "3.1a", "网传"],
        &["    2 min", "3.2a", "研判为Ⅱ重大"],
        &["    2 min", "5e", "时限起算", "15:00"],
        &["    2 min", "工作流拟好快报稿"],
        &["    6 min", "5c", "宣布为重大舆情"],
        &["    9 min", "5b", "确认收到"],
        &["   27 min", "6b", "被拒绝"],
        &["   30 min", "5e", "时限预警", "30:00"],
        &["   31 min", "5e,6b", "第二人批准"],
        &["   31 min", "5e", "停表", "按时"],
        &["   36 min", "3.3", "回执"],
        &["   36 min", "3.3", "linhai 已签收"],
        &["   42 min", "3.2g", "批准"],
        &["   48 min", "2b", "口径"],
        &["   65 min", "5a", "续报报出"],
        &["  105 min", "2b", "口径不一致,被拒绝"],
        &["  105 min", "3.5d", "会签前签发,被拒绝"],
        &["  105 min", "4a", "停表", "按时"],
        &["  240 min", "媒体专访"],
        &["  250 min", "1f", "被拒绝"],
        &["终报报出"],
        &["1i", "办结"],
    ];
    let places: Vec<usize> = steps.iter().map(|words| at(&text, words)).collect();
    assert!(places.is_sorted(), "{places:?}\n{text}");
    for kind in ["网上发布", "专家解读", "新闻发布会"] {
        at(&text, &[kind, "会签", "凭证"]);
    }
    at(&text, &["详报写原因", "上级批准"]);
    at(&text, &["办件", "(state closed)"]);
    assert!(!text.contains("超时") && !text.contains("逐级上报"), "nothing was late:\n{text}");
    verified(folder.path());
    // Its folder is a story's that was played: it is not played over.
    let again = Command::new(program("huiyin"))
        .args(["demo", "--story", "major", "--speed", "max", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.status.code() == Some(2) && said.contains("is not empty"), "{said}");
}

#[test]
fn the_same_rumour_with_everybody_asleep_warns_climbs_to_the_superior_and_is_breached_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let text = play("asleep", folder.path(), &[]);
    let steps: [&[&str]; 11] = [
        &["    2 min", "3.2a", "研判为Ⅱ重大"],
        &["   30 min", "5e", "时限预警", "30:00"],
        &["   40 min", "2c,5e", "逐级上报", "高原"],
        &["   50 min", "5e", "时限预警", "10:00"],
        &["   50 min", "2c,5e", "逐级上报", "林国栋"],
        &["   60 min", "2c,5e", "逐级上报", "省林业"],
        &["   60 min", "5e", "超时", "快报"],
        &["   75 min", "2c,5e", "逐级上报", "林国栋"],
        &["  300 min", "4a", "超时"],
        &[" 1728 min", "1i", "逐级上报"],
        &[" 2160 min", "1i", "超时"],
    ];
    let places: Vec<usize> = steps.iter().map(|words| at(&text, words)).collect();
    assert!(places.is_sorted(), "{places:?}\n{text}");
    at(&text, &["   50 min", "已通知", "林国栋", "时限逐级提醒"]);
    at(&text, &["   60 min", "已通知", "省林业", "时限逐级提醒"]);
    assert!(!text.contains("停表:"), "nobody did anything:\n{text}");
    let record = text.split("办件 ").last().unwrap();
    assert_eq!(record.matches("(breached)").count(), 3, "{text}");
    assert!(!record.contains("(state closed)"), "{record}");
    verified(folder.path());
}

#[test]
fn days_of_real_titles_are_collected_judged_and_logged_each_item_once() {
    let feed = project("../shared/data/weibo-hot");
    if !feed.is_dir() {
        eprintln!("{} is not there: days of real titles are not played", feed.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let text = play("weibo", folder.path(), &["--days", "2", "--feed-dir", feed.to_str().unwrap()]);
    let titles = |day: &str| -> Vec<String> {
        let text = std::fs::read_to_string(feed.join(format!("{day}.json"))).unwrap();
        let all: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        all.iter().filter_map(|title| title["title"].as_str()).map(str::to_owned).collect()
    };
    let all = [titles("2024-03-01"), titles("2024-03-02")].concat();
    let once: std::collections::BTreeSet<&String> = all.iter().collect();
    let summary = format!("信息 {} 条(重复 {} 条已合并)", once.len(), all.len() - once.len());
    assert!(all.len() > once.len(), "the days have titles in common");
    at(&text, &[&summary, "日志 2 期"]);
    for day in ["2024-03-01", "2024-03-02"] {
        at(&text, &[day, "收到信息"]);
    }
    verified(folder.path());
}

#[test]
fn what_a_story_cannot_be_played_with_is_said_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let refused = |arguments: &[&str], words: &[&str]| {
        let out =
            Command::new(program("huiyin")).arg("demo").args(arguments).arg("--data").arg(&data).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{arguments:?}: {said}");
        assert!(!data.exists(), "{arguments:?}");
    };
    refused(&["--story", "minor"], &["major", "asleep", "weibo"]);
    refused(&["--story", "major", "--speed", "0"], &["from 1 to 3600"]);
    refused(&["--speed", "60"], &["--story"]);
    refused(&["--story", "major", "--seconds", "3"], &["--seconds"]);
    refused(&["--story", "weibo", "--days", "0"], &["--days"]);
    let lists = folder.path().join("lists");
    std::fs::create_dir(&lists).unwrap();
    let lists = lists.to_str().unwrap();
    refused(&["--story", "weibo", "--feed-dir", lists], &["has no list YYYY-MM-DD.json"]);
    std::fs::write(folder.path().join("lists/today.json"), "[]").unwrap();
    refused(&["--story", "weibo", "--feed-dir", lists], &["today.json", "2024-03-01.json"]);
    std::fs::write(folder.path().join("lists/today.json"), "[{\"url\": 1}]").unwrap();
    refused(&["--story", "weibo", "--feed-dir", lists], &["today.json"]);
}
