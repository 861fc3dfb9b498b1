//! The collector as a host calls it, against answers of a pretended server.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::cell::RefCell;
use std::rc::Rc;

use huiyin_plugin_feed::Feed;
use huiyin_sdk::http::testing::{Serving, serve};
use huiyin_sdk::http::{Error as HttpError, Request, Response};
use huiyin_sdk::{Error, Page, testing};

/// 2026-11-30T00:00:00Z
const NOW: u64 = 1_795_996_800_000;

const CONFIG: &str = r#"{"url": "https://news.cn/feed", "channel": "portal"}"#;

fn collect(cursor: Option<String>, limit: u32) -> Result<Page, Error> {
    testing::collect::<Feed>(&testing::context(NOW), CONFIG, cursor, limit)
}

fn answer(response: Response) -> Serving {
    serve(move |_| Ok(response.clone()))
}

fn titles(page: &Page) -> Vec<&str> {
    page.items.iter().map(|item| item.title.as_str()).collect()
}

const RSS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>
<title>新闻</title><link>https://news.cn/</link>
<item><guid isPermaLink="false">n-2</guid><title>谣言&amp;真相</title><link>/n/2</link>
 <description>摘要</description><content:encoded><![CDATA[<p>网传山火<b>失控</b></p><p>不实</p>]]></content:encoded>
 <pubDate>Fri, 01 Mar 2024 08:30:00 +0800</pubDate></item>
<item><title>巡护</title><link>https://news.cn/n/1</link><description>&lt;p&gt;护林员 &amp;amp; 群众&lt;/p&gt;</description></item>
</channel></rss>"#;

#[test]
fn rss_becomes_items_oldest_first() {
    let _serving = answer(Response::new(200, RSS));
    let page = collect(None, 10).unwrap();
    assert_eq!(titles(&page), ["巡护", "谣言&真相"]);
    let rumour = &page.items[1];
    assert_eq!(rumour.id, "n-2");
    assert_eq!(rumour.url.as_deref(), Some("https://news.cn/n/2"));
    assert_eq!(rumour.body, "网传山火失控\n不实");
    assert_eq!(rumour.published, Some(1_709_253_000_000));
    assert_eq!(rumour.fields["channel"], "portal");
    let patrol = &page.items[0];
    assert_eq!(patrol.id, "https://news.cn/n/1", "the link serves as id");
    assert_eq!(patrol.body, "护林员 & 群众");
    assert_eq!(patrol.published, None);
    assert!(!page.more);
}

#[test]
fn rdf_atom_and_json_feed_are_read_too() {
    let rdf = r#"<rdf:RDF xmlns:rdf="r" xmlns:dc="d"><channel rdf:about="c"><title>t</title></channel>
        <item rdf:about="urn:1"><title>一</title><link>https://news.cn/1</link><dc:date>2024-03-01</dc:date></item></rdf:RDF>"#;
    let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id><title>t</title>
        <entry><id>urn:1</id><title type="html">&lt;b&gt;一&lt;/b&gt;</title>
        <link rel="self" href="https://news.cn/self"/><link href="https://news.cn/1?a=1&amp;b=2"/>
        <author><name>甲</name></author><updated>2024-02-29T16:00:00Z</updated>
        <content type="xhtml"><div><p>火<i>情</i></p></div></content></entry></feed>"#;
    let json = r#"{"version": "https://jsonfeed.org/version/1.1", "items": [
        {"id": 1, "url": "https://news.cn/1", "title": "一", "content_text": "1 < 2", "date_published": "2024-03-01T00:00:00+08:00"}]}"#;
    for (text, id, url, body) in [
        (rdf, "urn:1", "https://news.cn/1", ""),
        (atom, "urn:1", "https://news.cn/1?a=1&b=2", "火情"),
        (json, "1", "https://news.cn/1", "1 < 2"),
    ] {
        let _serving = answer(Response::new(200, text));
        let page = collect(None, 10).unwrap();
        let item = &page.items[0];
        assert_eq!(
            (item.id.as_str(), item.title.as_str(), item.url.as_deref(), item.body.as_str()),
            (id, "一", Some(url), body)
        );
        assert_eq!(item.published, Some(1_709_222_400_000), "{text}");
    }
}

