//! Fifty damaged feeds: each has three entries, the damage is in the first or
//! around it. The two behind it come through whole, unless the document ends.

use super::page;

/// What is wrong, the feed's beginning, its first entry, and how many entries come through.
const RSS: &str = "<rss version=\"2.0\"><channel><title>t</title>";
const ATOM: &str = "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>t</title>";

fn entries(head: &str, first: &str, tail: &str) -> String {
    let (name, id) = if head.contains("<feed") { ("entry", "id") } else { ("item", "guid") };
    let one = |n: u32, title: &str| format!("<{name}><{id}>urn:{n}</{id}><title>{title}</title></{name}>");
    format!("{head}{first}{}{}{tail}", one(2, "第二条"), one(3, "第三条"))
}

fn titles(feed: impl Into<Vec<u8>>) -> Vec<String> {
    let mut titles: Vec<String> = page(feed, None, "").items.into_iter().map(|item| item.title).collect();
    titles.reverse();
    titles
}

#[test]
fn feed_damage_of_the_first_entry_costs_no_other() {
    let of_rss = [
        // Markup that nobody escaped or closed.
        "<item><title>一</title><description><p>甲<br>乙</description></item>",
        "<item><title>一</title><description><b>甲<i>乙</b></i></description></item>",
        "<item><title>一</title><description><table><tr><td>甲</description></item>",
        "<item><title>一</title><description><img src=a.jpg width=100%>甲</description></item>",
        "<item><title>一</title><description><a href=\"x\" title='it's'>甲</a></description></item>",
        "<item><title>一</title><description><font color=red>甲</description></item>",
        "<item><title>一</title><description><script>if (a<b && c>d) x()</script>甲</description></item>",
        "<item><title>一</title><description>甲</p></div></span></description></item>",
        "<item><title>一</title><description><o:p>甲</o:p></description></item>",
        "<item><title>一</title><description><input disabled value=\"甲\">乙</description></item>",
        // Characters that want escaping.
        "<item><title>一 & 二</title></item>",
        "<item><title>一 &nbsp; 二 &middot; 三</title></item>",
        "<item><title>一 &unknown; 二</title></item>",
        "<item><title>一 &#0; 二 &#xFFFFFF; 三</title></item>",
        "<item><title>PM2.5<35微克</title></item>",
        "<item><title>关于<通知>的说明</title></item>",
        "<item><title>一 < 二</title></item>",
        "<item><title>一<</title></item>",
        "<item><title>一<二<三<四</title></item>",
        "<item><title>一</title><link>https://news.cn/a?b=1&c=2&copy=3</link></item>",
        "<item><title>一\u{0}\u{1}\u{b}二</title></item>",
        "<item><title>一]]>二</title></item>",
        // Elements that are not closed, closed twice, or stand elsewhere.
        "<item><title>一<description>甲</description></item>",
        "<item><title>一</title>",
        "<item><title>一</title><description>甲",
        "<item><title>一</title></item></item></item>",
        "<item></title><title>一</title></item>",
        "<item><title>一</title><title></title></item>",
        "<item><item><title>一</title></item>",
        "<item><title>一</TITLE></item>",
        "<item><title>一</titel></item>",
        "<item><title>一</title><description/></item>",
        "<item><title>一</title><pubDate>昨天</pubDate></item>",
        "<item><title>一</title><guid></guid><link></link></item>",
        "<item><title>一</title><link>javascript:void(0)</link></item>",
        // Attributes, comments, instructions, sections.
        "<item a=b c><title>一</title></item>",
        "<item a=\"1\" a=\"2\"><title>一</title></item>",
        "<item><title>一</title><enclosure url=x.jpg type=image/jpeg></item>",
        "<item><!-- a -- b --><title>一</title></item>",
        "<item><?php echo 1 ?><title>一</title></item>",
        "<item><title><![CDATA[一]]]]><![CDATA[>]]></title></item>",
        "<item><title><![CDATA[一 <b>二</b> & 三]]></title></item>",
        "<item><title>&lt;![CDATA[一]]&gt;</title></item>",
        "<item><undeclared:x>甲</undeclared:x><title>一</title></item>",
    ];
    let of_atom = [
        "<entry><title type=\"xhtml\">一<br>二</title></entry>",
        "<entry><title>一</title><content type=\"html\"><p>甲<br></content></entry>",
        "<entry><title>一</title><link href=\"a b\" rel=></entry>",
        "<entry><title>一</title><updated></updated><content type=\"xhtml\"><div>甲</entry>",
        "<entry><title type=\"nonsense\">一</title></entry>",
        "<entry><title>一</title><summary type=\"html\">&lt;p&gt;甲&lt;</summary></entry>",
    ];
    let mut odd = Vec::new();
    let all = of_rss.iter().map(|first| (RSS, "</channel></rss>", first));
    let all = all.chain(of_atom.iter().map(|first| (ATOM, "</feed>", first)));
    let mut count = 0;
    for (head, tail, first) in all {
        count += 1;
        let titles = titles(entries(head, first, tail));
        let whole = titles.len() == 3
            && titles[1..] == ["第二条", "第三条"]
            && (titles[0].starts_with('一') || titles[0].starts_with("PM2.5") || titles[0].starts_with("关于"));
        if !whole {
            odd.push(format!("{first}: {titles:?}"));
        }
    }
    assert!(count >= 50, "{count}");
    assert!(odd.is_empty(), "{odd:#?}");
}

