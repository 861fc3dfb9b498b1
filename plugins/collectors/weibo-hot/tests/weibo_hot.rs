//! The collector as a host calls it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use huiyin_plugin_weibo_hot::WeiboHot;
use huiyin_sdk::http::Response;
use huiyin_sdk::http::testing::serve;
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::{Error, Page, testing};

const NOW: u64 = 1_795_996_800_000;

fn collect(body: &str, more: &Value, cursor: Option<String>, limit: u32) -> Result<Page, Error> {
    let body = body.to_owned();
    let _serving = serve(move |_| Ok(Response::new(200, body.clone())));
    let mut config = json!({"url": "https://weibo.com/ajax/side/hotSearch"});
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    testing::collect::<WeiboHot>(&testing::context(NOW), &config.to_string(), cursor, limit)
}

fn board(entries: &Value) -> String {
    json!({"ok": 1, "data": {"realtime": entries}}).to_string()
}

#[test]
fn weibo_hot_an_archive_has_its_rank_in_the_address() {
    let archive = r##"[{"url": "/weibo?q=%23%E9%9D%92%E6%9E%AB%E5%8E%BF%E5%B1%B1%E7%81%AB%23&t=31&band_rank=46&Refer=top", "title": "#青枫县山火#"},
        {"url": "/weibo?q=%23x%23&Refer=new_time", "title": "置顶"}, {"url": "/weibo?q=%23%E9%9D%92%E6%9E%AB%E5%8E%BF%E5%B1%B1%E7%81%AB%23&band_rank=3", "title": "青枫县山火"}]"##;
    let page = collect(archive, &json!({}), None, 10).unwrap();
    assert_eq!(page.items.len(), 2, "a subject that stands there twice is one");
    let first = &page.items[0];
    assert_eq!((first.title.as_str(), first.fields["rank"].as_str()), ("青枫县山火", "46"));
    assert_eq!(
        first.url.as_deref(),
        Some("https://weibo.com/weibo?q=%23%E9%9D%92%E6%9E%AB%E5%8E%BF%E5%B1%B1%E7%81%AB%23")
    );
    assert_eq!(page.items[1].fields["rank"], "2");
}

#[test]
fn weibo_hot_a_later_look_updates_rank_and_reads_where_they_moved() {
    let list = |rank: u32, heat: u64| {
        board(
            &json!([{"word": "青枫县山火", "num": heat, "realpos": rank, "label_name": "热", "note": "#青枫县山火#"}]),
        )
    };
    let first = collect(&list(30, 100_000), &json!({}), None, 10).unwrap();
    let fields = format!("{:?}", first.items[0].fields);
    assert_eq!(fields, r#"{"channel": "microblog", "label": "热", "rank": "30", "reads": "100000"}"#);
    for (rank, heat, again) in [
        (30, 100_000, false),
        (25, 149_999, false),
        (20, 100_000, true),
        (40, 100_000, true),
        (30, 150_000, true),
        (30, 1, false),
    ] {
        let later = collect(&list(rank, heat), &json!({}), first.cursor.clone(), 10).unwrap();
        assert_eq!(later.items.len(), usize::from(again), "{rank} {heat}");
        if let Some(item) = later.items.first() {
            assert_eq!(item.fields["corrects"], first.items[0].id);
            assert_eq!((item.fields["rank-before"].as_str(), item.fields["reads-before"].as_str()), ("30", "100000"));
            assert_ne!(item.id, first.items[0].id);
            assert_eq!(collect(&list(rank, heat), &json!({}), later.cursor, 10).unwrap().items, [], "once");
        }
    }
    let never = json!({"rankStep": 0, "heatPercent": 0});
    assert_eq!(collect(&list(1, 9_000_000), &never, first.cursor, 10).unwrap().items, []);
}

#[test]
fn weibo_hot_advertisements_and_other_places_are_left_out() {
    let list = board(
        &json!([{"word": "某品牌", "is_ad": 1}, {"word": "临海市道路积水"}, {"word": "明星八卦"}, 5, {"num": 3}, {"word": "##"}]),
    );
    let titles = |more: &Value| -> Vec<(String, String)> {
        let page = collect(&list, more, None, 10).unwrap();
        page.items.into_iter().map(|item| (item.title, item.fields["rank"].clone())).collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    };
    assert_eq!(titles(&json!({"words": ["临海", "青枫"]})), pairs(&[("临海市道路积水", "1")]));
    assert_eq!(titles(&json!({}))[..2], pairs(&[("临海市道路积水", "1"), ("明星八卦", "2")])[..]);
    assert_eq!(titles(&json!({"withoutAdvertisements": false}))[0].0, "某品牌");
}

#[test]
fn weibo_hot_what_is_no_list_is_broken_and_not_empty() {
    for body in [
        "",
        "<html>Visitor System</html>",
        r#"{"ok": -100, "url": "https://passport.example.cn"}"#,
        r#"{"data": {"realtime": []}}"#,
        "[{}]",
        r#"{"data": null}"#,
    ] {
        let error = collect(body, &json!({}), None, 10).unwrap_err();
        assert!(matches!(&error, Error::Transient(why) if why.contains("is broken")), "{body}: {error}");
    }
    assert!(collect("", &json!({"words": [" "]}), None, 10).unwrap_err().to_string().contains("/words"));
}

#[test]
fn weibo_hot_a_long_list_comes_in_parts() {
    let entries: Vec<Value> = (1..=25).map(|n| json!({"word": format!("第{n}条")})).collect();
    let (mut cursor, mut count) = (None, 0);
    for _ in 0..3 {
        let page = collect(&board(&json!(entries)), &json!({}), cursor, 10).unwrap();
        (cursor, count) = (page.cursor, count + page.items.len());
        assert_eq!(page.more, count < 25);
    }
    assert_eq!(count, 25);
}

#[test]
fn weibo_hot_a_month_of_lists_is_read_and_a_known_subject_stays_one() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/weibo-hot");
    let Ok(there) = std::fs::read_dir(&folder) else {
        println!("skipped: {} is not there", folder.display());
        return;
    };
    let mut files: Vec<_> = there
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    let (mut cursor, mut ids) = (None, std::collections::BTreeSet::new());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let page = collect(&text, &json!({"rankStep": 0}), cursor, 10_000).unwrap();
        for item in page.items {
            assert!(!item.title.is_empty() && item.url.is_some());
            ids.insert(item.id);
        }
        cursor = page.cursor;
    }
    assert!(ids.len() > 1_000, "{}", ids.len());
}
