//! The stored form of the records of plugins, pinned for ever: a line of
//! `golden/plugins.v1.jsonl` may never be changed or removed, only new ones
//! added.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests

use huiyin_records::record::{
    Entry, KINDS, PluginGranted, PluginInstalled, PluginRemoved, PluginRevoked, PublisherDistrusted, PublisherTrusted,
};
use huiyin_records::state::State;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Line {
    r#type: String,
    /// The keys keep their order.
    payload: Value,
}

fn entry(line: &Line) -> Entry {
    let text = &line.payload.to_string();
    match line.r#type.as_str() {
        "huiyin.plugin.installed.v1" => Entry::PluginInstalled(serde_json::from_str::<PluginInstalled>(text).unwrap()),
        "huiyin.plugin.removed.v1" => Entry::PluginRemoved(serde_json::from_str::<PluginRemoved>(text).unwrap()),
        "huiyin.plugin.granted.v1" => Entry::PluginGranted(serde_json::from_str::<PluginGranted>(text).unwrap()),
        "huiyin.plugin.revoked.v1" => Entry::PluginRevoked(serde_json::from_str::<PluginRevoked>(text).unwrap()),
        "huiyin.publisher.trusted.v1" => {
            Entry::PublisherTrusted(serde_json::from_str::<PublisherTrusted>(text).unwrap())
        }
        "huiyin.publisher.distrusted.v1" => {
            Entry::PublisherDistrusted(serde_json::from_str::<PublisherDistrusted>(text).unwrap())
        }
        other => panic!("no such type: {other}"),
    }
}

#[test]
fn the_records_of_plugins_are_read_as_they_were_written_and_lead_where_they_led() {
    let golden = include_str!("golden/plugins.v1.jsonl");
    let (mut state, mut seen) = (State::default(), std::collections::BTreeSet::new());
    for (n, text) in golden.lines().enumerate() {
        let line: Line = serde_json::from_str(text).unwrap();
        let entry = entry(&line);
        assert_eq!(entry.kind(), line.r#type, "line {}", n + 1);
        assert_eq!(String::from_utf8(entry.encode().unwrap()).unwrap(), line.payload.to_string(), "line {}", n + 1);
        state.apply(&entry, Timestamp::UNIX_EPOCH).unwrap();
        seen.insert(line.r#type);
    }
    let about = |kind: &&&str| ["huiyin.plugin.", "huiyin.publisher."].iter().any(|start| kind.starts_with(start));
    let all = KINDS.iter().filter(about).map(|kind| (*kind).to_owned());
    assert_eq!(seen, all.collect(), "a new type of record needs a line");
    assert_eq!(state.plugins.installed.keys().collect::<Vec<_>>(), ["board:0.2.0"]);
    assert_eq!(state.plugins.installed["board:0.2.0"].publishers, ["acme.example/plugins"]);
    assert_eq!(state.plugins.given.keys().collect::<Vec<_>>(), ["board@qingfeng"]);
    let trusted = state.plugins.publishers.iter().map(|(key, said)| (key.split('+').next().unwrap(), said.units.len()));
    assert_eq!(trusted.collect::<Vec<_>>(), [("acme.example/plugins", 0), ("other.example", 1)]);
}
