//! What a search goes through: the texts of cases and items, and what has changed in them.
//!
//! The desk itself searches nothing. Whoever keeps an index takes a copy now and then, which costs next to nothing,
//! and asks what is another than in the copy before.

use std::sync::Arc;

use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::case::{Case, ConcernAnswer};
use crate::desk::Desk;
use crate::item::ItemRecord;
use crate::level::Level;
use crate::policy::PolicyPack;

/// The cases and items of a desk at one moment.
#[derive(Debug, Clone, Default)]
pub struct Searched {
    pack: Option<Arc<PolicyPack>>,
    cases: OrdMap<String, Arc<Case>>,
    items: OrdMap<Uuid, Arc<ItemRecord>>,
    placed: OrdMap<Uuid, String>,
}

/// Something that is another than before.
#[derive(Debug, Clone, Copy)]
pub enum Change<'c> {
    /// A case that is new or has changed.
    Case(&'c Case),
    /// An item that is new or has changed.
    Item(&'c ItemRecord),
    /// An item that the desk holds no more.
    Gone(Uuid),
}

impl Searched {
    /// Those of a desk as it is.
    pub fn of(desk: &Desk) -> Self {
        let (cases, items, placed) = desk.holdings();
        let pack = desk.policy().cloned();
        Self { pack, cases: cases.clone(), items: items.clone(), placed: placed.clone() }
    }

    /// The pack in force.
    pub fn pack(&self) -> Option<&PolicyPack> {
        self.pack.as_deref()
    }

    /// A case by number.
    pub fn case(&self, number: &str) -> Option<&Case> {
        self.cases.get(number).map(Arc::as_ref)
    }

    /// An item that is still held.
    pub fn item(&self, id: &Uuid) -> Option<&ItemRecord> {
        self.items.get(id).map(Arc::as_ref)
    }

    /// The case of an item.
    pub fn case_of_item(&self, id: &Uuid) -> Option<&str> {
        self.placed.get(id).map(String::as_str)
    }

    /// What is another than in a copy from before, the cases first.
    pub fn changes_since(&self, before: &Self) -> Vec<Change<'_>> {
        // Cases stay for ever.
        let cases = before.cases.diff(&self.cases).filter_map(|change| match change {
            DiffItem::Add(_, case) | DiffItem::Update { new: (_, case), .. } => Some(Change::Case(case)),
            DiffItem::Remove(..) => None,
        });
        let mut gone = Vec::new();
        let mut items = Vec::new();
        for change in before.items.diff(&self.items) {
            match change {
                DiffItem::Add(_, item) | DiffItem::Update { new: (_, item), .. } => items.push(Change::Item(item)),
                DiffItem::Remove(id, _) => gone.push(Change::Gone(*id)),
            }
        }
        cases.chain(items).chain(gone).collect()
    }
}

/// Where in a case or an item a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// 编号.
    Number,
    /// 标题.
    Title,
    /// 正文, of an item.
    Text,
    /// 信源.
    Source,
    /// 作者.
    Author,
    /// 诉求, of a case.
    Concern,
    /// 信息: the beginning of an item of the case.
    Item,
    /// 口径.
    Line,
    /// 回应.
    Response,
    /// 答复.
    Answer,
    /// 转办单.
    Task,
}

impl Part {
    /// As JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Title => "title",
            Self::Text => "text",
            Self::Source => "source",
            Self::Author => "author",
            Self::Concern => "concern",
            Self::Item => "item",
            Self::Line => "line",
            Self::Response => "response",
            Self::Answer => "answer",
            Self::Task => "task",
        }
    }

    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Number => "编号",
            Self::Title => "标题",
            Self::Text => "正文",
            Self::Source => "信源",
            Self::Author => "作者",
            Self::Concern => "诉求",
            Self::Item => "信息",
            Self::Line => "口径",
            Self::Response => "回应",
            Self::Answer => "答复",
            Self::Task => "转办单",
        }
    }
}

/// Every text of a case that is searched, what says most of it first.
pub fn case_passages(case: &Case) -> Vec<(Part, &str)> {
    let mut all = vec![(Part::Title, case.title.as_str()), (Part::Number, case.number.as_str())];
    all.extend(case.nature.iter().map(|nature| (Part::Title, nature.as_str())));
    all.extend(case.concerns.iter().map(|concern| (Part::Concern, concern.text.as_str())));
    for item in &case.items {
        all.push((Part::Item, &item.title));
        all.extend(item.text.iter().map(|text| (Part::Item, text.as_str())));
    }
    for line in &case.lines {
        all.push((Part::Line, &line.text));
        all.extend(line.required.iter().map(|text| (Part::Line, text.as_str())));
    }
    for response in &case.responses {
        let content = &response.draft.content;
        all.extend([(Part::Response, content.form.title()), (Part::Response, content.text.as_str())]);
        all.extend(content.answers.iter().flat_map(said).map(|text| (Part::Response, text)));
    }
    for answer in &case.answers {
        all.push((Part::Answer, &answer.text));
        all.extend(answer.concerns.iter().flat_map(said).map(|text| (Part::Answer, text)));
    }
    for task in &case.tasks {
        all.push((Part::Task, &task.text));
        let feedback = task.parts.iter().filter_map(|part| part.feedback.as_ref());
        all.extend(feedback.map(|feedback| (Part::Task, feedback.text.as_str())));
    }
    all.retain(|(_, text)| !text.is_empty());
    all
}

/// What is said of a concern.
fn said(answer: &ConcernAnswer) -> impl Iterator<Item = &str> {
    answer.text.iter().chain(&answer.declined).map(String::as_str)
}

/// Every text of an item that is searched, what says most of it first.
pub fn item_passages(item: &ItemRecord) -> Vec<(Part, &str)> {
    let texts = [
        (Part::Title, Some(&item.title)),
        (Part::Text, item.text.as_ref()),
        (Part::Source, Some(&item.source)),
        (Part::Author, item.asker.as_ref()),
    ];
    texts
        .into_iter()
        .filter_map(|(part, text)| Some((part, text?.as_str())))
        .filter(|(_, text)| !text.is_empty())
        .collect()
}

/// The units that a case concerns: its own, and those that have a part in it.
pub fn case_units(case: &Case) -> Vec<&str> {
    let parts = case.tasks.iter().flat_map(|task| &task.parts).map(|part| part.unit.as_str());
    let mut units: Vec<&str> = std::iter::once(case.unit.as_str()).chain(parts).collect();
    units.sort_unstable();
    units.dedup();
    units
}

/// When a case is placed among what is found: when it was opened.
pub fn case_time(case: &Case) -> Timestamp {
    case.times.opened
}

/// A case that was found, in one row.
pub fn case_hit(case: &Case) -> Value {
    json!({
        "kind": "case", "number": case.number, "case_kind": case.kind, "case_kind_zh": case.kind.zh(),
        "unit": case.unit, "title": case.title,
        "level": case.level, "level_zh": case.level.zh(), "colour": case.level.colour(),
        "state": case.state, "state_zh": case.state.zh(), "at": case_time(case),
    })
}

/// An item that was found, in one row.
pub fn item_hit(item: &ItemRecord, case: Option<&str>) -> Value {
    let level = item.level();
    json!({
        "kind": "item", "item": item.item, "unit": item.unit, "source": item.source, "title": item.title,
        "level": level, "level_zh": level.map(Level::zh), "colour": level.map(Level::colour),
        "case": case, "at": item.observed,
    })
}
