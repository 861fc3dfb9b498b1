//! The collector as a host calls it, against pretended sites.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use huiyin_plugin_webpage::Webpage;
use huiyin_sdk::http::Response;
use huiyin_sdk::http::testing::{Serving, serve};
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::{Error, Page, testing};

/// 2026-11-30T00:00:00Z
const NOW: u64 = 1_795_996_800_000;
const DAY: u64 = 86_400_000;
const LIST: &str = "https://lcj.example.cn/xwdt/tzgg/";

/// A site: its pages by address, which the test may change, and what was asked.
#[derive(Clone, Default)]
struct Pages {
    pages: Rc<RefCell<BTreeMap<String, Response>>>,
    asked: Rc<RefCell<Vec<String>>>,
}

impl Pages {
    fn put(&self, address: &str, response: Response) {
        self.pages.borrow_mut().insert(address.to_owned(), response);
    }

    fn html(&self, address: &str, text: &str) {
        self.put(address, Response::new(200, text).with_header("content-type", "text/html"));
    }

    fn serve(&self) -> Serving {
        let site = self.clone();
        serve(move |request| {
            site.asked.borrow_mut().push(request.url.clone());
            let answer = site.pages.borrow().get(&request.url).cloned();
            let answer = answer.unwrap_or_else(|| Response::new(404, ""));
            let known = request.headers.iter().find(|(name, _)| name == "if-none-match");
            let same = known.is_some_and(|(_, tag)| answer.header("etag").is_some_and(|there| there.as_bytes() == tag));
            Ok(if same { Response::new(304, "") } else { answer })
        })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.borrow_mut().drain(..).filter(|url| !url.ends_with("robots.txt")).collect()
    }
}

fn config(more: &Value) -> String {
    let mut config = json!({"url": LIST, "channel": "portal", "list": {"entry": "ul.list > li"}, "detail": {}});
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    config.to_string()
}

fn collect(config: &str, cursor: Option<String>) -> Result<Page, Error> {
    testing::collect::<Webpage>(&testing::context(NOW), config, cursor, 100)
}

fn list(entries: &[(&str, &str, &str)]) -> String {
    let entries: String = entries
        .iter()
        .map(|(href, title, date)| format!("<li><a href=\"{href}\">{title}</a><span>[{date}]</span>"))
        .collect();
    format!("<html><head><title>通知公告_临海市林草局</title></head><body><ul class=list>{entries}</ul></body></html>")
}

fn logged(part: &str) -> bool {
    testing::log().iter().any(|(_, line)| line.contains(part))
}

#[test]
fn webpage_a_page_of_a_government_site_is_read_by_its_metas_and_its_table() {
    let site = Pages::default();
    site.html(LIST, &list(&[("./202403/t20240301_1.html", "关于封山禁火的通…", "2024-03-01")]));
    // GBK, metas, a table of the public-information catalogue, and a notice of 43 characters.
    let page = "<html><head><meta charset=gb2312><meta name=\"ArticleTitle\" content=\"关于封山禁火的通告\">
        <meta name=\"PubDate\" content=\"2024-03-01 08:30\"><meta name=\"ContentSource\" content=\"市林草局\"><meta name=\"ColumnName\" content=\"通知公告\">
        <title>关于封山禁火的通告_临海市林草局</title></head><body><div class=nav><a href=/>首页</a></div>
        <table><tr><td>索 引 号：</td><td>LC-2024-1</td><td>发布日期：</td><td>2024年3月2日</td></tr><tr><td>成文日期</td><td>2024年2月28日</td></tr></table>
        <div class=TRS_Editor><p>即日起至5月31日，青枫县全境封山禁火。<p>违者依法处理。举报电话见公告栏。</div>
        <script>document.write('x')</script></body></html>";
    let bytes = encoding_rs::GBK.encode(page).0.into_owned();
    site.put(
        "https://lcj.example.cn/xwdt/tzgg/202403/t20240301_1.html",
        Response::new(200, bytes).with_header("content-type", "text/html"),
    );
    let _serving = site.serve();
    let page = collect(&config(&json!({})), None).unwrap();
    let item = &page.items[0];
    assert_eq!(item.id, "https://lcj.example.cn/xwdt/tzgg/202403/t20240301_1.html");
    assert_eq!(item.title, "关于封山禁火的通告");
    assert_eq!(item.body, "即日起至5月31日，青枫县全境封山禁火。\n违者依法处理。举报电话见公告栏。");
    assert_eq!(item.published, Some(1_709_253_000_000), "the meta comes before the table");
    for (field, value) in [
        ("issued", "2024年2月28日"),
        ("index", "LC-2024-1"),
        ("outlet", "市林草局"),
        ("column", "通知公告"),
        ("channel", "portal"),
    ] {
        assert_eq!(item.fields.get(field).map(String::as_str), Some(value), "{field}");
    }
    assert!(!page.more);
    let again = collect(&config(&json!({})), page.cursor).unwrap();
    assert_eq!(again.items, []);
}

