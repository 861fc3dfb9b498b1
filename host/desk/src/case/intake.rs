//! Messages of citizens (网民留言办理, clause 4c; 快速受理, clause 1g): each has a case and a receipt number at once,
//! goes to the unit whose duty it is, is taken on (受理), and is answered within the pack's clocks, which are
//! extended once at most, by two persons.

use huiyin_deadline::Allowance;
use huiyin_deadline::clock;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization as _;

use super::approving::Proposal;
use super::opening::Beginning;
use super::{Because, Case, Kind, MAX_CONCERNS};
use crate::actor::Actor;
use crate::calls::CallEntry;
use crate::command::{AcceptCase, ExtendClock, Intake, Receive, RecordAnswer, RecordCallback, RecordContact};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;
use crate::item::{Digest, Item, ItemRecord, ReceivedItem};
use crate::level::Level;
use crate::policy::{PolicyPack, SatisfiedBy};
use crate::text::clip;

/// How many characters of a message a case keeps; the whole is in the record of the item.
const MESSAGE_CHARS: usize = 4_000;

/// How a matter came to the unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameIn {
    /// What it is known by in its source: the same comes in once.
    pub identity: Digest,
    /// The source.
    pub source: String,
    /// Its id there.
    pub reference: String,
    /// The phone it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
    /// A call that nobody took.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub missed: bool,
    /// Why no unit was found by duty and region, where one was looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unrouted: Option<String>,
}

/// A phone number as the desk keeps it: enough to know it again, not enough to call it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phone {
    /// The keyed hash of its digits.
    pub hash: Digest,
    /// Its last four digits; fewer of a short one.
    pub tail: String,
}

/// Who took a matter on, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

impl Phone {
    /// What is kept of a number; none where it has fewer than three digits.
    pub(crate) fn of(key: &[u8; 32], number: &str) -> Option<Self> {
        let all: String = number.nfkc().filter(char::is_ascii_digit).collect();
        // The same phone with and without the country's code.
        let home = all.strip_prefix("0086").or_else(|| all.strip_prefix("86")).filter(|rest| rest.len() >= 10);
        let digits = home.unwrap_or(&all);
        if digits.len() < 3 {
            return None;
        }
        let shown = if digits.len() >= 8 { 4 } else { 2 };
        Some(Self {
            hash: Digest::of(key, &[b"phone", digits.as_bytes()]),
            tail: digits.get(digits.len() - shown..).unwrap_or_default().to_owned(),
        })
    }

    /// How the asker is called where no name is known.
    pub(crate) fn asker(&self) -> String {
        let hash = format!("{:?}", self.hash);
        format!("来电人 尾号{} #{}", self.tail, hash.get(..6).unwrap_or_default())
    }
}