#[test]
fn a_gbk_feed_is_read_whatever_the_header_claims() {
    let document = RSS.replace("UTF-8", "GBK");
    let (bytes, _, _) = encoding_rs::GBK.encode(&document);
    let response = Response::new(200, bytes.into_owned()).with_header("content-type", "text/xml; charset=utf-8");
    let _serving = answer(response);
    assert_eq!(titles(&collect(None, 10).unwrap()), ["巡护", "谣言&真相"]);
}

#[test]
fn nothing_is_taken_twice_and_the_limit_holds() {
    let _serving = answer(Response::new(200, RSS).with_header("etag", "\"v1\"").with_header("last-modified", "then"));
    let first = collect(None, 1).unwrap();
    assert_eq!(titles(&first), ["巡护"]);
    assert!(first.more);
    assert!(!first.cursor.as_ref().unwrap().contains("v1"), "not read to its end yet");
    let second = collect(first.cursor, 1).unwrap();
    assert_eq!(titles(&second), ["谣言&真相"]);
    assert!(!second.more);

    let seen: Rc<RefCell<Vec<Request>>> = Rc::default();
    let log = Rc::clone(&seen);
    let _serving = serve(move |request| {
        log.borrow_mut().push(request.clone());
        Ok(Response::new(304, ""))
    });
    assert_eq!(collect(second.cursor, 1).unwrap(), Page::default());
    let headers = &seen.borrow()[0].headers;
    assert!(headers.contains(&("if-none-match".to_owned(), b"\"v1\"".to_vec())));
    assert!(headers.contains(&("if-modified-since".to_owned(), b"then".to_vec())));
}

#[test]
fn a_new_entry_is_taken_and_old_ones_are_not() {
    let serving = answer(Response::new(200, RSS));
    let cursor = collect(None, 10).unwrap().cursor;
    drop(serving);
    let grown = RSS.replace("<item><guid", "<item><guid>n-3</guid><title>新</title></item><item><guid");
    let _serving = answer(Response::new(200, grown));
    assert_eq!(titles(&collect(cursor, 10).unwrap()), ["新"]);
}

#[test]
fn a_damaged_feed_gives_what_stands_before_the_damage() {
    let cut = RSS.find("<item><title>").unwrap() + 30;
    let cut = (cut..RSS.len()).find(|&at| RSS.is_char_boundary(at)).unwrap();
    let _serving = answer(Response::new(200, &RSS[..cut]).with_header("etag", "v"));
    let page = collect(None, 10).unwrap();
    assert_eq!(titles(&page), ["谣言&真相"]);
    assert!(!page.cursor.unwrap().contains("etag"), "the rest must be fetched again");
    assert!(testing::log()[0].1.contains("damaged after 1 entries"));

    for (body, why) in [
        ("<html><body>维护中</body></html>", "no <rss>"),
        ("", "no <rss>"),
        ("{\"a\":1}", "no list `items`"),
        ("{", "JSON"),
        ("<rss><channel><item><", "3 elements open"),
        ("<rss><channel><item><![CDATA[", "byte"),
    ] {
        let _serving = answer(Response::new(200, body));
        let error = collect(None, 10).unwrap_err();
        let why = why.replace("no list", "without a list");
        assert!(matches!(&error, Error::Transient(text) if text.contains(&why)), "{body}: {error}");
    }
}

#[test]
fn answers_are_told_apart() {
    for (response, expected) in [
        (Response::new(404, ""), "invalid configuration"),
        (Response::new(301, "").with_header("location", "https://new.cn/"), "https://new.cn/"),
        (Response::new(500, ""), "may succeed later"),
        (Response::new(503, "").with_header("retry-after", "7"), "after 7 s"),
        (Response::new(429, ""), "after 60 s"),
    ] {
        let _serving = answer(response);
        let error = collect(None, 10).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let _serving = serve(|_| Err(HttpError::Lost("reset".to_owned())));
    assert!(matches!(collect(None, 1), Err(Error::Transient(_))), "a GET can be repeated");
}

#[test]
fn a_wrong_configuration_says_where() {
    let try_config =
        |text: &str| testing::collect::<Feed>(&testing::context(NOW), text, None, 1).unwrap_err().to_string();
    assert!(try_config("{}").contains("missing field `url`"));
    assert!(try_config(r#"{"url": "https://a.cn", "timeoutSeconds": 0}"#).contains("1 to 300"));
    assert!(try_config(r#"{"url": "https://a.cn", "utcOffset": "8"}"#).contains("/utcOffset"));
    assert!(try_config(r#"{"url": "a.cn"}"#).contains("https://host/path"));
}