#[test]
fn webpage_the_table_says_when_it_was_published_where_no_meta_does() {
    let site = Pages::default();
    site.html(LIST, &list(&[("/a.html", "一", "2024-03-05")]));
    site.html(
        "https://lcj.example.cn/a.html",
        "<table><tr><th>成文日期<td>2024-02-28<tr><th>发布日期<td>2024-03-01</table><p>甲村停电。</p>",
    );
    let _serving = site.serve();
    let item = collect(&config(&json!({})), None).unwrap().items.remove(0);
    assert_eq!((item.published, item.fields["issued"].as_str()), (Some(1_709_222_400_000), "2024-02-28"));
    assert_eq!(item.body, "甲村停电。");
    assert_eq!(item.title, "一", "the list's title is whole, and the page has none");
}

#[test]
fn webpage_places_are_taken_where_they_are_given_and_asides_are_left_out() {
    let site = Pages::default();
    site.html(LIST, &list(&[("/a.html", "一", "2024-03-01")]));
    site.html(
        "https://lcj.example.cn/a.html",
        "<h2 class=t>全题</h2><i class=d>时间：2024-03-01 08:30　来源：市局</i><div id=c>甲<p class=share>分享到</p><p>乙</div><b class=s>已办结</b>",
    );
    let _serving = site.serve();
    let detail = json!({"title": ".t", "date": ".d", "body": "#c", "remove": [".share"], "fields": {"status": ".s"}});
    let item = collect(&config(&json!({"detail": detail, "set": {"outlet": "林草局"}})), None).unwrap().items.remove(0);
    assert_eq!((item.title.as_str(), item.body.as_str(), item.published), ("全题", "甲\n乙", Some(1_709_253_000_000)));
    assert_eq!((item.fields["status"].as_str(), item.fields["outlet"].as_str()), ("已办结", "林草局"));
}

#[test]
fn webpage_a_table_is_read_by_its_headers() {
    let site = Pages::default();
    let rows = "<table class=l><thead><tr><th>序号<th colspan=2>标 题<th>状态<th>日期</thead>
        <tr><td>1<td>咨询<td><a href=1.html>采伐证怎么办</a><td>已答复<td>2024-03-01<tr><td>2<td>投诉<td><a href=2.html>毁林</a><td>办理中<td>昨天</table>";
    site.html(LIST, rows);
    let _serving = site.serve();
    let entries =
        json!({"entry": "table.l tr", "columns": {"title": "标题", "date": "日期", "status": "状态", "no": "序号"}});
    let board = json!({"list": entries, "detail": null, "intake": {"kind": "message"}});
    let page = collect(&config(&board), None).unwrap();
    let seen: Vec<_> =
        page.items.iter().map(|item| (item.title.as_str(), item.fields["status"].as_str(), item.published)).collect();
    assert_eq!(seen, [("咨询", "已答复", Some(1_709_222_400_000)), ("投诉", "办理中", None)]);
    assert_eq!(page.items[0].fields["intake"], "message");
    assert!(logged("昨天"));
    let entries = json!({"entry": "table.l tr", "columns": {"title": "标题", "date": "发布日期"}});
    let error = collect(&config(&json!({"list": entries, "detail": null})), None).unwrap_err();
    assert!(error.to_string().contains("发布日期"), "{error}");
}