impl Work<'_> {
    /// Opens the case of a matter that came in.
    pub(crate) fn take_in(
        &mut self,
        intake: &Intake,
        record: &ItemRecord,
        item: &Item,
        identity: Digest,
    ) -> Result<String, DeskError> {
        let phone = intake.phone.as_deref().and_then(|number| Phone::of(self.content_key(), number));
        let mut start = self.beginning(intake, record, item);
        if let (None, Some(phone), Some(entry)) = (&record.asker, &phone, &mut start.item) {
            entry.asker = phone.asker();
        }
        let came_in = CameIn {
            identity,
            source: record.source.clone(),
            reference: clip(&item.id, 200),
            phone,
            missed: intake.missed,
            unrouted: None,
        };
        self.begin_intake(intake, came_in, start)
    }

    /// What the case of an item begins with.
    fn beginning(&self, intake: &Intake, record: &ItemRecord, item: &Item) -> Beginning {
        let mut entry = super::opening::entry(record);
        // Whoever answers has to read all of it.
        entry.text = Some(item.body.trim()).filter(|text| !text.is_empty()).map(|text| clip(text, MESSAGE_CHARS));
        let discovered_at = record.observed.min(self.now());
        Beginning {
            unit: record.unit.clone(),
            title: record.title.clone(),
            level: record.level().unwrap_or(Level::IV),
            kind: intake.kind,
            nature: None,
            occurred_at: record.occurred_at.min(discovered_at),
            discovered_at,
            item: Some(entry),
            asker: None,
            assessments: record.assessments.clone(),
            concerns: intake.concerns.clone(),
            related: record.duplicate_of.and_then(|first| self.desk.case_of_item(&first)).map(str::to_owned),
            because: Because::Intake,
            unrouted: false,
            came_in: None,
            confidentiality: super::Confidentiality::default(),
            split: None,
        }
    }

    /// What was said in a call: an item that the floor judged, with a case where it is to be answered.
    pub(crate) fn take_said(
        &mut self,
        unit: &str,
        said: &ReceivedItem,
        asks: bool,
        intake: &Intake,
        came_in: CameIn,
        asker: String,
    ) -> Result<Option<String>, DeskError> {
        let source = said.item.source.clone();
        let input = Receive { unit: unit.to_owned(), source, items: Vec::new() };
        let item = self.take(&input, said, came_in.identity)?;
        if !asks {
            return self.place(item);
        }
        let record = self.record_of(&item)?;
        let mut start = self.beginning(intake, &record, &said.item);
        if let Some(entry) = &mut start.item {
            entry.asker = asker;
        }
        self.begin_intake(intake, came_in, start).map(Some)
    }

    /// A call that nobody took: who called waits to be called back.
    pub(crate) fn missed_call(
        &mut self,
        unit: &str,
        intake: &Intake,
        came_in: CameIn,
        call: &CallEntry,
        asker: String,
    ) -> Result<String, DeskError> {
        let at = call.at.min(self.now());
        let start = Beginning {
            unit: unit.to_owned(),
            title: format!("未接来电待回拨(尾号{})", call.phone.tail),
            level: Level::IV,
            kind: Kind::Hotline,
            nature: None,
            occurred_at: at,
            discovered_at: at,
            item: None,
            asker: Some(asker),
            assessments: Vec::new(),
            concerns: Vec::new(),
            related: None,
            because: Because::Intake,
            unrouted: false,
            came_in: None,
            confidentiality: super::Confidentiality::default(),
            split: None,
        };
        self.begin_intake(intake, came_in, start)
    }

    /// `record-callback`.
    pub(crate) fn record_callback(&mut self, input: &RecordCallback) -> Output {
        let case = self.open(&input.case)?;
        let text = said(&input.text, 4_000, "/text", "what was said")?;
        let called = case.clocks.iter().any(|entry| entry.satisfied_by == SatisfiedBy::Callback);
        if case.kind != Kind::Hotline && !called {
            return Err(DeskError::new("not-a-call", format!("case {} is no call", case.number))
                .at("/case")
                .clause("4b")
                .hint("record the contact: `record-contact`"));
        }
        let with = case.askers.first().map_or_else(|| "来电人".to_owned(), |asker| asker.id.clone());
        let channel = if input.reached { "回拨" } else { "回拨未接通" };
        self.record_contact(&RecordContact {
            case: input.case.clone(),
            with,
            channel: channel.to_owned(),
            text: text.clone(),
            time: None,
        })?;
        if input.reached {
            self.satisfy_all(&input.case, SatisfiedBy::Callback, self.now())?;
            match &input.asks {
                Some(asks) => {
                    self.add_concern(&input.case, asks)?;
                }
                None => {
                    let askers = case.askers.iter().map(|asker| asker.id.clone()).collect();
                    self.record_answer(&RecordAnswer {
                        case: input.case.clone(),
                        askers,
                        text,
                        channel: "电话回拨".to_owned(),
                        proof: None,
                        concerns: Vec::new(),
                        delivered_at: None,
                    })?;
                }
            }
        }
        let case = self.case(&input.case)?;
        let waits = case.clocks.iter().any(|e| e.satisfied_by == SatisfiedBy::Callback && e.clock.satisfied.is_none());
        Ok(json!({ "case": case.number, "reached": input.reached, "waits": waits, "state": case.state }))
    }

    /// Finds the unit, and opens the case with it, or without one where none is found (clauses 1d, 1e).
    fn begin_intake(
        &mut self,
        intake: &Intake,
        mut came_in: CameIn,
        mut start: Beginning,
    ) -> Result<String, DeskError> {
        let policy = self.policy()?;
        if let Some(duty) = intake.duty.as_deref().filter(|duty| !duty.trim().is_empty()) {
            match super::routing::in_charge(&policy, duty, intake.region.as_deref()) {
                Ok(unit) => start.unit.clone_from(&unit.code),
                Err(error) => {
                    start.unrouted = true;
                    came_in.unrouted = Some(clip(&error.message, 500));
                }
            }
        }
        start.came_in = Some(came_in);
        // The unit whose duty it is need not stand below the one that took it in.
        self.unscoped(|work| work.begin(start))
    }

    /// `accept-case`.
    pub(crate) fn accept_case(&mut self, input: &AcceptCase) -> Output {
        let case = self.open(&input.case)?;
        let note = input.note.as_deref().map(|text| said(text, 1_000, "/note", "the note")).transpose()?;
        if !case.routed {
            return Err(DeskError::new("unrouted", format!("case {} has no lead unit yet", case.number))
                .at("/case")
                .clause("1e")
                .hint("give it one first: `route-case`"));
        }
        if case.accepted.is_none() {
            let acceptance = Acceptance { note, by: self.actor().clone(), at: self.now() };
            self.push(Fact::CaseAccepted { head: case.head(), acceptance });
        }
        // Also of a clock that came with a case that was merged in since.
        self.satisfy_all(&input.case, SatisfiedBy::Acceptance, self.now())?;
        let case = self.case(&input.case)?;
        let policy = self.policy()?;
        let at = case.accepted.as_ref().map(|accepted| accepted.at);
        Ok(json!({ "case": case.number, "accepted_at": at, "receipt": receipt(&policy, &case) }))
    }

    /// `extend-clock`.
    pub(crate) fn extend_clock(&mut self, input: &ExtendClock) -> Output {
        let case = self.open(&input.case)?;
        let author = self.person("ask for more time", "4c")?;
        let reason = said(&input.reason, 1_000, "/reason", "the reason")?;
        let allowance = self.may_extend(&case, &input.clock)?;
        let clock = input.clock.clone();
        let pending = self.propose(&case, author, Proposal::Extension { clock, allowance, reason })?;
        Ok(json!({ "case": case.number, "clock": input.clock, "allowance": allowance, "pending": pending }))
    }

    /// How much more time the pack's rule gives a clock of a case, if it may be given.
    fn may_extend(&self, case: &Case, id: &str) -> Result<Allowance, DeskError> {
        let entry = super::clocks::running(case, id)?;
        let policy = self.rules(case)?;
        let refused =
            |code, message: String, hint: &str| Err(DeskError::new(code, message).at("/clock").clause("4c").hint(hint));
        let Some(allowance) = policy.clock(&entry.clock.rule, &case.unit).and_then(|rule| rule.extension) else {
            return refused(
                "not-extendable",
                format!("the policy pack gives clock `{id}` no extension"),
                "answer in time, or late: the breach stays on record",
            );
        };
        // A clock for what was asked since has the right of the first one, and uses it up with it.
        let same = case.clocks.iter().filter(|other| other.clock.rule == entry.clock.rule);
        if same.into_iter().any(|other| other.clock.id == id && other.clock.extension.is_some()) {
            return refused("extended", format!("clock `{id}` was extended once already"), "there is no second time");
        }
        if entry.clock.satisfied.is_some() || entry.clock.breached.is_some() || self.now() > entry.clock.due.at {
            return refused(
                "too-late",
                format!("clock `{id}` was due at {}, or is at rest", entry.clock.due.at),
                "more time is asked for before the due time",
            );
        }
        Ok(allowance)
    }

    /// Gives a clock the time that two persons agreed on.
    pub(super) fn take_extension(
        &mut self,
        number: &str,
        id: &str,
        reason: &str,
        author: &str,
        second: &str,
    ) -> Result<(), DeskError> {
        let case = self.open(number)?;
        let allowance = self.may_extend(&case, id)?;
        let entry = super::clocks::running(&case, id)?;
        let calendar = self.calendar(&entry.clock.calendar)?;
        let (by, second) = (format!("person:{author}"), format!("person:{second}"));
        let facts = clock::extend(&entry.clock, allowance, reason, &by, Some(&second), self.now(), &calendar)
            .map_err(|error| DeskError::new("clock", error.to_string()))?;
        facts.into_iter().try_for_each(|fact| self.moved(number, fact))
    }
}