#[test]
fn feed_damage_of_a_whole_document_is_read_as_far_as_it_goes_or_said() {
    let good = entries(RSS, "<item><title>一</title></item>", "</channel></rss>");
    let (two, _) = good.split_once("<item><guid>urn:3").unwrap();
    for (what, feed, wanted) in [
        ("it breaks off", two.to_owned(), 2),
        ("something stands before it", format!("\u{feff}\n<!-- 缓存 -->\n{good}"), 3),
        ("something stands behind it", format!("{good}<script>alert(1)</script>"), 3),
        ("a warning of PHP stands before it", format!("<br />\n<b>Warning</b>: x in <b>a.php</b><br />\n{good}"), 3),
        ("its root is not closed", good.replace("</channel></rss>", ""), 3),
        ("its declaration lies", format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{good}"), 3),
        ("it is a page of HTML", "<!doctype html><html><body>维护中</body></html>".to_owned(), 0),
        ("its declaration is not at the beginning", format!("\n\n<?xml version=\"1.0\"?>{good}"), 3),
        ("it is twice one behind the other", format!("{good}{good}"), 3),
    ] {
        let body = feed.clone().into_bytes();
        let _serving =
            huiyin_sdk::http::testing::serve(move |_| Ok(huiyin_sdk::http::Response::new(200, body.clone())));
        let read = huiyin_sdk::testing::collect::<huiyin_plugin_feed::Feed>(
            &huiyin_sdk::testing::context(super::NOW),
            r#"{"url": "https://news.cn/x/feed.xml"}"#,
            None,
            100,
        );
        match read {
            Ok(page) => assert_eq!(page.items.len(), wanted, "{what}"),
            // What is not read is never an empty feed.
            Err(why) => assert!(wanted == 0 && why.to_string().contains("no readable feed"), "{what}: {why}"),
        }
    }
}

#[test]
fn feed_extensions_say_reactions_and_files() {
    let feed = r#"<rss xmlns:slash="http://purl.org/rss/1.0/modules/slash/" xmlns:media="http://search.yahoo.com/mrss/" xmlns:thr="http://purl.org/syndication/thread/1.0"><channel>
        <item><title>一</title><slash:comments> 27 </slash:comments><enclosure url="/a.mp3" type="audio/mpeg"/>
        <media:group><media:content url="https://news.cn/b.jpg"/><media:content url="https://news.cn/b.jpg"/>
        <media:community><media:statistics views="1200" favorites="3"/></media:community></media:group></item>
        <item><title>二</title><thr:total>5</thr:total></item>
        <item><title>三</title><slash:comments>很多</slash:comments><enclosure/></item></channel></rss>"#;
    let mut items = page(feed, None, "").items;
    items.reverse();
    let fields: Vec<String> = items.iter().map(|item| format!("{:?}", item.fields)).collect();
    assert_eq!(
        fields,
        [
            r#"{"comments": "27", "likes": "3", "media": "https://news.cn/a.mp3\nhttps://news.cn/b.jpg", "reads": "1200"}"#,
            r#"{"comments": "5"}"#,
            "{}",
        ]
    );
    let json = r#"{"items": [{"id": "1", "title": "一", "attachments": [{"url": "/a.mp3"}, {"no": 1}]}]}"#;
    assert_eq!(page(json, None, "").items[0].fields["media"], "https://news.cn/a.mp3");
}

#[test]
fn feed_cdf_channels_are_read() {
    let cdf = r#"<CHANNEL BASE="https://news.cn/cdf/"><TITLE>t</TITLE><ITEM HREF="1.htm" LASTMOD="2004-04-06T23:05:43-05:00"><TITLE>一</TITLE><ABSTRACT>甲</ABSTRACT></ITEM></CHANNEL>"#;
    let item = page(cdf, None, "").items.remove(0);
    assert_eq!((item.title.as_str(), item.body.as_str()), ("一", "甲"));
    assert_eq!((item.url.as_deref(), item.published), (Some("https://news.cn/cdf/1.htm"), Some(1_081_310_743_000)));
}

#[test]
fn feed_html_that_an_editor_wrapped_once_more_is_html() {
    let feed = r#"<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>t</title><content type="html"><div xmlns="http://www.w3.org/1999/xhtml">甲&lt;b&gt;乙&lt;/b&gt;</div></content></entry></feed>"#;
    assert_eq!(page(feed, None, "").items[0].body, "甲乙");
    // What is not called HTML keeps what it escapes.
    let rss = "<rss><channel><item><title>t</title><description><p>关于&lt;b&gt;的说明</p></description></item></channel></rss>";
    assert_eq!(page(rss, None, "").items[0].body, "关于<b>的说明");
}
