//! What real feeds do, row by row: text, links, identity, damage, fallbacks.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

#[path = "rows/damage.rs"]
mod damage;
#[path = "rows/times.rs"]
mod times;

use huiyin_plugin_feed::Feed;
use huiyin_sdk::http::Response;
use huiyin_sdk::http::testing::serve;
use huiyin_sdk::{Item, Page, testing};

/// 2026-11-30T00:00:00Z
const NOW: u64 = 1_795_996_800_000;

fn page(body: impl Into<Vec<u8>>, cursor: Option<String>, more: &str) -> Page {
    let body = body.into();
    let _serving = serve(move |_| Ok(Response::new(200, body.clone())));
    let config = format!(r#"{{"url": "https://news.cn/x/feed.xml"{more}}}"#);
    testing::collect::<Feed>(&testing::context(NOW), &config, cursor, 100).unwrap()
}

/// The items of a feed, in the feed's own order.
fn items(body: &str) -> Vec<Item> {
    let mut items = page(body, None, "").items;
    items.reverse();
    items
}

/// The only item of an RSS feed with that content.
fn rss(content: &str) -> Item {
    let all = items(&format!("<rss><channel><item>{content}</item></channel></rss>"));
    assert_eq!(all.len(), 1, "{content}");
    all.into_iter().next().unwrap()
}

/// The only item of an Atom feed with that content.
fn atom(content: &str) -> Item {
    let feed = format!(r#"<feed xmlns="http://www.w3.org/2005/Atom"><entry>{content}</entry></feed>"#);
    items(&feed).into_iter().next().unwrap()
}

fn logged(part: &str) -> bool {
    testing::log().iter().any(|(_, line)| line.contains(part))
}

#[test]
fn feed_text_is_what_the_format_says() {
    for (title, seen) in [
        (r#"<title type="text">部署 &lt;col&gt; 字段</title>"#, "部署 <col> 字段"),
        ("<title>a&lt;b 且 c&gt;d</title>", "a<b 且 c>d"),
        ("<title>A&amp;amp;B</title>", "A&amp;B"),
        (r#"<title type="html">&lt;b&gt;火&lt;/b&gt;情 &amp;amp; 二</title>"#, "火情 & 二"),
        (
            r#"<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">火<b>情</b> &lt;三&gt;</div></title>"#,
            "火情 <三>",
        ),
    ] {
        assert_eq!(atom(title).title, seen, "{title}");
    }
    for (body, seen) in [
        ("&lt;p&gt;甲村&lt;/p&gt;&lt;p&gt;乙村&lt;/p&gt;", "甲村\n乙村"),
        ("&lt;ul&gt;&lt;li&gt;甲&lt;li&gt;乙&lt;/ul&gt;", "甲\n乙"),
        ("&lt;tr&gt;&lt;td&gt;甲县&lt;/td&gt;&lt;td&gt;3起&lt;/td&gt;&lt;/tr&gt;", "甲县\n3起"),
        ("&lt;a title=\"a>b\" href=\"#\"&gt;火情&lt;/a&gt;", "火情"),
        ("caf&eacute; &amp;eacute;", "café é"),
    ] {
        assert_eq!(rss(&format!("<title>t</title><description>{body}</description>")).body, seen, "{body}");
    }
    let styled = r#"<title>t</title><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><style>p { }</style><script src="x"/>
        <p>甲<br/>乙</p><script>if (a &lt; b) { }</script></div></content>"#;
    assert_eq!(atom(styled).body, "甲\n乙");
    let own = r#"<!DOCTYPE rss [<!ENTITY firm "某公司"><!ENTITY both "&firm;、&#20013;">]><rss><channel><item><title>&firm;：&both; &other;</title></item></channel></rss>"#;
    assert_eq!(items(own)[0].title, "某公司：某公司、中 &other;");
    let json = r#"{"items": [{"id": "1", "title": "部署<script>字段的通报"}]}"#;
    assert_eq!(items(json)[0].title, "部署<script>字段的通报");
}

#[test]
fn feed_text_in_base64_is_read_and_what_is_no_text_is_left_out() {
    // "<p>火情 <b>已处置</b></p>", and the beginning of a PNG.
    let text = "PHA+54Gr5oOFIDxiPuW3suWkhOe9rjwvYj48L3A+";
    let (first, rest) = text.split_at(20);
    let html =
        format!("<title>通报</title><content mode=\"base64\" type=\"text/html\">\n  {first}\n  {rest}\n</content>");
    assert_eq!(atom(&html).body, "火情 已处置");
    // What is not called HTML is text as it stands.
    let plain = format!(r#"<title>通报</title><content type="application/octet-stream">{text}</content>"#);
    assert_eq!(atom(&plain).body, "<p>火情 <b>已处置</b></p>");
    assert_eq!(atom(r#"<title>通报</title><content type="image/png">iVBORw0KGgo=</content>"#).body, "");
}

#[test]
fn feed_links_are_resolved_where_they_stand() {
    for (content, url) in [
        ("<link>./202403/t20240301_1.html</link>", "https://news.cn/x/202403/t20240301_1.html"),
        ("<link>../a</link>", "https://news.cn/a"),
        ("<link>show.asp?id=3</link>", "https://news.cn/x/show.asp?id=3"),
        ("<link>HTTP://news.cn/1</link>", "http://news.cn/1"),
        ("<guid>https://news.cn/9</guid>", "https://news.cn/9"),
        (r#"<guid isPermaLink="true">/9</guid>"#, "https://news.cn/9"),
        ("<guid>https://news.cn/9</guid><link>https://news.cn/1</link>", "https://news.cn/1"),
    ] {
        assert_eq!(rss(&format!("<title>t</title>{content}")).url.as_deref(), Some(url), "{content}");
    }
    for none in
        [r#"<guid isPermaLink="false">https://news.cn/9</guid>"#, "<guid>n-9</guid>", "<link>javascript:x()</link>"]
    {
        assert_eq!(rss(&format!("<title>t</title>{none}")).url, None, "{none}");
    }
    let based = r#"<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://a.cn/one/">
        <entry xml:base="two/"><title>t</title><id>1</id><link href="three"/></entry>
        <entry><title>t</title><id>2</id><link xml:base="/four/" href="five"/></entry>
        <entry><title>t</title><id>3</id><link href="six"/></entry></feed>"#;
    let urls: Vec<_> = items(based).into_iter().map(|item| item.url.unwrap()).collect();
    assert_eq!(urls, ["https://a.cn/one/two/three", "https://a.cn/four/five", "https://a.cn/one/six"]);
}

#[test]
fn feed_identity_entries_with_one_id_or_link_are_all_taken() {
    for same in ["<guid>g</guid>", "<link>https://news.cn/</link>"] {
        let feed = format!(
            "<rss><channel><item>{same}<title>一</title></item><item>{same}<title>二</title></item><item>{same}<title>二</title></item></channel></rss>"
        );
        let first = page(&*feed, None, "");
        assert_eq!(first.items.len(), 2, "{same}");
        assert!(logged("told apart by link and title") && logged("1 twice in the page"));
        let again = page(&*feed, first.cursor, "");
        assert_eq!(again.items, [], "{same}");
    }
}

#[test]
fn feed_a_correction_is_a_new_fact_about_the_item() {
    let feed = |title: &str, updated: &str| {
        format!(
            r#"<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>g</id><title>{title}</title><updated>{updated}</updated><content>无伤亡</content></entry></feed>"#
        )
    };
    let first = page(feed("火情通报", "2024-03-01T00:00:00Z"), None, "");
    let touched = page(feed("火情通报", "2024-03-01T01:00:00Z"), first.cursor, "");
    assert_eq!(touched.items, [], "the date alone says nothing new");
    let corrected = page(feed("火情通报（更正）", "2024-03-01T02:00:00Z"), touched.cursor, "");
    assert_eq!(corrected.items[0].fields["corrects"], "g");
    assert_ne!(corrected.items[0].id, "g");
    assert!(logged("1 corrected"));
    assert_eq!(page(feed("火情通报（更正）", "2024-03-01T02:00:00Z"), corrected.cursor, "").items, []);
}

#[test]
fn feed_damaged_markup_stays_in_its_entry() {
    for first in [
        "<title>PM2.5<35微克</title>",
        "<title>一</title><description><p>甲<br>乙<img src=\"x\"></description>",
        "<title>一</title><description><div>甲",
        "<title>关于<通知>的说明</title>",
        "<title>一</title><description>不足<b</description>",
        "<title>一 & 二</title>",
        "<title>一</title></p></b><description>甲</description>",
    ] {
        let feed = format!(
            "<rss><channel><item>{first}</item><item><title>二</title></item><item><title>三</title></item></channel></rss>"
        );
        let titles: Vec<_> = items(&feed).into_iter().map(|item| item.title).collect();
        assert_eq!(titles.len(), 3, "{first}: {titles:?}");
        assert_eq!(titles[1..], ["二", "三"], "{first}");
    }
    let open = "<rss><channel><item><title>一</title><description><p>甲<item><title>二</title></item></channel></rss>";
    assert_eq!(items(open).len(), 2);
    assert_eq!(rss("<title>PM2.5<35微克</title>").title, "PM2.5<35微克");
    assert_eq!(rss("<title>关于<通知>的说明</title>").title, "关于<通知>的说明");
    assert_eq!(rss("<title>一</title><description><p>甲<br>乙</description>").body, "甲\n乙");
}

#[test]
fn feed_elements_are_known_by_their_namespace() {
    for feed in [
        r#"<rss:RDF xmlns:rss="http://purl.org/rss/1.0/" xmlns:c="http://purl.org/rss/1.0/modules/content/" xmlns:d="http://purl.org/dc/elements/1.1/"><rss:item><rss:title>一</rss:title><c:encoded>甲</c:encoded><d:date>2024-03-01</d:date></rss:item></rss:RDF>"#,
        r#"<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:title>一</a:title><a:content>甲</a:content><a:published>2024-03-01T00:00:00+08:00</a:published></a:entry></a:feed>"#,
    ] {
        let item = &items(feed)[0];
        assert_eq!(
            (item.title.as_str(), item.body.as_str(), item.published),
            ("一", "甲", Some(1_709_222_400_000)),
            "{feed}"
        );
    }
    // Another vocabulary's item is none of the feed's.
    let other = r#"<rss xmlns:x="https://news.cn/shop"><channel><x:item><title>货</title></x:item><item><title>一</title></item></channel></rss>"#;
    assert_eq!(items(other).len(), 1);
}

#[test]
fn feed_fallbacks_are_read_where_nothing_better_stands() {
    let spaces = r#"xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:media="http://search.yahoo.com/mrss/"
        xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:xhtml="http://www.w3.org/1999/xhtml""#;
    let one = |content: &str| {
        let feed = format!("<rss {spaces}><channel><item>{content}</item></channel></rss>");
        items(&feed).into_iter().next().unwrap_or_else(|| panic!("{content}"))
    };
    for (content, title, body) in [
        ("<dc:title>一</dc:title>", "一", ""),
        ("<dc:description>甲</dc:description>", "", "甲"),
        ("<media:title>一</media:title>", "一", ""),
        ("<media:group><media:description>甲</media:description></media:group>", "", "甲"),
        ("<fullitem>甲</fullitem>", "", "甲"),
        ("<xhtml:body><xhtml:p>甲</xhtml:p><xhtml:p>乙</xhtml:p></xhtml:body>", "", "甲\n乙"),
        ("<itunes:summary>甲</itunes:summary>", "", "甲"),
        ("<media:title>二</media:title><dc:title>三</dc:title><title>一</title>", "一", ""),
        ("<title>一</title><dc:title>二</dc:title>", "一", ""),
    ] {
        let item = one(content);
        assert_eq!((item.title.as_str(), item.body.as_str()), (title, body), "{content}");
    }
    for (content, published) in [
        ("<pubDate>Fri, 01 Mar 2024 08:30:00 +0800</pubDate><dc:date>2019-01-01</dc:date>", Some(1_709_253_000_000)),
        ("<dc:date>2019-01-01</dc:date><pubDate>Fri, 01 Mar 2024 08:30:00 +0800</pubDate>", Some(1_709_253_000_000)),
        ("<dcterms:issued>2024-03-01</dcterms:issued>", Some(1_709_222_400_000)),
        ("<dcterms:modified>2024-03-01</dcterms:modified>", Some(1_709_222_400_000)),
        ("<pubDate>昨天</pubDate><dc:date>2024-03-01</dc:date>", Some(1_709_222_400_000)),
        ("<pubDate>2024-03-01 至 2024-03-31</pubDate>", None),
    ] {
        assert_eq!(one(&format!("<title>t</title>{content}")).published, published, "{content}");
    }
    assert!(logged("2024-03-01 至 2024-03-31"));
}

#[test]
fn feed_entries_without_a_word_are_told_of() {
    let feed =
        "<rss><channel><item><link>https://news.cn/1</link></item><item><title>一</title></item></channel></rss>";
    assert_eq!(items(feed).len(), 1);
    assert!(logged("1 of 2 entries have neither title nor text"));
}

#[test]
fn feed_times_follow_the_settings() {
    let feed =
        "<rss><channel><item><title>t</title><pubDate>Fri, 01 Mar 2024 08:30:00 CST</pubDate></item></channel></rss>";
    assert_eq!(page(feed, None, "").items[0].published, Some(1_709_253_000_000));
    assert_eq!(page(feed, None, r#", "cst": "-06:00""#).items[0].published, Some(1_709_303_400_000));
    let ahead = "<rss><channel><item><title>t</title><pubDate>2030-01-01</pubDate></item></channel></rss>";
    assert_eq!(page(ahead, None, "").items[0].published, None);
}

#[test]
fn feed_charset_of_a_document_is_its_own() {
    let feed = |declared: &str| {
        format!(
            r#"<?xml version="1.0" encoding="{declared}"?><rss><channel><item><title>林区火情</title></item></channel></rss>"#
        )
    };
    for declared in ["ISO-8859-1", "us-ascii", "windows-1252", "gb2312", "utf-16"] {
        assert_eq!(items(&feed(declared))[0].title, "林区火情", "{declared}");
    }
    let wide: Vec<u8> = feed("utf-16").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(page(wide, None, "").items[0].title, "林区火情");
}

#[test]
fn host_08_a_json_feed_with_half_a_surrogate_pair_is_read() {
    let feed = r#"{"items": [{"id": "1", "title": "火\ud83d"}, {"id": "2", "title": "二"}]}"#;
    assert_eq!(items(feed).len(), 2);
}

#[test]
fn feed_definitions_cannot_blow_a_document_up() {
    let big = "x".repeat(1_000);
    let feed = format!(
        "<!DOCTYPE rss [<!ENTITY a \"{big}\">]><rss><channel><item><title>t</title><description>{}</description></item></channel></rss>",
        "&a;".repeat(20_000)
    );
    assert!(items(&feed)[0].body.len() < 2 << 20);
}