#[test]
fn webpage_a_message_that_is_answered_is_no_new_matter() {
    let site = Pages::default();
    site.html(LIST, &list(&[("/1", "路灯不亮", "2024-03-01"), ("/2", "毁林", "2024-03-02")]));
    site.html("https://lcj.example.cn/1", "<div id=q>东街路灯坏了。</div><div class=reply>已修复。</div>");
    site.html("https://lcj.example.cn/2", "<div id=q>后山有人砍树。</div><div class=reply> </div>");
    let _serving = site.serve();
    let board = json!({"detail": {"body": "#q", "fields": {"reply": ".reply"}}, "intake": {"kind": "message", "answered": "reply"}});
    let page = collect(&config(&board), None).unwrap();
    let intake: Vec<_> = page.items.iter().map(|item| item.fields.get("intake").map(String::as_str)).collect();
    assert_eq!(intake, [None, Some("message")]);
    assert_eq!(page.items[0].fields["reply"], "已修复。");
}

#[test]
fn webpage_pages_are_gone_through_until_what_is_known() {
    for next in [json!({"by": "number", "address": "index_{n}.html"}), json!({"by": "link", "selector": "a.next"})] {
        let site = Pages::default();
        let page = |entries: &[(&str, &str, &str)], next: &str| {
            format!("{}<a class=next href='{next}'>下一页</a>", list(entries))
        };
        site.html(LIST, &page(&[("/5", "五", ""), ("/4", "四", "")], "index_1.html"));
        site.html(&format!("{LIST}index_1.html"), &page(&[("/3", "三", ""), ("/2", "二", "")], "index_2.html"));
        site.html(&format!("{LIST}index_2.html"), &page(&[("/1", "一", "")], "index_3.html"));
        let _serving = site.serve();
        let config = config(&json!({"list": {"entry": "li", "next": next}, "detail": null}));
        let (mut titles, mut cursor) = (Vec::new(), None);
        loop {
            let page = collect(&config, cursor.take()).unwrap();
            titles.extend(page.items.into_iter().map(|item| item.title));
            cursor = page.cursor;
            if !page.more {
                break;
            }
        }
        assert_eq!(titles, ["五", "四", "三", "二", "一"]);
        site.asked();
        site.html(LIST, &page(&[("/6", "六", ""), ("/5", "五", "")], "index_1.html"));
        let news = collect(&config, cursor).unwrap();
        assert_eq!((news.items.len(), news.more), (1, true));
        let rest = collect(&config, news.cursor).unwrap();
        assert_eq!((rest.items.len(), rest.more), (0, false), "a page of known entries ends it");
        assert_eq!(site.asked().len(), 2);
    }
}

#[test]
fn webpage_a_few_pages_are_read_in_a_call_and_none_is_lost() {
    let site = Pages::default();
    let entries: Vec<_> = (1..=7).map(|n| (format!("/{n}"), format!("第{n}条"))).collect();
    let entries: Vec<_> = entries.iter().map(|(href, title)| (href.as_str(), title.as_str(), "2024-03-01")).collect();
    site.html(LIST, &list(&entries));
    for n in (1..=7).filter(|n| *n != 2) {
        site.html(&format!("https://lcj.example.cn/{n}"), &format!("<p>第{n}条的正文。</p>"));
    }
    site.put("https://lcj.example.cn/2", Response::new(500, ""));
    site.put("https://lcj.example.cn/4", Response::new(200, "%PDF").with_header("content-type", "application/pdf"));
    site.put("https://lcj.example.cn/5", Response::new(410, ""));
    let _serving = site.serve();
    let config = config(&json!({"detail": {"perCall": 3}}));
    let (mut ids, mut bodies, mut cursor) = (Vec::new(), 0, None);
    for _ in 0..8 {
        let page = collect(&config, cursor.take()).unwrap();
        ids.extend(page.items.iter().map(|item| item.title.clone()));
        bodies += page.items.iter().filter(|item| !item.body.is_empty()).count();
        cursor = page.cursor;
    }
    ids.sort();
    assert_eq!(
        ids,
        (1..=7).map(|n| format!("第{n}条")).collect::<Vec<_>>(),
        "each once, the broken ones by the list's word"
    );
    assert_eq!(bodies, 4);
    assert!(logged("after 3 tries") && logged("application/pdf") && logged("answered 410"));
}

