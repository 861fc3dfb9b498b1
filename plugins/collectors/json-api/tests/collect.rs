//! The collector as a host calls it, against a pretended API.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::cell::RefCell;
use std::rc::Rc;

use huiyin_plugin_json_api::JsonApi;
use huiyin_sdk::http::Response;
use huiyin_sdk::http::testing::{Serving, serve};
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::{Error, Page, testing};

/// 2026-11-30T00:00:00Z
const NOW: u64 = 1_795_996_800_000;

fn config(more: &Value) -> String {
    let mut config = json!({
        "url": "https://api.cn/v1/posts?topic=林草",
        "channel": "weibo",
        "items": "/data/list",
        "fields": {"id": "/id", "title": "/title", "body": "/text", "url": "/link", "published": "/at",
                   "more": {"reads": "/stat/reads", "outlet": "/source"}},
    });
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    config.to_string()
}

fn collect(config: &str, cursor: Option<String>, limit: u32) -> Result<Page, Error> {
    testing::collect::<JsonApi>(&testing::context(NOW), config, cursor, limit)
}

fn answer(body: Value) -> Serving {
    serve(move |_| Ok(Response::new(200, body.to_string())))
}

fn ids(page: &Page) -> Vec<&str> {
    page.items.iter().map(|item| item.id.as_str()).collect()
}

fn list(ids: impl IntoIterator<Item = u64>) -> Value {
    ids.into_iter().map(|id| json!({"id": id, "title": format!("第{id}条")})).collect()
}

/// An API with `total()` entries, the newest first or the oldest first, by
/// page, offset or token; it logs the addresses asked for.
fn api(by: &'static str, total: &Rc<RefCell<u64>>, newest_first: bool) -> (Serving, Rc<RefCell<Vec<String>>>) {
    let log: Rc<RefCell<Vec<String>>> = Rc::default();
    let (asked, total) = (Rc::clone(&log), Rc::clone(total));
    let serving = serve(move |request| {
        asked.borrow_mut().push(request.url.clone());
        let parameter = |name: &str| {
            let query = request.url.split_once('?').unwrap().1;
            query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))?.parse::<u64>().ok())
        };
        let total = *total.borrow();
        let skip = match by {
            "page" => (parameter("page").unwrap() - 1) * 3,
            "offset" => parameter("skip").unwrap(),
            _ => parameter("after").unwrap_or(0),
        };
        let end = (skip + 3).min(total);
        let entries = (skip..end.max(skip)).map(|n| if newest_first { total - n } else { n + 1 });
        let next = if end < total { json!(end) } else { Value::Null };
        Ok(Response::new(200, json!({"data": {"list": list(entries), "next": next}}).to_string()))
    });
    (serving, log)
}

fn paging(by: &str) -> Value {
    match by {
        "page" => json!({"by": "page", "parameter": "page", "size": {"parameter": "n", "value": 3}}),
        "offset" => json!({"by": "offset", "parameter": "skip"}),
        _ => json!({"by": "cursor", "parameter": "after", "next": "/data/next"}),
    }
}

/// Collects until there is no more; gives the ids in order and the cursor.
fn sweep(config: &str, mut cursor: Option<String>, limit: u32) -> (Vec<u64>, Option<String>) {
    let mut got = Vec::new();
    for _ in 0..50 {
        let page = collect(config, cursor.clone(), limit).unwrap();
        assert!(page.items.len() <= limit as usize);
        got.extend(page.items.iter().map(|item| item.id.parse::<u64>().unwrap()));
        cursor = page.cursor.or(cursor);
        if !page.more {
            return (got, cursor);
        }
    }
    panic!("it never ends");
}

#[test]
fn an_entry_is_mapped_by_pointers() {
    let _serving = answer(json!({"data": {"list": [{
        "id": 7, "title": "火情<三>", "text": "a&amp;b", "link": "/p/7", "at": 1_709_253_000,
        "stat": {"reads": 12000}, "source": null, "unmapped": 1
    }]}}));
    let page = collect(&config(&json!({})), None, 10).unwrap();
    let item = &page.items[0];
    assert_eq!((item.id.as_str(), item.title.as_str(), item.body.as_str()), ("7", "火情<三>", "a&b"));
    assert_eq!(item.url.as_deref(), Some("https://api.cn/p/7"));
    assert_eq!(item.published, Some(1_709_253_000_000));
    assert_eq!(item.fields["reads"], "12000");
    assert_eq!(item.fields["channel"], "weibo");
    assert!(!item.fields.contains_key("outlet"));
    assert!(!page.more);
}

