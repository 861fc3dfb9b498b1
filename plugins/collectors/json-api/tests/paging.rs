//! A model of servers that page in their own ways, with posts arriving at any
//! moment: nothing is lost, nothing is handed over twice, and of each poll at
//! most one request brings nothing new, but for the pages that those posts push
//! down.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed test may panic")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use huiyin_plugin_json_api::JsonApi;
use huiyin_sdk::http::Response;
use huiyin_sdk::http::testing::serve;
use huiyin_sdk::serde_json::{Value, json};
use huiyin_sdk::testing;

/// Steele, Lea and Flood's SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }
}

/// What a server does with pages that are not there, and with those that are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// An empty list beyond the end.
    Empty,
    /// At most five entries, whatever is asked for.
    Caps,
    /// One entry of each page is not shown.
    Hides,
    /// The last page for any number beyond it.
    RepeatsLast,
    NotFound,
    BadRequest,
    Fails,
    Null,
    NoList,
    /// The list as null.
    ListNull,
    /// Tokens: `next` is 0 at the end.
    NextZero,
    /// Tokens: `next` moves on for ever.
    NextMovesOn,
    /// Tokens: the last page's `next` is the first page's.
    GoesRound,
    /// Tokens: null at the end.
    NextNull,
}

use Manner::*;

struct Server {
    posts: u64,
    manner: Manner,
    newest_first: bool,
    by: &'static str,
    dice: Dice,
    /// Posts come while a poll is under way.
    busy: bool,
}

impl Server {
    /// The posts in the server's order, ids from 1.
    fn post(&self, at: u64) -> u64 {
        if self.newest_first { self.posts - at } else { at + 1 }
    }

    fn answer(&mut self, url: &str) -> Response {
        if self.busy && self.dice.below(3) == 0 {
            self.posts += self.dice.below(4);
        }
        let parameter = |name: &str| {
            url.split(['?', '&']).find_map(|pair| pair.strip_prefix(&format!("{name}="))?.parse::<u64>().ok())
        };
        let size = match self.manner {
            Caps => 5,
            _ => 10,
        };
        let skip = match self.by {
            "page" => (parameter("page").unwrap() - 1) * size,
            _ => parameter("skip").unwrap_or(0),
        };
        let beyond = skip >= self.posts;
        if beyond && skip > 0 {
            match self.manner {
                NotFound => return Response::new(404, ""),
                BadRequest => return Response::new(400, ""),
                Fails => return Response::new(500, ""),
                Null => return Response::new(200, "null"),
                NoList => return Response::new(200, "{}"),
                ListNull => return Response::new(200, json!({"list": null}).to_string()),
                _ => {}
            }
        }
        let skip = if self.manner == RepeatsLast && beyond { self.posts.saturating_sub(1) / size * size } else { skip };
        let end = (skip + size).min(self.posts);
        let mut list: Vec<u64> = (skip.min(end)..end).map(|at| self.post(at)).collect();
        if self.manner == Hides {
            list.retain(|post| post % 10 != 3);
        }
        let next = match self.manner {
            NextMovesOn => json!(skip + size),
            _ if end < self.posts => json!((skip + size).to_string()),
            NextZero => json!(0),
            GoesRound => json!("00"),
            _ => Value::Null,
        };
        let list: Vec<Value> = list.into_iter().map(|id| json!({"id": id, "title": format!("第{id}条")})).collect();
        Response::new(200, json!({"list": list, "next": next}).to_string())
    }
}

fn run(manner: Manner, by: &'static str, newest_first: bool, sized: bool, seed: u64) {
    // Pages are taken whole, or in parts.
    let limit = if seed % 3 == 2 { 7 } else { 200 };
    let what = format!("{manner:?} by {by}, newest first {newest_first}, sized {sized}, seed {seed}");
    let posts = Dice(seed).below(30);
    let server = Rc::new(RefCell::new(Server { posts, manner, newest_first, by, dice: Dice(seed + 1), busy: true }));
    let serving = Rc::clone(&server);
    let _serving = serve(move |request| Ok(serving.borrow_mut().answer(&request.url)));
    let mut paging = match by {
        "page" => json!({"by": "page", "parameter": "page"}),
        "offset" => json!({"by": "offset", "parameter": "skip"}),
        _ => json!({"by": "cursor", "parameter": "skip", "next": "/next"}),
    };
    if sized && by != "cursor" {
        paging["size"] = json!({"parameter": "n", "value": 10});
    }
    let order = if newest_first { "newestFirst" } else { "oldestFirst" };
    let config = json!({
        "url": "https://api.cn/posts", "items": "/list", "fields": {"id": "/id", "title": "/title"},
        "paging": paging, "order": order, "maxPages": 50,
    })
    .to_string();

    let mut cursor: Option<String> = None;
    let mut got: BTreeMap<u64, u32> = BTreeMap::new();
    for round in 0..24 {
        let mut there = server.borrow_mut();
        there.busy = round < 16; // then they cease, so that all can be had in the end
        if there.busy {
            there.posts += Dice(seed * 1000 + round).below(25);
        }
        drop(there);
        let before = server.borrow().posts;
        let (mut idle, mut requests) = (0_u64, 0);
        loop {
            let page = testing::collect::<JsonApi>(&testing::context(0), &config, cursor.clone(), limit)
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            for item in &page.items {
                *got.entry(item.id.parse().unwrap()).or_default() += 1;
            }
            cursor = page.cursor.or(cursor);
            requests += 1;
            idle += u64::from(page.items.is_empty());
            assert!(requests < 200, "{what}: it does not end");
            if !page.more {
                break;
            }
        }
        // Posts that arrive push pages of known ones down, whole or by half.
        let pushed = (2 * (server.borrow().posts - before)).div_ceil(if manner == Caps { 5 } else { 10 });
        let allowed = 1 + pushed + u64::from(matches!(manner, RepeatsLast | Hides)) + u64::from(!newest_first);
        // A page that failed is asked for once more in the next poll, where it is another.
        assert!(
            idle <= allowed || limit < 10 || manner == Fails || (manner == Hides && !newest_first),
            "{what}: {idle} requests without news in poll {round}"
        );
    }
    let posts = server.borrow().posts;
    let shown = |id: &u64| manner != Hides || id % 10 != 3;
    let missing: Vec<u64> = (1..=posts).filter(|id| !got.contains_key(id)).filter(shown).collect();
    assert!(missing.is_empty(), "{what}: lost {missing:?} of {posts}");
    let twice: Vec<_> = got.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{what}: twice {twice:?}");
}

#[test]
fn feed_paging_no_manner_of_server_loses_doubles_or_loops() {
    for seed in 1..3 {
        for newest_first in [true, false] {
            for manner in [Empty, Caps, Hides, RepeatsLast, NotFound, BadRequest, Fails, Null, NoList, ListNull] {
                for by in ["page", "offset"] {
                    for sized in [true, false] {
                        run(manner, by, newest_first, sized, seed);
                    }
                }
            }
            for manner in [NextNull, NextZero, NextMovesOn, GoesRound] {
                run(manner, "cursor", newest_first, false, seed);
            }
        }
    }
}