#[test]
fn webpage_a_site_that_changed_its_shape_is_broken_and_never_empty() {
    let site = Pages::default();
    site.html(LIST, &list(&[("/1", "一", "2024-03-01")]));
    site.html("https://lcj.example.cn/1", "<div id=c>甲</div>");
    let _serving = site.serve();
    let config = config(&json!({"list": {"entry": "ul.list > li", "date": "span"}, "detail": {"body": "#c"}}));
    let cursor = collect(&config, None).unwrap().cursor;
    for (changed, why) in [
        ("<div class=new><a href=/1>一</a></div>", "/list/entry finds nothing"),
        ("<html><title>系统维护</title>请稍候</html>", "/list/entry finds nothing"),
        ("", "/list/entry finds nothing"),
        ("<ul class=list><li><b>一</b></ul>", "have no title"),
        ("<ul class=list><li><a href=/1>一</a><em>2024-03-01</em></ul>", "none has a date"),
    ] {
        site.html(LIST, changed);
        let error = collect(&config, cursor.clone()).unwrap_err();
        let said = error.to_string();
        assert!(
            matches!(error, Error::Transient(_)) && said.contains("is broken") && said.contains(why),
            "{changed}: {said}"
        );
    }
    site.html(LIST, "<p>x</p>");
    let never = collect(&config, None).unwrap_err().to_string();
    assert!(never.contains("mend the selectors"), "{never}");
    // Pages too: a few in a row without text at its place.
    site.html(LIST, &list(&[("/2", "二", "2024-03-02"), ("/3", "三", "2024-03-02"), ("/4", "四", "2024-03-02")]));
    for n in 2..=4 {
        site.html(&format!("https://lcj.example.cn/{n}"), "<div id=other>乙</div>");
    }
    let error = collect(&config, cursor).unwrap_err().to_string();
    assert!(error.contains("is broken") && error.contains("/detail/body"), "{error}");
}

#[test]
fn webpage_a_list_may_say_that_it_is_empty() {
    let site = Pages::default();
    site.html(LIST, "<p>暂无信息</p>");
    let _serving = site.serve();
    let config = config(&json!({"list": {"entry": "li", "empty": "暂无信息"}}));
    let page = collect(&config, None).unwrap();
    assert_eq!((page.items.len(), page.more), (0, false));
}

#[test]
fn webpage_robots_txt_is_heard_and_kept_for_a_day() {
    let site = Pages::default();
    site.put("https://lcj.example.cn/robots.txt", Response::new(200, "User-agent: *\nDisallow: /secret/"));
    site.html(LIST, &list(&[("/secret/1", "一", "2024-03-01"), ("/2", "二", "2024-03-01")]));
    site.html("https://lcj.example.cn/secret/1", "<p>不该读</p>");
    site.html("https://lcj.example.cn/2", "<p>甲</p>");
    let _serving = site.serve();
    let page = collect(&config(&json!({})), None).unwrap();
    assert_eq!(page.items.iter().map(|item| item.body.as_str()).collect::<Vec<_>>(), ["", "甲"]);
    let asked: Vec<String> = site.asked.borrow_mut().drain(..).collect();
    assert_eq!(asked, ["https://lcj.example.cn/robots.txt", LIST, "https://lcj.example.cn/2"]);
    collect(&config(&json!({})), page.cursor.clone()).unwrap();
    assert_eq!(*site.asked.borrow(), [LIST], "robots.txt is not asked for again");
    // A day later it is; a server in trouble leaves the old rules.
    site.put("https://lcj.example.cn/robots.txt", Response::new(500, ""));
    let later = testing::context(NOW + 2 * DAY);
    testing::collect::<Webpage>(&later, &config(&json!({})), page.cursor, 10).unwrap();
    let error = collect(&config(&json!({})), None).unwrap_err();
    assert!(matches!(&error, Error::Transient(why) if why.contains("robots.txt")), "{error}");
    site.put("https://lcj.example.cn/robots.txt", Response::new(200, "User-agent: Huiyin\nDisallow: /"));
    let error = collect(&config(&json!({})), None).unwrap_err();
    assert!(matches!(&error, Error::InvalidConfig(why) if why.contains("forbids")), "{error}");
    // One that is a page of HTML is none.
    site.html("https://lcj.example.cn/robots.txt", "User-agent: *\nDisallow: /");
    assert!(collect(&config(&json!({})), None).is_ok());
}

