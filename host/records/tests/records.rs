//! Records as they lie in journals: what these texts say is read for ever, and
//! written again byte for byte. A text here is never changed; a new shape gets a new type.

#![allow(clippy::unwrap_used, clippy::panic)]

use huiyin_journal_types::{Header, Payload, Record};
use huiyin_records::record::{Entry, decode};

/// A type and a payload of it.
const GOLDEN: &[(&str, &str)] = &[
    (
        "huiyin.source.rewound.v1",
        r#"{"source":"qingfeng/board","cursor":"{\"done\":[]}","actor":"person:li.min","reason":"the board lost its order"}"#,
    ),
    ("huiyin.source.rewound.v1", r#"{"source":"qingfeng/board","actor":"admin:ops","reason":"次序乱了"}"#),
    (
        "huiyin.source.page.v1",
        r#"{"source":"qingfeng/board","poll":3,"cursor":"c","more":false,"items":2,"facts":[],"known":2}"#,
    ),
    ("huiyin.source.page.v1", r#"{"source":"qingfeng/board","poll":3,"cursor":null,"more":true,"items":0,"facts":[]}"#),
    (
        "huiyin.binding.changed.v1",
        r#"{"workflow":"huiyin/assess","unit":"qingfeng","slot":"classify","pin":{"plugin":"keyword:0.2.0","digest":"ab12","config":{"rules":[]}},"actor":"person:li.min","reason":"知道新地名"}"#,
    ),
    (
        "huiyin.binding.changed.v1",
        r#"{"workflow":"huiyin/assess","unit":null,"slot":"classify","pin":null,"actor":"person:li.min","reason":"back"}"#,
    ),
    (
        "huiyin.binding.quarantined.v1",
        r#"{"workflow":"huiyin/assess","unit":"qingfeng","slot":"classify","from":{"plugin":"keyword:0.2.0","digest":"ab12","config":null},"to":{"plugin":"keyword:0.1.0","digest":"cd34","config":null},"whose":"unit:linhai","faults":5,"within_ms":600000,"last":"keyword:0.2.0: the plugin stopped with a fault: unreachable"}"#,
    ),
    (
        "huiyin.binding.quarantined.v1",
        r#"{"workflow":"huiyin/assess","unit":"qingfeng","slot":"classify","from":{"plugin":"keyword:0.2.0","digest":"ab12","config":null},"to":null,"faults":5,"within_ms":600000,"last":"x"}"#,
    ),
    (
        "huiyin.binding.lifted.v1",
        r#"{"workflow":"huiyin/assess","unit":"qingfeng","slot":"classify","actor":"person:li.min","reason":"mended"}"#,
    ),
    (
        "huiyin.canary.started.v1",
        r#"{"workflow":"huiyin/assess","unit":"qingfeng","slot":"classify","pin":{"plugin":"keyword:0.2.0","digest":"ab12","config":null},"actor":"person:li.min","reason":"before it counts"}"#,
    ),
    (
        "huiyin.canary.compared.v1",
        r#"{"workflow":"huiyin/assess","unit":"qingfeng","slot":"classify","digest":"ab12","run":"r1","call":"3","items":2,"differing":1,"differences":[{"item":"p00001","was":{"level":"II","score":0.5},"would":{"score":0.0,"labels":["谣言"]}}],"skipped":4}"#,
    ),
    (
        "huiyin.canary.compared.v1",
        r#"{"workflow":"huiyin/assess","unit":"qingfeng","slot":"report","digest":"ab12","run":"r1","call":"3","items":1,"differing":1,"differences":[{"item":"","was":{"output":"ef56"},"would":{"error":"it broke"}}]}"#,
    ),
    (
        "huiyin.canary.ended.v1",
        r#"{"workflow":"huiyin/assess","unit":"qingfeng","slot":"classify","how":"stopped","actor":"system:engine","reason":"keyword:0.2.0: the plugin stopped with a fault: unreachable"}"#,
    ),
    (
        "huiyin.deployment.intended.v1",
        r#"{"id":"018df8a3-0000-7000-8000-000000000001","actor":"person:li.min","texts":{"9f86":"{}"},"parts":[{"partition":0,"workflows":[{"deployment":"ab12","name":"huiyin/assess","version":"1.1.0","unit":"qingfeng","text":"9f86","pins":{"classify":{"plugin":"keyword:0.2.0","digest":"ab12","config":null}},"keeps_schedule":true}]},{"partition":2,"workflows":[{"deployment":"cd34","name":"huiyin/assess","version":"1.1.0","unit":null,"text":"9f86","pins":{}}],"withdrawn":["ef56"]}]}"#,
    ),
    (
        "huiyin.deployment.intended.v1",
        r#"{"id":"018df8a3-0000-7000-8000-000000000001","actor":"person:li.min","parts":[{"partition":0,"withdrawn":["ab12"]},{"partition":1,"withdrawn":["cd34"]}]}"#,
    ),
    ("huiyin.deployment.completed.v1", r#"{"id":"018df8a3-0000-7000-8000-000000000001"}"#),
    (
        "huiyin.run.started.v1",
        r#"{"run":"r1","deployment":"ab12","trigger":"person","key":"unit:qingfeng","input":{"n":1},"turn":{"facts":[{"f":"suspended"}],"made":[]}}"#,
    ),
    (
        "huiyin.run.started.v1",
        r#"{"run":"r1","deployment":"ab12","trigger":"person","key":"host","input":null,"turn":{"facts":[]}}"#,
    ),
    // Of a version that did not tell of its pure calls.
    ("huiyin.run.turn.v1", r#"{"run":"r1","facts":[{"f":"suspended"}]}"#),
    (
        "huiyin.run.turn.v1",
        r#"{"run":"r1","facts":[{"f":"suspended"}],"made":[{"call":3,"now":1709284200000,"result":"AAAAAAAAAAAAAAAAAAAAAA"},{"call":4,"failed":"limit:wall_ms"}]}"#,
    ),
    ("huiyin.run.turn.v1", r#"{"run":"r1","facts":[{"f":"suspended"}],"made":[]}"#),
    (
        "huiyin.floor.judged.v1",
        r#"{"unit":"qingfeng","plugin":"risk-level:0.1.0","digest":"ab12","config":{},"call":"push","now":1709284200000,"items":["018df8a3-0000-7000-8000-000000000001",{"id":"p1","source":"board","title":"山火","body":"","observed":"2024-03-01T08:05:00.123Z"}],"batches":[{"from":0,"count":2,"failed":"trap"},{"from":0,"count":1,"result":"AAAAAAAAAAAAAAAAAAAAAA"}]}"#,
    ),
];

fn record(kind: &str, payload: &str) -> Record {
    let header = Header {
        specversion: "1.0".to_owned(),
        id: "0/1".to_owned(),
        source: "huiyin:golden".to_owned(),
        kind: kind.to_owned(),
        subject: "workflow/huiyin/assess".to_owned(),
        time: jiff::Timestamp::UNIX_EPOCH,
        partition: 0,
        seq: 1,
        actor: "person:li.min".to_owned(),
        unit: None,
        causation: None,
        datakey: "host".to_owned(),
        commitment: String::new(),
    };
    let (kind, payload) = (kind.to_owned(), Payload::Open(payload.as_bytes().to_vec().into()));
    Record { header, leaf: Vec::new().into(), index: 0, kind, payload, salt: None }
}

#[test]
fn what_was_written_is_read_and_written_again_byte_for_byte() {
    for (kind, payload) in GOLDEN {
        let entry: Entry = decode(&record(kind, payload)).unwrap().unwrap();
        assert_eq!(entry.kind(), *kind);
        assert_eq!(String::from_utf8(entry.encode().unwrap()).unwrap(), *payload);
    }
}

#[test]
fn feed_a_source_that_asks_for_more_without_news_is_held_to_its_schedule() {
    use huiyin_records::record::{SourcePage, SourcePolled, SourceRewound};
    use huiyin_records::state::{IDLE_PAGES, State};
    let now = "2024-03-01T00:00:00Z".parse().unwrap();
    let name = || "u/s".to_owned();
    let mut state = State::default();
    let mut poll = 0;
    let mut page = |state: &mut State, items: u32| {
        poll += 1;
        state.apply(&Entry::SourcePolled(SourcePolled { source: name(), poll, due: now }), now).unwrap();
        let cursor = Some(format!("{poll}"));
        let entry = SourcePage {
            source: name(),
            poll,
            cursor,
            more: true,
            items,
            facts: Vec::new(),
            kv: Vec::new(),
            known: items,
        };
        state.apply(&Entry::SourcePage(entry), now).unwrap();
        (state.sources["u/s"].more, state.sources["u/s"].idles())
    };
    // Pages of known items are gone through, as after a cursor set back, but not for ever.
    for _ in 1..IDLE_PAGES {
        assert_eq!(page(&mut state, 5), (true, false));
    }
    assert_eq!(page(&mut state, 5), (false, true));
    assert_eq!(state.sources["u/s"].known, u64::from(IDLE_PAGES) * 5);
    let rewound = SourceRewound { source: name(), cursor: None, actor: "admin:a".to_owned(), reason: "r".to_owned() };
    state.apply(&Entry::SourceRewound(rewound), now).unwrap();
    assert_eq!((state.sources["u/s"].cursor.clone(), state.sources["u/s"].last_due), (None, None));
    assert_eq!(page(&mut state, 5), (true, false));
    // One without any item has no reason to.
    assert_eq!(page(&mut state, 0), (false, true));
}

/// One line of `golden/records.v1.jsonl`: a host's life in two partitions, with each type of record at least once.
#[derive(serde::Deserialize)]
struct Line {
    partition: usize,
    time: jiff::Timestamp,
    r#type: String,
    /// The keys keep their order.
    payload: serde_json::Value,
}

#[test]
fn every_type_of_record_has_a_golden_line_that_is_read_written_and_applied() {
    use std::collections::BTreeSet;

    use huiyin_records::record::KINDS;
    use huiyin_records::state::State;

    let (mut states, mut seen) = (vec![State::default(), State::default()], BTreeSet::new());
    for (n, text) in include_str!("golden/records.v1.jsonl").lines().enumerate() {
        let Line { partition, time, r#type, payload } = serde_json::from_str(text).unwrap();
        let payload = payload.to_string();
        let entry = decode(&record(&r#type, &payload)).unwrap().unwrap();
        assert_eq!(entry.kind(), r#type, "line {}", n + 1);
        assert_eq!(String::from_utf8(entry.encode().unwrap()).unwrap(), payload, "line {}", n + 1);
        states[partition].apply(&entry, time).unwrap_or_else(|error| panic!("line {}: {error}", n + 1));
        states[partition].seq += 1;
        seen.insert(r#type);
    }
    let all: BTreeSet<String> = KINDS.iter().map(|kind| (*kind).to_owned()).collect();
    assert_eq!(seen, all, "a new type of record needs a line");
}