/// What the asker is told at once (回执): the number, who answers, and by when.
pub(crate) fn receipt(policy: &PolicyPack, case: &Case) -> Value {
    let zone = policy.time_zone.time_zone();
    let when = |at: Timestamp| zone.to_datetime(at).strftime("%Y年%-m月%-d日 %H:%M").to_string();
    let due = |what: SatisfiedBy| {
        let waiting = case.clocks.iter().filter(|e| e.satisfied_by == what && e.clock.satisfied.is_none());
        waiting.map(|entry| entry.clock.due.at).min()
    };
    let unit = policy.unit(&case.unit).map_or(case.unit.as_str(), |unit| unit.name.zh.as_str());
    let what = match case.kind {
        Kind::Hotline => "来电",
        Kind::Message => "留言",
        _ => "诉求",
    };
    let mut text = format!("您的{what}已收到,回执编号 {}。", case.number);
    if case.routed {
        text.push_str(&format!("责任单位:{unit}。"));
    } else {
        text.push_str(&format!("正由{unit}确定责任单位。"));
    }
    match (&case.accepted, due(SatisfiedBy::Acceptance)) {
        (Some(accepted), _) => text.push_str(&format!("已于{}受理。", when(accepted.at))),
        (None, Some(at)) => text.push_str(&format!("将于{}前受理。", when(at))),
        (None, None) => {}
    }
    match due(SatisfiedBy::Answer) {
        Some(at) => text.push_str(&format!("将于{}前答复。", when(at))),
        None if case.is_open() && !case.is_answered() => text.push_str("我们将尽快答复。"),
        None => {}
    }
    json!({
        "number": case.number,
        "text": text,
        "accept_by": due(SatisfiedBy::Acceptance),
        "answer_by": due(SatisfiedBy::Answer),
    })
}

/// What an intake may hold, checked before anything is taken in.
pub(crate) fn check(intake: &Intake) -> Result<(), String> {
    if !matches!(intake.kind, Kind::Message | Kind::Hotline) {
        return Err(format!("an intake is a message or a call, not {}", intake.kind.zh()));
    }
    if intake.concerns.len() > MAX_CONCERNS {
        return Err(format!("{} concerns; at most {MAX_CONCERNS}", intake.concerns.len()));
    }
    for concern in &intake.concerns {
        said(concern, 500, "/concerns", "a concern").map_err(|error| error.message)?;
    }
    Ok(())
}