#[test]
fn webpage_a_pause_that_a_site_asks_for_is_kept() {
    let site = Pages::default();
    site.put("https://lcj.example.cn/robots.txt", Response::new(200, "User-agent: *\nCrawl-delay: 5"));
    site.html(LIST, &list(&[("/1", "一", "2024-03-01"), ("/2", "二", "2024-03-01")]));
    site.html("https://lcj.example.cn/1", "<p>甲</p>");
    let _serving = site.serve();
    let page = collect(&config(&json!({})), None).unwrap();
    assert_eq!((page.items.len(), page.more), (1, true));
    assert_eq!(collect(&config(&json!({})), page.cursor.clone()).unwrap_err(), Error::RateLimited(10));
    let later = testing::context(NOW + 10_000);
    assert_eq!(testing::collect::<Webpage>(&later, &config(&json!({})), page.cursor, 10).unwrap().items.len(), 1);
}

#[test]
fn webpage_an_unchanged_list_is_not_read_again() {
    let site = Pages::default();
    let answer = Response::new(200, list(&[("/1", "一", "2024-03-01")])).with_header("etag", "\"7\"");
    site.put(LIST, answer);
    site.html("https://lcj.example.cn/1", "<p>甲</p>");
    let _serving = site.serve();
    let first = collect(&config(&json!({})), None).unwrap();
    site.asked();
    let again = collect(&config(&json!({})), first.cursor).unwrap();
    assert_eq!((again.items.len(), site.asked().len()), (0, 1));
}

#[test]
fn webpage_a_new_title_in_the_list_corrects_the_entry() {
    let site = Pages::default();
    site.html(LIST, &list(&[("/1", "火情通报", "2024-03-01")]));
    site.html("https://lcj.example.cn/1", "<p>无伤亡。</p>");
    let _serving = site.serve();
    let first = collect(&config(&json!({})), None).unwrap();
    site.html(LIST, &list(&[("/1", "火情通报（更正）", "2024-03-01")]));
    let item = collect(&config(&json!({})), first.cursor).unwrap().items.remove(0);
    assert_eq!(item.fields["corrects"], "https://lcj.example.cn/1");
    assert_eq!(item.body, "无伤亡。");
}

#[test]
fn webpage_text_files_are_whole_documents() {
    let site = Pages::default();
    site.html(LIST, "<pre><a href=\"20240301.txt\">2024-03-01 日报第3版.txt</a></pre>");
    let text = encoding_rs::GBK.encode("第3版\r\n\r\n  青枫县  封山禁火\r\n").0.into_owned();
    site.put(&format!("{LIST}20240301.txt"), Response::new(200, text).with_header("content-type", "text/plain"));
    let _serving = site.serve();
    let config = config(&json!({"channel": "print", "list": {"entry": "a[href$='.txt']"}}));
    let item = collect(&config, None).unwrap().items.remove(0);
    assert_eq!((item.body.as_str(), item.fields["channel"].as_str()), ("第3版\n青枫县 封山禁火", "print"));
}

#[test]
fn webpage_text_is_found_by_its_looks_however_short() {
    for (page, text) in [
        (
            "<div class=nav><a href=/>首页</a><a href=/a>新闻</a><a href=/b>公告</a></div><div><div class=main><p>因检修，3月1日8时至17时停电。</p></div></div><div class=footer>版权所有 <a href=/c>临海市林草局</a></div>",
            "因检修，3月1日8时至17时停电。",
        ),
        (
            "<table><tr><td><a href=/a>首页</a><td><font>各县局：<br>请于3月5日前上报。<br>联系人：王工</font></table>",
            "各县局：\n请于3月5日前上报。\n联系人：王工",
        ),
        ("<body>今日无火情。</body>", ""),
        ("<article><p>甲<p>乙</article><aside><p>推荐阅读推荐阅读推荐阅读推荐阅读</p></aside>", "甲\n乙"),
    ] {
        let site = Pages::default();
        site.html(LIST, &list(&[("/1", "一", "2024-03-01")]));
        site.html("https://lcj.example.cn/1", page);
        let _serving = site.serve();
        let item = collect(&config(&json!({})), None).unwrap().items.remove(0);
        let wanted = if text.is_empty() { "今日无火情。" } else { text };
        assert_eq!(item.body, wanted, "{page}");
    }
}

