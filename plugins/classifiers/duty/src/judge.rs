//! Which duties hold, and in what order.

use std::cmp::Ordering;

use huiyin_sdk::terms::{Hits, Matcher, Terms, Test};
use huiyin_sdk::{BTreeSet, Error, Factor, Item, Verdict};

use crate::config::{Config, Duty, Place};

/// What is only in the body weighs less than what is in the title.
const IN_BODY: f64 = 0.8;

pub(crate) struct Judge<'a> {
    config: &'a Config,
    duties: Vec<(&'a Duty, Test)>,
    matcher: Matcher<'a>,
}

/// A duty that holds.
struct Held<'a> {
    duty: &'a Duty,
    score: f64,
    terms: Vec<&'a str>,
    unplaced: bool,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(config: &'a Config) -> Result<Self, Error> {
        if config.duties.is_empty() {
            return Err(wrong("/duties", "there is no duty; write at least one"));
        }
        let mut terms = Terms::default();
        let mut names = BTreeSet::new();
        let mut duties = Vec::with_capacity(config.duties.len());
        for (n, duty) in config.duties.iter().enumerate() {
            let at = format!("/duties/{n}");
            if duty.name.trim().is_empty() {
                return Err(wrong(&format!("{at}/name"), "it is empty; the label would say nothing"));
            }
            if !names.insert((duty.name.trim(), duty.unit.as_deref())) {
                let why = "the same duty of the same unit stands before; put both conditions into one `any`";
                return Err(wrong(&at, why));
            }
            if duty.unit.as_ref().is_some_and(|unit| unit.trim().is_empty()) {
                return Err(wrong(&format!("{at}/unit"), "it is empty; leave it out"));
            }
            if !(duty.weight > 0.0 && duty.weight <= 1.0) {
                return Err(wrong(&format!("{at}/weight"), "it is not above 0.0 and up to 1.0"));
            }
            for (m, region) in duty.regions.iter().enumerate() {
                let digits = region.bytes().all(|b| b.is_ascii_digit());
                if !digits || ![2, 4, 6].contains(&region.len()) {
                    let why = format!("{region:?} is no code of GB/T 2260; write two, four or six digits");
                    return Err(wrong(&format!("{at}/regions/{m}"), &why));
                }
            }
            duties.push((duty, duty.when.compile(&|| format!("{at}/when"), &mut terms)?));
        }
        Ok(Self { config, duties, matcher: terms.build() })
    }

    pub(crate) fn judge(&self, item: &Item) -> Verdict {
        let title = self.matcher.find(&item.title);
        let body = self.matcher.find(&item.body);
        let both = title.union(&body);
        let region = item.fields.get(&self.config.region_field).map(|code| code.trim());
        let region = region.filter(|code| code.len() >= 2 && code.bytes().all(|b| b.is_ascii_digit()));
        let mut held: Vec<Held<'_>> = Vec::new();
        if !both.is_empty() {
            for (duty, test) in &self.duties {
                held.extend(self.hold(duty, test, [&title, &body, &both], region));
            }
        }
        // A stable sort: of those equally supported the earlier comes first.
        held.sort_by(|a, b| order(a, b));
        verdict(&held)
    }

    fn hold(
        &self,
        duty: &'a Duty,
        test: &Test,
        [title, body, both]: [&Hits; 3],
        region: Option<&str>,
    ) -> Option<Held<'a>> {
        let outside = |region: &str| !duty.regions.iter().any(|own| region.starts_with(own.as_str()));
        if !duty.regions.is_empty() && region.is_some_and(outside) {
            return None;
        }
        let hits = match duty.place {
            Place::Any => both,
            Place::Title => title,
            Place::Body => body,
        };
        let mut seen = BTreeSet::new();
        if !test.holds(hits, &mut seen) {
            return None;
        }
        let in_title = seen.iter().any(|&term| title.contains(term));
        let score = if in_title { duty.weight } else { duty.weight * IN_BODY };
        let unplaced = !duty.regions.is_empty() && region.is_none();
        Some(Held { duty, score, terms: self.matcher.told(&seen), unplaced })
    }
}

/// The higher score first, then the one that more terms speak for.
fn order(a: &Held<'_>, b: &Held<'_>) -> Ordering {
    b.score.total_cmp(&a.score).then(b.terms.len().cmp(&a.terms.len()))
}

fn verdict(held: &[Held<'_>]) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(best) = held.first() else { return verdict };
    verdict.score = best.score;
    for one in held {
        let name = one.duty.name.trim();
        let mut label = |label: String| {
            if !verdict.labels.contains(&label) {
                verdict.labels.push(label);
            }
        };
        label(format!("duty:{name}"));
        if let Some(unit) = &one.duty.unit {
            label(format!("unit:{}", unit.trim()));
        }
        if !verdict.factors.iter().any(|factor| factor.name == name) {
            verdict.factors.push(Factor { name: name.to_owned(), score: one.score });
        }
        let of = one.duty.unit.as_ref().map(|unit| format!("（{}）", unit.trim())).unwrap_or_default();
        let place = if one.unplaced { "；未注明地区，按属地可能另有承办单位" } else { "" };
        verdict.reasons.push(format!("职责“{name}”{of}：出现“{}”{place}", one.terms.join("”“")));
    }
    let equal = held.iter().skip(1).take_while(|other| order(best, other) == Ordering::Equal).count();
    if equal > 0 {
        // Exactly one unit leads (clause 1e): who, where nothing speaks for one, is for a person to say.
        verdict.labels.push("duty-tie".to_owned());
        verdict.reasons.push(format!("前{}项职责理由相当，主办单位由人确定", equal + 1));
    }
    verdict
}

fn wrong(pointer: &str, why: &str) -> Error {
    Error::InvalidConfig(format!("at {pointer}: {why}"))
}
