//! The notifier as a host calls it, and a server that keeps files with ETags.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use huiyin_plugin_website::Website;
use huiyin_sdk::http::testing::serve;
use huiyin_sdk::http::{Error as HttpError, Request, Response};
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::{Context, Document, Error, Message, Receipt, testing};

const NOW: u64 = 1_772_352_000_000;
const FOLDER: &str = "https://dav.linhai.example.cn/y/";

fn config() -> Value {
    json!({"folder": FOLDER, "public": "https://www.linhai.example.cn/y/", "site": "林海市林业和草原局"})
}

fn message(title: &str) -> Message {
    Message {
        subject: title.to_owned(), text: "第一段<b>。\n\n第二段 & 完。".to_owned(), ..Message::default()
    }
}

#[derive(Default)]
struct Files {
    all: BTreeMap<String, Vec<u8>>,
    /// Another publisher writes before each of so many conditional requests.
    others: usize,
    no_tags: bool,
    puts: Vec<String>,
}

/// WebDAV as RFC 9110 has conditional requests.
fn server(files: Rc<RefCell<Files>>) -> impl FnMut(&Request) -> Result<Response, HttpError> {
    move |request| {
        let mut files = files.borrow_mut();
        let name = request.url.strip_prefix(FOLDER).unwrap().to_owned();
        let header = |wanted: &str| {
            request.headers.iter().find(|(n, _)| n == wanted).map(|(_, v)| String::from_utf8(v.clone()).unwrap())
        };
        assert_eq!(header("authorization").as_deref(), None);
        let tag = |bytes: &Vec<u8>| format!("\"{}-{}\"", bytes.len(), bytes.iter().map(|b| u64::from(*b)).sum::<u64>());
        if request.method == "GET" {
            let Some(bytes) = files.all.get(&name) else { return Ok(Response::new(404, "")) };
            let response = Response::new(200, bytes.clone());
            return Ok(if files.no_tags { response } else { response.with_header("etag", tag(bytes)) });
        }
        assert_eq!(request.method, "PUT");
        if name == "feed.xml" && files.others > 0 {
            files.others -= 1;
            let other = format!("k-{}", files.others);
            let entry = huiyin_plugin_website::feed::Entry {
                id: format!("urn:other:{other}"),
                title: other,
                link: String::new(),
                updated: String::new(),
                summary: String::new(),
            };
            let old = files.all.get("feed.xml").map(|old| String::from_utf8(old.clone()).unwrap());
            let new = huiyin_plugin_website::feed::add(old.as_deref(), &entry, "s", "f", 50).unwrap().unwrap();
            files.all.insert("feed.xml".to_owned(), new.into_bytes());
        }
        let there = files.all.get(&name);
        let holds = match (header("if-match"), header("if-none-match")) {
            (Some(wanted), None) => there.is_some_and(|there| tag(there) == wanted),
            (None, Some(any)) if any == "*" => there.is_none(),
            other => panic!("unconditional: {other:?}"),
        };
        if !holds {
            return Ok(Response::new(412, ""));
        }
        files.puts.push(name.clone());
        files.all.insert(name, request.body.clone());
        Ok(Response::new(201, ""))
    }
}

fn deliver(files: &Rc<RefCell<Files>>, config: &Value, key: &str, message: Message) -> Result<Receipt, Error> {
    let _serving = serve(server(Rc::clone(files)));
    let ctx = Context { idempotency_key: key.to_owned(), ..testing::context(NOW) };
    testing::deliver::<Website>(&ctx, &config.to_string(), message)
}

fn text(files: &Rc<RefCell<Files>>, name: &str) -> String {
    String::from_utf8(files.borrow().all[name].clone()).unwrap()
}

#[test]
fn website_page_and_entry_are_published() {
    let files = Rc::default();
    let mut first = message("关于<老鹰岩>火情的通报");
    first.attachments =
        vec![Document { media_type: "application/pdf".to_owned(), filename: "通报.PDF".to_owned(), bytes: vec![1] }];
    let receipt = deliver(&files, &config(), "k-1", first).unwrap();
    assert_eq!(receipt.id, "https://www.linhai.example.cn/y/k-1.html");
    let page = text(&files, "k-1.html");
    assert!(
        page.contains("<h1>关于&lt;老鹰岩&gt;火情的通报</h1>")
            && page.contains("<p>第一段&lt;b&gt;。</p>\n<p>第二段 &amp; 完。</p>"),
        "{page}"
    );
    assert!(
        page.contains("<a href=\"k-1-1.pdf\">通报.PDF</a>") && page.contains("2026-03-01T16:00:00+08:00"),
        "{page}"
    );
    deliver(&files, &config(), "k-2", message("续报")).unwrap();
    let feed = text(&files, "feed.xml");
    let (second, first) = (feed.find("urn:huiyin:k-2").unwrap(), feed.find("urn:huiyin:k-1").unwrap());
    assert!(second < first, "the newest stands first");
    assert!(feed.contains("<link href=\"https://www.linhai.example.cn/y/k-1.html\"/>"), "{feed}");
    assert_eq!(files.borrow().all.len(), 4);
}

