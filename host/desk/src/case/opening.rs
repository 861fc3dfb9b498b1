//! Opening cases, and putting items into them.

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{Because, CameIn, CaseItem, Concern, Kind, MAX_CONCERNS};
use crate::command::{AttachItem, OpenCase};
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::{CaseOpened, Fact};
use crate::item::ItemRecord;
use crate::level::Level;
use crate::policy::Occasion;
use crate::text::clip;
use crate::verdict::Assessment;

/// What a new case begins with.
pub(super) struct Beginning {
    pub(super) unit: String,
    pub(super) title: String,
    pub(super) level: Level,
    pub(super) kind: Kind,
    pub(super) nature: Option<String>,
    pub(super) occurred_at: Timestamp,
    pub(super) discovered_at: Timestamp,
    pub(super) item: Option<CaseItem>,
    pub(super) asker: Option<String>,
    pub(super) assessments: Vec<Assessment>,
    pub(super) concerns: Vec<String>,
    pub(super) related: Option<String>,
    pub(super) because: Because,
    pub(super) unrouted: bool,
    pub(super) came_in: Option<CameIn>,
    pub(super) confidentiality: super::Confidentiality,
    pub(super) split: Option<Box<super::Merged>>,
}

impl Work<'_> {
    /// `open-case`.
    pub(crate) fn open_case(&mut self, input: &OpenCase) -> Output {
        let concerns = concerns(&input.concerns)?;
        let nature = input.nature.as_deref().map(|text| said(text, 100, "/nature", "the nature")).transpose()?;
        let title = input.title.as_deref().map(|text| said(text, 200, "/title", "the title")).transpose()?;
        let number = match input.item {
            Some(item) => {
                if let Some(number) = self.desk.case_of_item(&item).map(str::to_owned) {
                    return self.found(&number, false);
                }
                for (given, pointer) in [
                    (input.unit.is_some(), "/unit"),
                    (input.asker.is_some(), "/asker"),
                    (input.occurred_at.is_some(), "/occurred_at"),
                    (input.unrouted, "/unrouted"),
                ] {
                    if given {
                        return Err(DeskError::new("not-believed", "the item itself tells this")
                            .at(pointer)
                            .clause("rule 5")
                            .hint("leave it out; a person corrects what is wrong"));
                    }
                }
                let record = self.record(&item)?;
                let level = record.level().max(input.level).ok_or_else(|| {
                    DeskError::new("not-assessed", "nobody has given this item a level")
                        .at("/level")
                        .clause("3.2a")
                        .hint("call `record-assessment` first, or give a `level`")
                })?;
                self.open_for(&record, level, title, nature, &concerns, Because::Request)?
            }
            None => self.open_without_item(input, title, nature, concerns)?,
        };
        self.found(&number, true)
    }

    fn open_without_item(
        &mut self,
        input: &OpenCase,
        title: Option<String>,
        nature: Option<String>,
        concerns: Vec<String>,
    ) -> Result<String, DeskError> {
        let missing = |what: &str| {
            DeskError::new("empty", format!("`{what}` is missing"))
                .at(format!("/{what}"))
                .hint("needed where no `item` is given")
        };
        let unit = input.unit.clone().ok_or_else(|| missing("unit"))?;
        self.within(&unit, "/unit")?;
        let title = title.ok_or_else(|| missing("title"))?;
        let level = input.level.ok_or_else(|| missing("level"))?;
        let now = self.now();
        let occurred_at = input.occurred_at.unwrap_or(now);
        if occurred_at > now {
            return Err(DeskError::new("order", format!("it cannot have happened at {occurred_at}: it is {now} now"))
                .at("/occurred_at")
                .clause("1a"));
        }
        let asker = input.asker.as_deref().map(|text| said(text, 100, "/asker", "the asker")).transpose()?;
        self.begin(Beginning {
            unit,
            title,
            level,
            kind: input.kind,
            nature,
            occurred_at,
            discovered_at: now,
            item: None,
            // Somebody raised it, so somebody is owed an answer (clause 1i).
            // About the risk of a decision nobody asks, unless somebody is named.
            asker: asker.or_else(|| (input.kind != Kind::DecisionRisk).then(|| self.actor().to_string())),
            assessments: Vec::new(),
            concerns,
            related: None,
            because: Because::Request,
            unrouted: input.unrouted,
            came_in: None,
            confidentiality: super::Confidentiality::default(),
            split: None,
        })
    }

    /// Opens a case for an item that has none.
    pub(crate) fn open_for(
        &mut self,
        record: &ItemRecord,
        level: Level,
        title: Option<String>,
        nature: Option<String>,
        concerns: &[String],
        because: Because,
    ) -> Result<String, DeskError> {
        let related = record.duplicate_of.and_then(|first| self.desk.case_of_item(&first)).map(str::to_owned);
        let discovered_at = record.observed.min(self.now());
        self.begin(Beginning {
            unit: record.unit.clone(),
            title: title.unwrap_or_else(|| record.title.clone()),
            level,
            kind: Kind::Opinion,
            nature,
            occurred_at: record.occurred_at.min(discovered_at),
            discovered_at,
            item: Some(entry(record)),
            asker: None,
            assessments: record.assessments.clone(),
            concerns: concerns.to_vec(),
            related,
            because,
            unrouted: false,
            came_in: None,
            confidentiality: super::Confidentiality::default(),
            split: None,
        })
    }

    pub(super) fn begin(&mut self, start: Beginning) -> Result<String, DeskError> {
        let policy = self.policy()?;
        let unit = policy.unit(&start.unit).ok_or_else(|| {
            DeskError::new("not-found", format!("the policy pack has no unit `{}`", start.unit)).at("/unit")
        })?;
        if unit.is_partner() {
            return Err(DeskError::new("partner", format!("`{}` is a partner unit, and leads no case", unit.code))
                .at("/unit")
                .clause("6c"));
        }
        let now = self.now();
        let zone = policy.time_zone.time_zone();
        let mut start = start;
        let number: String = (1..=u32::MAX)
            .map(|n| unit.number.number(now, zone, n))
            .find(|number| self.desk.case(number).is_none())
            .unwrap_or_default();
        for entry in start.split.iter_mut().flat_map(|split| &mut split.clocks) {
            entry.clock.subject = format!("case/{number}");
        }
        let notify = self.owed(Occasion::CaseOpened, start.level, &unit.code, None, None);
        let concerns = start.concerns.iter().enumerate().map(|(i, text)| Concern {
            id: format!("c{}", i + 1),
            text: text.clone(),
            settled: false,
            settled_at: None,
            added: None,
        });
        let opened = CaseOpened {
            head: super::Head { case: number.clone(), unit: unit.code.clone(), level: start.level, title: start.title },
            kind: start.kind,
            region: unit.number.region.clone(),
            nature: start.nature,
            response_value: policy.response_value(start.level),
            occurred_at: start.occurred_at,
            discovered_at: start.discovered_at,
            pack: format!("{}:{}", policy.name, policy.version),
            because: start.because,
            by: self.actor().clone(),
            at: now,
            item: start.item,
            unrouted: start.unrouted,
            came_in: start.came_in,
            confidentiality: start.confidentiality,
            split: start.split,
            asker: start.asker,
            assessments: start.assessments,
            concerns: concerns.collect(),
            related: start.related,
            notify,
        };
        self.push(Fact::CaseOpened(Box::new(opened)));
        self.start_clocks_of_level(&number)?;
        if start.unrouted {
            self.start_clocks_of_routing(&number)?;
        }
        self.advance(&number)?;
        Ok(number)
    }

    /// `attach-item`.
    pub(crate) fn attach_item(&mut self, input: &AttachItem) -> Output {
        let case = self.open(&input.case)?;
        if let Some(other) = self.desk.case_of_item(&input.item) {
            if other == case.number {
                return self.found(&input.case, false);
            }
            return Err(DeskError::new("taken", format!("the item belongs to case {other}")).at("/item"));
        }
        let record = self.record(&input.item)?;
        if record.unit != case.unit {
            return Err(DeskError::new(
                "not-yours",
                format!("the item is of unit `{}`, the case of `{}`", record.unit, case.unit),
            )
            .at("/item"));
        }
        self.attach(&input.case, input.item)?;
        self.found(&input.case, false)
    }

    /// Puts an item into a case; the case rises to the item's level.
    pub(crate) fn attach(&mut self, number: &str, item: Uuid) -> Result<(), DeskError> {
        let (case, record) = (self.case(number)?, self.record(&item)?);
        let fact = Fact::ItemAttached {
            head: case.head(),
            item: entry(&record),
            assessments: record.assessments.clone(),
            by: self.actor().clone(),
            at: self.now(),
        };
        self.push(fact);
        if let Some(level) = record.level() {
            self.raise(number, level, Some(item), "an item that joined the case is graver", None)?;
        }
        self.advance(number)?;
        self.watch_open(number)
    }

    pub(crate) fn record(&self, item: &Uuid) -> Result<std::sync::Arc<ItemRecord>, DeskError> {
        let record = self.desk.item(item).ok_or_else(|| {
            DeskError::new("not-found", format!("the desk does not hold item {item}"))
                .at("/item")
                .hint("it was never received here, or it is too long ago; open a case without it")
        })?;
        self.within(&record.unit, "/item")?;
        Ok(record)
    }

    /// Brings the case's state in line with its facts.
    pub(crate) fn advance(&mut self, number: &str) -> Result<(), DeskError> {
        let case = self.case(number)?;
        let next = case.state_by_facts();
        if next != case.state && case.state.may_become(next) {
            let fact = Fact::CaseAdvanced { head: case.head(), from: case.state, to: next, at: self.now() };
            self.push(fact);
        }
        self.start_waiting(number)
    }

    fn found(&self, number: &str, opened: bool) -> Output {
        let case = self.case(number)?;
        Ok(json!({
            "case": case.number,
            "opened": opened,
            "unit": case.unit,
            "unit_name": self.desk.unit_name(&case.unit),
            "level": case.level,
            "state": case.state,
            "title": case.title,
            "occurred_at": case.times.occurred,
            "clocks": case.clocks.iter().map(|entry| json!({
                "clock": entry.clock.id,
                "due_at": entry.clock.due.at,
                "breached": entry.clock.breached.is_some(),
            })).collect::<Vec<_>>(),
        }))
    }

    /// `AddConcern`.
    pub(crate) fn add_concern(&mut self, number: &str, text: &str) -> Output {
        let case = self.open(number)?;
        let text = said(text, 500, "/text", "the concern")?;
        if case.concerns.len() >= MAX_CONCERNS {
            return Err(DeskError::new("too-many", format!("case {number} has {MAX_CONCERNS} concerns already")));
        }
        let id = format!("c{}", case.concerns.len() + 1);
        let added = Some(self.now());
        let concern = Concern { id: id.clone(), text, settled: false, settled_at: None, added };
        let fact = Fact::ConcernAdded { head: case.head(), concern, by: self.actor().clone(), at: self.now() };
        self.push(fact);
        self.advance(number)?;
        self.watch_open(number)?;
        Ok(json!({ "case": number, "concern": id }))
    }
}

fn concerns(texts: &[String]) -> Result<Vec<String>, DeskError> {
    if texts.len() > MAX_CONCERNS {
        return Err(
            DeskError::new("too-many", format!("{} concerns; at most {MAX_CONCERNS}", texts.len())).at("/concerns")
        );
    }
    texts.iter().enumerate().map(|(i, text)| said(text, 500, &format!("/concerns/{i}"), "the concern")).collect()
}

pub(super) fn entry(record: &ItemRecord) -> CaseItem {
    let place = record.url.clone().unwrap_or_else(|| record.item.to_string());
    CaseItem {
        item: record.item,
        source: record.source.clone(),
        title: record.title.clone(),
        text: record.text.clone(),
        url: record.url.clone(),
        occurred_at: record.occurred_at,
        asker: record.asker.clone().unwrap_or_else(|| clip(&format!("{} {place}", record.source), 200)),
        level: record.level(),
    }
}