#[test]
fn feed_times_of_an_api_are_read_in_each_form() {
    for (times, value, expected) in [
        ("auto", json!("2024-03-01T08:30:00+08:00"), Some(1_709_253_000_000)),
        ("auto", json!("2024-03-01 08:30"), Some(1_709_253_000_000)),
        ("auto", json!(1_709_253_000_123_u64), Some(1_709_253_000_123)),
        ("auto", json!("1709253000"), Some(1_709_253_000_000)),
        ("auto", json!(1_709_253_000.5), Some(1_709_253_000_500)),
        ("auto", json!("20171222160001"), Some(1_513_929_601_000)),
        ("auto", json!(20_171_222_160_001_u64), Some(1_513_929_601_000)),
        ("auto", json!(20_240_301), Some(1_709_222_400_000)),
        ("auto", json!("20240301"), Some(1_709_222_400_000)),
        ("auto", json!(202_403_011_530_u64), Some(1_709_278_200_000)),
        ("auto", json!("202403011530"), Some(1_709_278_200_000)),
        ("auto", json!(2024), None),
        ("auto", json!("2024"), None),
        ("auto", json!(3.1), None),
        ("auto", json!("3.1"), None),
        ("auto", json!(0), None),
        ("auto", json!("0"), None),
        ("auto", json!(1e9), None),
        ("auto", json!("1e9"), None),
        ("auto", json!("1795996800"), Some(NOW)),
        ("auto", json!("1796083201"), None),
        ("epochSeconds", json!(1e9), Some(1_000_000_000_000)),
        ("epochSeconds", json!(100_000_000_001_u64), None),
        ("epochMilliseconds", json!("1709253000123"), Some(1_709_253_000_123)),
        ("epochMilliseconds", json!(5000), None),
        ("auto", json!(-1), None),
        ("auto", json!(1e300), None),
        ("auto", json!({}), None),
        ("auto", json!("soon"), None),
    ] {
        let _serving = answer(json!({"data": {"list": [{"id": 1, "title": "t", "at": value}]}}));
        let page = collect(&config(&json!({"times": times})), None, 1).unwrap();
        assert_eq!(page.items[0].published, expected, "{times} {value}");
    }
    assert!(testing::log().iter().any(|(_, line)| line.contains("not understood") && line.contains("\"soon\"")));
}

#[test]
fn a_newest_first_list_is_read_until_nothing_is_new() {
    for by in ["page", "offset", "cursor"] {
        let total = Rc::new(RefCell::new(7));
        let (_serving, log) = api(by, &total, true);
        let config = config(&json!({"paging": paging(by)}));
        let (got, cursor) = sweep(&config, None, 100);
        assert_eq!(got, [7, 6, 5, 4, 3, 2, 1], "{by}");

        *total.borrow_mut() = 11; // four new ones in front
        log.borrow_mut().clear();
        let (got, cursor) = sweep(&config, cursor, 100);
        assert_eq!(got, [11, 10, 9, 8], "{by}");
        assert_eq!(log.borrow().len(), 3, "two pages with news and one without");
        assert_eq!(sweep(&config, cursor, 100).0, [0; 0], "{by}");
    }
}

#[test]
fn an_oldest_first_list_is_read_on_from_where_it_stopped() {
    for by in ["page", "offset", "cursor"] {
        let total = Rc::new(RefCell::new(7));
        let (_serving, log) = api(by, &total, false);
        let config = config(&json!({"paging": paging(by), "order": "oldestFirst"}));
        let (got, cursor) = sweep(&config, None, 100);
        assert_eq!(got, [1, 2, 3, 4, 5, 6, 7], "{by}");
        *total.borrow_mut() = 9;
        log.borrow_mut().clear();
        assert_eq!(sweep(&config, cursor, 100).0, [8, 9], "{by}");
        assert!(log.borrow().len() <= 2, "it does not start over: {:?}", log.borrow());
    }
}

#[test]
fn the_limit_holds_and_nothing_is_lost_or_taken_twice() {
    for by in ["page", "offset", "cursor"] {
        for order in ["newestFirst", "oldestFirst"] {
            let total = Rc::new(RefCell::new(8));
            let (_serving, _) = api(by, &total, order == "newestFirst");
            let config = config(&json!({"paging": paging(by), "order": order}));
            let (mut got, _) = sweep(&config, None, 2);
            got.sort_unstable();
            assert_eq!(got, [1, 2, 3, 4, 5, 6, 7, 8], "{by} {order}");
        }
    }
}