#[test]
fn website_a_second_try_changes_nothing() {
    let files: Rc<RefCell<Files>> = Rc::default();
    let first = deliver(&files, &config(), "k-1", message("通报")).unwrap();
    let before = files.borrow().all.clone();
    assert_eq!(deliver(&files, &config(), "k-1", message("通报")).unwrap(), first);
    assert_eq!(files.borrow().all, before);
    assert_eq!(files.borrow().puts, ["k-1.html", "feed.xml"]);
    // What came half way goes on.
    files.borrow_mut().all.remove("feed.xml");
    deliver(&files, &config(), "k-1", message("通报")).unwrap();
    assert_eq!(files.borrow().all, before);
}

#[test]
fn website_two_publishers_keep_each_others_entries() {
    let files: Rc<RefCell<Files>> = Rc::default();
    files.borrow_mut().others = 3;
    deliver(&files, &config(), "k-1", message("通报")).unwrap();
    let feed = text(&files, "feed.xml");
    for id in ["urn:huiyin:k-1", "urn:other:k-0", "urn:other:k-1", "urn:other:k-2"] {
        assert!(feed.contains(id), "{id}: {feed}");
    }
    files.borrow_mut().others = 9;
    let result = deliver(&files, &config(), "k-9", message("通报"));
    assert!(matches!(result, Err(Error::Unknown(why)) if why.contains("changed by others")));
    files.borrow_mut().others = 0;
    deliver(&files, &config(), "k-9", message("通报")).unwrap();
}

#[test]
fn website_what_others_wrote_is_never_overwritten() {
    let files: Rc<RefCell<Files>> = Rc::default();
    files.borrow_mut().all.insert("k-1.html".to_owned(), b"another".to_vec());
    let result = deliver(&files, &config(), "k-1", message("通报"));
    assert!(matches!(result, Err(Error::InvalidConfig(why)) if why.contains("nothing was overwritten")));
    for other in [
        "<rss></rss>",
        "<feed><generator>Huiyin website</generator><entry>\n",
        "",
        "<generator>Huiyin website</generator><entry xml:lang=\"x\"></entry></feed>\n",
    ] {
        files.borrow_mut().all.insert("feed.xml".to_owned(), other.as_bytes().to_vec());
        let result = deliver(&files, &config(), "k-2", message("通报"));
        assert!(matches!(&result, Err(Error::InvalidConfig(why)) if why.contains("/feed")), "{other}: {result:?}");
        assert!(!files.borrow().all.contains_key("k-2.html"), "nothing was published");
        assert_eq!(text(&files, "feed.xml"), other);
    }
    files.borrow_mut().no_tags = true;
    let result = deliver(&files, &config(), "k-3", message("通报"));
    assert!(matches!(result, Err(Error::InvalidConfig(why)) if why.contains("ETag")));
}

#[test]
fn website_a_feed_keeps_so_many_entries() {
    let files = Rc::default();
    let mut few = config();
    few["entries"] = json!(2);
    for key in ["k-1", "k-2", "k-3"] {
        deliver(&files, &few, key, message("</entry>\n<entry>\n通报")).unwrap();
    }
    let feed = text(&files, "feed.xml");
    assert_eq!(feed.matches("<entry>").count(), 2);
    assert!(!feed.contains("k-1") && feed.contains("k-2") && feed.contains("k-3"));
}

#[test]
fn website_into_the_spool_an_entry_is_a_document() {
    let config = json!({"public": "https://www.linhai.example.cn/y/", "site": "林海"});
    let receipt = deliver(&Rc::default(), &config, "k-1", message("通报")).unwrap();
    assert_eq!(receipt.detail, "written as k-1.html");
    let files = testing::files();
    let entry = String::from_utf8(files["k-1.entry.xml"].clone()).unwrap();
    assert!(entry.starts_with("<?xml") && entry.contains("<entry xmlns=\"http://www.w3.org/2005/Atom\""), "{entry}");
    deliver(&Rc::default(), &config, "k-1", message("通报")).unwrap();
    assert_eq!(testing::files(), files);
}

#[test]
fn website_what_is_no_setting_is_refused_with_its_place() {
    for (config, place) in [
        (json!({"site": "x"}), "/public"),
        (json!({"site": "x", "folder": "https://a.cn/y"}), "/folder"),
        (json!({"site": "x", "folder": "https://a.cn/y/?k=1/"}), "/folder"),
        (json!({"site": " ", "folder": "https://a.cn/y/"}), "/site"),
        (json!({"site": "x", "folder": "https://a.cn/y/", "feed": "../feed.xml"}), "/feed"),
        (json!({"site": "x", "folder": "https://a.cn/y/", "entries": 0}), "/entries"),
        (json!({"site": "x", "folder": "https://a.cn/y/", "timeoutSeconds": 0}), "/timeoutSeconds"),
    ] {
        let result = deliver(&Rc::default(), &config, "k-1", message("通报"));
        assert!(matches!(&result, Err(Error::InvalidConfig(why)) if why.contains(place)), "{config}: {result:?}");
    }
    let result = deliver(&Rc::default(), &config(), "k-1", message("  "));
    assert!(matches!(result, Err(Error::InvalidInput(why)) if why.contains("/subject")));
}

#[test]
fn website_the_readmes_example_is_a_configuration() {
    let mut config: Value =
        huiyin_sdk::serde_json::from_str(testing::example_of(include_str!("../README.md"))).unwrap();
    config["folder"] = json!(FOLDER);
    config["authorized"] = json!(false);
    deliver(&Rc::default(), &config, "k-1", message("通报")).unwrap();
}
