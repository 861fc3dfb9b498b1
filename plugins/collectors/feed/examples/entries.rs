//! What the collector makes of feeds in files: a line of JSON for each, for
//! scripts/feeds, which compares it with another reader.
//!
//! `entries FILE…`: a file's HTTP headers, where it has any, stand beside it in
//! `FILE.headers`, a line each.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a tool on the command line")]

use huiyin_plugin_feed::Feed;
use huiyin_sdk::http::Response;
use huiyin_sdk::http::testing::serve;
use huiyin_sdk::serde_json::json;
use huiyin_sdk::testing;

fn main() {
    for file in std::env::args().skip(1) {
        let mut response = Response::new(200, std::fs::read(&file).expect("the file is there"));
        for line in std::fs::read_to_string(format!("{file}.headers")).unwrap_or_default().lines() {
            if let Some((name, value)) = line.split_once(':') {
                response = response.with_header(name.trim(), value.trim());
            }
        }
        let _serving = serve(move |_| Ok(response.clone()));
        testing::reset();
        let config = r#"{"url": "http://127.0.0.1:8097/feed.xml", "utcOffset": "Z"}"#;
        // 2026-11-30T00:00:00Z
        let page = testing::collect::<Feed>(&testing::context(1_795_996_800_000), config, None, 10_000);
        let said: Vec<String> = testing::log().into_iter().map(|(_, line)| line).collect();
        let line = match page {
            Ok(page) => {
                let entries: Vec<_> = page
                    .items
                    .iter()
                    .rev()
                    .map(|item| {
                        json!({"id": item.id, "url": item.url, "title": item.title, "body": item.body, "published": item.published})
                    })
                    .collect();
                json!({"file": file, "entries": entries, "log": said})
            }
            Err(why) => json!({"file": file, "error": why.to_string(), "log": said}),
        };
        println!("{line}");
    }
}