#[test]
fn webpage_a_configuration_that_cannot_be_meant_is_refused() {
    for (more, why) in [
        (json!({"list": {"entry": "li["}}), "/list/entry"),
        (json!({"list": {"entry": "li", "fields": {"x": ":nope("}}}), "/list/fields/x"),
        (json!({"list": {"entry": "li", "next": {"by": "number", "address": "index.html"}}}), "{n}"),
        (json!({"list": {"entry": "li", "maxPages": 0}}), "/list/maxPages"),
        (json!({"detail": {"perCall": 50}}), "/detail/perCall"),
        (json!({"detail": {"remove": ["a", "["]}}), "/detail/remove/1"),
        (json!({"timeoutSeconds": 0}), "/timeoutSeconds"),
    ] {
        let error = collect(&config(&more), None).unwrap_err();
        assert!(matches!(&error, Error::InvalidConfig(text) if text.contains(why)), "{more}: {error}");
    }
}

#[test]
fn webpage_no_page_makes_it_stumble() {
    let pieces = [
        "<li>",
        "<a href='",
        "/1'>",
        "</ul>",
        "<table",
        " colspan=99999999",
        "<tr><td>",
        "发布日期：",
        "2024-03-01",
        "<",
        "&#x;",
        "\u{0}",
        "<base href=//>",
        "</html>",
        "'\"",
        "<meta content",
        "<title",
    ];
    let mut seed = 7_u64;
    for _ in 0..300 {
        let mut text = "<ul class=list><li><a href=/1>一</a>".to_owned();
        for _ in 0..12 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push_str(pieces[(seed >> 33) as usize % pieces.len()]);
        }
        let site = Pages::default();
        site.html(LIST, &text);
        site.html("https://lcj.example.cn/1", &text);
        let _serving = site.serve();
        let _ = collect(&config(&json!({})), None);
    }
}

/// An example of the cookbook, by the name behind its fence.
fn cookbook(name: &str) -> String {
    let book = include_str!("../../../../docs/plugins/cookbook-collectors.md");
    let (_, rest) = book.split_once(&format!("```json {name}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn plugins_20_a_message_board_of_pages_is_a_configuration() {
    let site = Pages::default();
    site.html(
        "https://www.example.cn/wlwz/list.html",
        "<table class=board><tr><th>标题<th>留言日期<th>办理状态<tr><td><a href=./1.html>毁林</a><td>2024-03-01<td>待办理</table>",
    );
    site.html(
        "https://www.example.cn/wlwz/1.html",
        "<div class=asked>2024-03-01 08:30</div><div class=asked-by>山里人</div><div class=question>后山有人砍树。</div><div class=answer></div>",
    );
    let _serving = site.serve();
    let item = collect(&cookbook("message-board-pages"), None).unwrap().items.remove(0);
    assert_eq!(
        (item.title.as_str(), item.body.as_str(), item.published),
        ("毁林", "后山有人砍树。", Some(1_709_253_000_000))
    );
    assert_eq!(
        (item.fields["intake"].as_str(), item.fields["status"].as_str(), item.fields["asker"].as_str()),
        ("message", "待办理", "山里人")
    );
}

#[test]
fn plugins_20_scanned_papers_are_a_configuration() {
    let site = Pages::default();
    site.html(
        "https://ocr.example.cn/papers/",
        "<pre><a href=20240301-3.txt>20240301-3.txt</a> 01-Mar-2024 08:30</pre>",
    );
    site.put(
        "https://ocr.example.cn/papers/20240301-3.txt",
        Response::new(200, "青枫县封山禁火").with_header("content-type", "text/plain; charset=utf-8"),
    );
    let _serving = site.serve();
    let item = collect(&cookbook("print-files"), None).unwrap().items.remove(0);
    assert_eq!(
        (item.body.as_str(), item.fields["outlet"].as_str(), item.fields["channel"].as_str()),
        ("青枫县封山禁火", "临海日报", "print")
    );
}
