//! A desk with the sample pack, a hand-driven clock, and ids in order.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value)] // each test binary uses its own part

use huiyin_desk::{
    Actor, Command, DecideContext, Decision, Desk, DeskError, Fact, Item, PolicyPack, ReceivedItem, Verdict,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

/// The sample pack of the project.
pub(crate) const SAMPLE: &str = include_str!("../../../../workflows/policy/linhai.json");

pub(crate) fn pack() -> PolicyPack {
    PolicyPack::parse(SAMPLE, "linhai.json").unwrap_or_else(|problems| {
        let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", all.join("\n"))
    })
}

/// The sample pack, in which one second person is enough for everything.
pub(crate) fn without_approvals() -> PolicyPack {
    let mut pack = pack();
    pack.approvals.clear();
    pack
}

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// When the tests begin: 2026-03-01 10:00 in Shanghai.
pub(crate) const START: &str = "2026-03-01T02:00:00Z";

pub(crate) struct Host {
    pub(crate) desk: Desk,
    pub(crate) facts: Vec<Fact>,
    pub(crate) now: Timestamp,
    /// On whose behalf commands are given.
    pub(crate) scope: Option<String>,
    ids: u128,
}

impl Host {
    pub(crate) fn new() -> Self {
        let mut pack = pack();
        // What has to be done before a case is closed is tried in `tasks.rs`.
        pack.closing.clear();
        // Who approves what, in `approvals.rs`.
        pack.approvals.clear();
        // Who signs for reports, in `reports.rs`.
        pack.reporting = None;
        // Duty and warnings are tried in `watch.rs`.
        pack.duty.clear();
        pack.warnings.clear();
        // What a level starts by itself is tried in `major.rs`.
        pack.major = None;
        Self::under(pack)
    }

    /// The same under another pack.
    pub(crate) fn under(pack: PolicyPack) -> Self {
        let mut host = Self { desk: Desk::new(), facts: Vec::new(), now: time(START), scope: None, ids: 0 };
        host.system(&Command::AdoptPolicy { pack: Box::new(pack) }).unwrap();
        host
    }

    pub(crate) fn by(&mut self, actor: &str, command: &Command) -> Result<Decision, DeskError> {
        let mut ids = self.ids;
        let mut new_id = || {
            ids += 1;
            Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + ids)
        };
        let mut ctx = DecideContext {
            now: self.now,
            actor: Actor::parse(actor).unwrap(),
            new_id: &mut new_id,
            content_key: &[7; 32],
            scope: self.scope.clone(),
            elsewhere: huiyin_desk::Elsewhere::default(),
        };
        let decision = self.desk.decide(command, &mut ctx)?;
        self.ids = ids;
        self.take(&decision.facts);
        Ok(decision)
    }

    pub(crate) fn system(&mut self, command: &Command) -> Result<Decision, DeskError> {
        self.by("system:engine", command)
    }

    /// A core function, as a run calls it.
    pub(crate) fn call(&mut self, name: &str, input: Value) -> Result<Value, DeskError> {
        let command = huiyin_desk::core_command(name, &input)?;
        Ok(self.by("run:r1", &command)?.output)
    }

    /// A command of the same name as a core function, as a person gives it.
    pub(crate) fn person(&mut self, id: &str, name: &str, input: Value) -> Result<Value, DeskError> {
        let command = huiyin_desk::core_command(name, &input)?;
        Ok(self.by(&format!("person:{id}"), &command)?.output)
    }

    /// Any command in its JSON form, as a person gives it.
    pub(crate) fn does(&mut self, id: &str, command: Value) -> Result<Value, DeskError> {
        Ok(self.by(&format!("person:{id}"), &Command::read(&command)?)?.output)
    }

    fn take(&mut self, facts: &[Fact]) {
        for fact in facts {
            self.desk.apply(fact);
        }
        self.facts.extend(facts.iter().cloned());
    }

    pub(crate) fn wait(&mut self, duration: SignedDuration) -> Vec<Fact> {
        self.now += duration;
        let facts = self.desk.tick(self.now);
        self.take(&facts);
        facts
    }

    pub(crate) fn minutes(&mut self, minutes: i64) -> Vec<Fact> {
        self.wait(SignedDuration::from_mins(minutes))
    }

    pub(crate) fn receive(&mut self, unit: &str, items: Vec<ReceivedItem>) -> Value {
        let input = json!({ "command": "receive", "unit": unit, "source": "board", "items": items });
        self.system(&serde_json::from_value(input).unwrap()).unwrap().output
    }

    /// One item, published and observed now, with the floor's level.
    pub(crate) fn item(&self, id: &str, text: &str, floor: Option<&str>) -> ReceivedItem {
        ReceivedItem {
            item: Item {
                id: id.to_owned(),
                source: "board".to_owned(),
                url: Some(format!("http://board.example/{id}")),
                title: text.to_owned(),
                body: String::new(),
                published: Some(self.now),
                observed: self.now,
                fields: std::collections::BTreeMap::new(),
            },
            floor: Some(verdict(floor)),
            floor_error: None,
            intake: None,
        }
    }

    /// A case opened by the floor at a level.
    pub(crate) fn case(&mut self, level: &str) -> String {
        let item = self.item(&format!("case-{}", self.ids), &format!("浓烟 {}", self.ids), Some(level));
        let output = self.receive("qingfeng", vec![item]);
        output["opened"][0].as_str().unwrap().to_owned()
    }

    pub(crate) fn flash(&mut self, case: &str) -> Value {
        let input = json!({ "case": case, "stage": "flash", "facts": [{ "text": "青枫县老鹰岩发现明火。", "observed": true }] });
        self.person("lin-guodong", "submit-report", input).unwrap()
    }

    /// State made anew from the facts alone, each through its stored form.
    pub(crate) fn replayed(&self) -> Desk {
        let mut desk = Desk::new();
        for fact in &self.facts {
            let stored = serde_json::to_string(fact).unwrap();
            desk.apply(&serde_json::from_str(&stored).unwrap());
        }
        desk
    }
}

pub(crate) fn verdict(level: Option<&str>) -> Verdict {
    let score = match level {
        Some("I") => 0.95,
        Some("II") => 0.75,
        Some("III") => 0.5,
        Some("IV") => 0.25,
        _ => 0.0,
    };
    serde_json::from_value(json!({
        "level": level,
        "score": score,
        "factors": { "content": score },
        "labels": [],
        "reasons": ["a word of the fire list"],
    }))
    .unwrap()
}