/// One list of an API with what it answers for pages beyond it.
#[test]
fn feed_paging_the_end_is_told_in_many_ways() {
    for order in ["newestFirst", "oldestFirst"] {
        for (status, body) in [
            (404, ""),
            (400, "{}"),
            (500, ""),
            (200, "null"),
            (200, "{}"),
            (200, r#"{"data": null}"#),
            (200, "no more"),
            (200, r#"{"data": {"list": []}}"#),
            (200, r#"{"data": {"list": null}}"#),
        ] {
            let more: Rc<RefCell<Vec<u64>>> = Rc::new(RefCell::new(vec![]));
            let there = Rc::clone(&more);
            let _serving = serve(move |request| {
                if request.url.contains("page=1&") || request.url.ends_with("page=1") {
                    let ids = [there.borrow().clone(), vec![3, 2, 1]].concat();
                    return Ok(Response::new(200, json!({"data": {"list": list(ids)}}).to_string()));
                }
                Ok(Response::new(status, body))
            });
            let config = config(&json!({"paging": {"by": "page", "parameter": "page"}, "order": order}));
            let (mut got, mut cursor) = sweep(&config, None, 100);
            for n in 4..7 {
                more.borrow_mut().insert(0, n);
                for _ in 0..3 {
                    let (new, next) = sweep(&config, cursor, 100);
                    got.extend(new);
                    cursor = next;
                }
            }
            got.sort_unstable();
            assert_eq!(got, [1, 2, 3, 4, 5, 6], "{order} {status} {body}");
        }
    }
}

#[test]
fn feed_paging_an_empty_list_may_be_null() {
    let _serving = answer(json!({"data": {"list": null}}));
    assert_eq!(collect(&config(&json!({})), None, 10).unwrap().items, []);
}

#[test]
fn feed_paging_an_expired_cursor_begins_again_and_takes_nothing_twice() {
    for order in ["newestFirst", "oldestFirst"] {
        let total = Rc::new(RefCell::new(7));
        let config = config(&json!({"paging": paging("cursor"), "order": order}));
        let (serving, _) = api("cursor", &total, order == "newestFirst");
        let first = collect(&config, None, 100).unwrap();
        let second = collect(&config, first.cursor, 100).unwrap();
        drop(serving);
        let expired = serve(|_| Ok(Response::new(400, "")));
        let mut cursor = second.cursor;
        for _ in 0..2 {
            let page = collect(&config, cursor.clone(), 100);
            let Ok(page) = page else { break };
            assert!(!page.more);
            cursor = page.cursor;
            if cursor.as_ref().unwrap().contains(r#""at":"first""#) {
                break;
            }
        }
        drop(expired);
        *total.borrow_mut() = 9;
        let (_serving, _) = api("cursor", &total, order == "newestFirst");
        let mut got = Vec::new();
        for _ in 0..4 {
            let (new, next) = sweep(&config, cursor, 100);
            (got, cursor) = ([got, new].concat(), next);
        }
        got.extend(first.items.iter().chain(&second.items).map(|item| item.id.parse::<u64>().unwrap()));
        got.sort_unstable();
        assert!((1..=9).all(|n| got.contains(&n)) && got.len() == 9, "{order}: {got:?}");
    }
}

#[test]
fn feed_charset_of_an_api_is_heard_and_named() {
    let body = json!({"data": {"list": [{"id": 1, "title": "林区火情通报"}]}}).to_string();
    let gbk = encoding_rs::GBK.encode(&body).0.into_owned();
    let _serving =
        serve(
            move |_| Ok(Response::new(200, gbk.clone()).with_header("content-type", "application/json; charset=gbk")),
        );
    assert_eq!(collect(&config(&json!({})), None, 1).unwrap().items[0].title, "林区火情通报");
    let _serving = serve(|_| Ok(Response::new(200, "登录").with_header("content-type", "text/html; charset=big5")));
    let error = collect(&config(&json!({})), None, 1).unwrap_err().to_string();
    assert!(error.contains("read as UTF-8") && error.contains("charset=big5") && error.contains("登录"), "{error}");
}

#[test]
fn host_08_a_page_with_half_a_surrogate_pair_is_read() {
    let body = r#"{"data": {"list": [{"id": 1, "title": "火\ud83d"}, {"id": 2, "title": "二"}]}}"#;
    let _serving = serve(move |_| Ok(Response::new(200, body)));
    let page = collect(&config(&json!({})), None, 10).unwrap();
    assert_eq!((page.items.len(), page.items[0].title.as_str()), (2, "火\u{fffd}"));
}

#[test]
fn feed_text_of_an_api_stays_plain_where_it_is_plain() {
    let body =
        json!({"data": {"list": [{"id": 1, "title": "部署<script>字段的通报 &amp; 二", "text": "<p>a</p><p>b</p>"}]}});
    let _serving = answer(body);
    let page = collect(&config(&json!({})), None, 1).unwrap();
    assert_eq!(
        (page.items[0].title.as_str(), page.items[0].body.as_str()),
        ("部署<script>字段的通报 &amp; 二", "a\nb")
    );
    let page = collect(&config(&json!({"titleFormat": "html", "bodyFormat": "plain"})), None, 1).unwrap();
    assert_eq!((page.items[0].title.as_str(), page.items[0].body.as_str()), ("部署", "<p>a</p><p>b</p>"));
}

#[test]
fn feed_identity_of_an_api_is_the_link_and_the_title() {
    let body = json!({"data": {"list": [{"title": "一", "link": "/a"}, {"title": "二", "link": "/a"}, {"title": "二", "link": "/a"}]}});
    let serving = answer(body);
    let page = collect(&config(&json!({})), None, 10).unwrap();
    assert_eq!(page.items.len(), 2);
    assert!(testing::log().iter().any(|(_, line)| line.contains("1 twice")));
    drop(serving);
    let one = |title: &str| answer(json!({"data": {"list": [{"id": 1, "title": title}]}}));
    let serving = one("火情");
    let cursor = collect(&config(&json!({})), None, 10).unwrap().cursor;
    drop(serving);
    let _serving = one("火情（更正）");
    let page = collect(&config(&json!({})), cursor, 10).unwrap();
    assert_eq!((page.items[0].title.as_str(), page.items[0].fields["corrects"].as_str()), ("火情（更正）", "1"));
    assert_eq!(collect(&config(&json!({})), page.cursor, 10).unwrap().items, []);
}

#[test]
fn a_sweep_ends_after_so_many_pages_and_says_what_that_means() {
    let total = Rc::new(RefCell::new(100));
    let (_serving, log) = api("page", &total, true);
    let (got, _) = sweep(&config(&json!({"paging": paging("page"), "maxPages": 2})), None, 100);
    assert_eq!(got.len(), 6);
    assert!(testing::log().last().unwrap().1.contains("raise maxPages"));
    assert_eq!(log.borrow()[0], "https://api.cn/v1/posts?topic=林草&page=1&n=3");
}

#[test]
fn an_entry_without_an_id_has_a_stable_one() {
    let body = json!({"data": {"list": [{"title": "a", "link": "https://b.cn/1"}, {"title": "b"}, {"id": 3}, 7]}});
    let _serving = answer(body);
    let page = collect(&config(&json!({})), None, 10).unwrap();
    assert_eq!(ids(&page)[0], "https://b.cn/1");
    assert!(ids(&page)[1].starts_with("content:"));
    assert_eq!(page.items.len(), 2);
    assert!(testing::log()[0].1.contains("2 of 4"), "the odd ones are told of");
    assert_eq!(ids(&collect(&config(&json!({})), None, 10).unwrap()), ids(&page));
}

#[test]
fn answers_that_are_no_list_are_told_apart() {
    for (body, why) in [("<html>", "no JSON"), ("{\"data\": 1}", "mend /items"), ("", "no JSON")] {
        let _serving = serve(move |_| Ok(Response::new(200, body)));
        let error = collect(&config(&json!({})), None, 1).unwrap_err();
        assert!(matches!(&error, Error::Transient(text) if text.contains(why)), "{error}");
    }
    let _serving = serve(|_| Ok(Response::new(401, "")));
    assert!(matches!(collect(&config(&json!({})), None, 1), Err(Error::InvalidConfig(_))));
}

#[test]
fn a_wrong_configuration_says_where() {
    for (more, why) in [
        (json!({"items": "data"}), "/items: \"data\" is no JSON Pointer; write /data"),
        (json!({"fields": {}}), "/fields: neither title nor body"),
        (json!({"fields": {"title": "/t", "more": {"reads": "r"}}}), "/fields/more/reads"),
        (json!({"paging": {"by": "cursor", "parameter": "c", "next": "n"}}), "/paging/next"),
        (
            json!({"paging": {"by": "page", "parameter": "p", "size": {"parameter": "n", "value": 0}}}),
            "/paging/size/value",
        ),
        (json!({"paging": {"by": "magic"}}), "/paging"),
        (json!({"maxPages": 0}), "/maxPages"),
        (json!({"timeoutSeconds": 301}), "/timeoutSeconds"),
    ] {
        match collect(&config(&more), None, 1) {
            Err(Error::InvalidConfig(text)) => assert!(text.contains(why), "{text}"),
            other => panic!("{more}: {other:?}"),
        }
    }
}

/// An example of the cookbook, by the name behind its fence.
fn cookbook(name: &str) -> String {
    let book = include_str!("../../../../docs/plugins/cookbook-collectors.md");
    let (_, rest) = book.split_once(&format!("```json {name}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn plugins_20_a_message_board_is_a_configuration() {
    let config = cookbook("message-board");
    let board = |answer: &str, text: &str, edited: &str| {
        answer_to(json!({"data": {"rows": [
            {"no": "WZ-2", "subject": "毁林", "content": "后山有人砍树<三棵>。", "askTime": "2024-03-01 08:30", "editTime": "", "nickname": "山里人", "statusName": "待办理", "areaCode": "530001"},
            {"no": "WZ-1", "subject": "路灯", "content": text, "askTime": "2024-02-29 08:30", "editTime": edited, "statusName": "已办结", "answer": {"content": answer}}
        ]}}))
    };
    let first = {
        let _serving = board("已修复。", "东街路灯坏了。", "1");
        collect(&config, None, 10).unwrap()
    };
    let intake: Vec<_> = first.items.iter().map(|item| item.fields.get("intake").map(String::as_str)).collect();
    assert_eq!((ids(&first), intake), (vec!["WZ-2", "WZ-1"], vec![Some("message"), None]));
    let message = &first.items[0];
    assert_eq!(message.body, "后山有人砍树<三棵>。");
    assert_eq!(
        (message.fields["asker"].as_str(), message.fields["status"].as_str(), message.fields["region"].as_str()),
        ("山里人", "待办理", "530001")
    );
    assert_eq!(message.published, Some(1_709_253_000_000));
    // The answer taken back and the text changed: a correction, and no second matter.
    let _serving = board("", "西街路灯坏了。", "2");
    let end = collect(&config, first.cursor, 10).unwrap();
    assert!(end.items.is_empty() && !end.more, "the second page is empty");
    let again = collect(&config, end.cursor, 10).unwrap();
    assert_eq!(again.items.len(), 1);
    assert_eq!(again.items[0].fields["corrects"], "WZ-1");
    assert!(!again.items[0].fields.contains_key("intake"));
}

fn answer_to(body: Value) -> Serving {
    serve(move |request| {
        let first = !request.url.contains("page=") || request.url.contains("page=1&");
        let empty = json!({"data": {"rows": []}});
        Ok(Response::new(200, if first { body.to_string() } else { empty.to_string() }))
    })
}

#[test]
fn plugins_20_comments_beneath_news_are_a_configuration() {
    let _serving = serve(|request| {
        let second = request.url.contains("after=c2");
        let body = if second {
            json!({"data": {"comments": [{"commentId": 1, "text": "沙发", "createTime": 1_709_253_000}], "next": null}})
        } else {
            json!({"data": {"comments": [{"commentId": 2, "text": "<b>属实吗</b>？", "createTime": 1_709_253_060, "up": 27, "replyCount": 3, "ipLocation": "云南"}], "next": "c2"}})
        };
        Ok(Response::new(200, body.to_string()))
    });
    let config = cookbook("news-comments");
    let first = collect(&config, None, 10).unwrap();
    let item = &first.items[0];
    assert_eq!((item.body.as_str(), item.published, first.more), ("属实吗？", Some(1_709_253_060_000), true));
    for (field, value) in
        [("likes", "27"), ("comments", "3"), ("region", "云南"), ("outlet", "临海新闻网"), ("channel", "comments")]
    {
        assert_eq!(item.fields[field], value);
    }
    let second = collect(&config, first.cursor, 10).unwrap();
    assert_eq!((ids(&second), second.more), (vec!["1"], false));
}

#[test]
fn plugins_20_clippings_by_a_form_are_a_configuration() {
    let _serving = serve(|request| {
        let body = if request.url.ends_with("skip=0") {
            json!([{"id": "c1", "headline": "青枫县封山", "text": "PM2.5<35微克。", "issueDate": "2024年3月1日", "paper": "临海日报", "page": 3}])
        } else {
            json!([])
        };
        Ok(Response::new(200, body.to_string()))
    });
    let page = collect(&cookbook("print-form"), None, 10).unwrap();
    let item = &page.items[0];
    assert_eq!((item.body.as_str(), item.published), ("PM2.5<35微克。", Some(1_709_222_400_000)));
    assert_eq!(
        (item.fields["outlet"].as_str(), item.fields["page"].as_str(), item.fields["channel"].as_str()),
        ("临海日报", "3", "print")
    );
}
