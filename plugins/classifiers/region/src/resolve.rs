//! From names to codes.

use std::fmt::Write as _;

use huiyin_sdk::terms::fold;
use huiyin_sdk::{BTreeSet, Error, Item, Verdict, time};

use crate::config::{Config, code};
use crate::mention::{Mention, mentions};
use crate::table::{Form, Meaning, Table, lies_in};

/// The most places that are told of one item.
const TOLD: usize = 30;

pub(crate) struct Resolver<'a> {
    config: &'a Config,
    table: Table,
    /// The unit's own prefecture, or its province where it is one's.
    home: Option<u32>,
    own: Vec<(String, u32)>,
}

/// What is said of a name.
struct Answer {
    name: String,
    codes: Vec<Meaning>,
    /// Why of several one was taken.
    why: &'static str,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(config: &'a Config) -> Result<Self, Error> {
        let home = config.home.as_deref().map(|home| code(home, "/home")).transpose()?;
        let home = home.map(|code| if code % 10_000 == 0 { code } else { code / 100 * 100 });
        let mut own = Vec::with_capacity(config.places.len());
        for (n, place) in config.places.iter().enumerate() {
            let name = fold(place.name.trim()).into_owned();
            if name.chars().nth(1).is_none() {
                let why = "a name has two characters or more; one would be found everywhere";
                return Err(Error::InvalidConfig(format!("at /places/{n}/name: {why}")));
            }
            own.push((name, code(&place.code, &format!("/places/{n}/code"))?));
        }
        own.sort();
        own.dedup();
        Ok(Self { config, table: Table::new(), home, own })
    }

    pub(crate) fn judge(&self, item: &Item, now: u64) -> Verdict {
        let at = item.published.or((item.observed > 0).then_some(item.observed)).unwrap_or(now);
        let month = month(at);
        let mut answers = Vec::new();
        let mut told = String::new();
        if let Some(text) = item.fields.get(&self.config.field).map(|text| text.trim()).filter(|text| !text.is_empty())
        {
            match text.get(..6).filter(|_| text.len() >= 6 && text.bytes().all(|b| b.is_ascii_digit())) {
                Some(digits) => answers.push(self.by_code(digits.parse().unwrap_or(0))),
                None => told = format!("{text}\n"),
            }
        }
        let text = format!("{told}{}\n{}", item.title, item.body);
        let text = fold(&text);
        let mut all = mentions(&self.table, &self.own, &text);
        for mention in &mut all {
            timely(&mut mention.means, month);
        }
        // What the text names beyond doubt, for names in it that need a word for them.
        let named: BTreeSet<u32> = all
            .iter()
            .filter(|mention| !mention.weak())
            .flat_map(|mention| mention.means.iter().map(|meaning| meaning.code))
            .collect();
        for (n, mention) in all.iter().enumerate() {
            let before = n.checked_sub(1).map(|n| &all[n]);
            if let Some(answer) = self.answer(&named, before, mention, &text) {
                answers.push(answer);
            }
        }
        self.verdict(answers, month)
    }

    fn by_code(&self, code: u32) -> Answer {
        let (name, meaning) = self.table.named(code).map_or_else(
            || {
                let own = self.own.iter().find(|(_, other)| *other == code);
                let name = own.map_or_else(|| "表中没有的代码".to_owned(), |(name, _)| name.clone());
                (name, Meaning { form: Form::Own, code, after: 0, until: u32::MAX })
            },
            |(name, meaning)| (name.to_owned(), meaning),
        );
        Answer { name, codes: vec![meaning], why: "来源注明代码" }
    }

    /// What a name means, by what stands before it, by the unit's home, and by what else the text names.
    fn answer(&self, named: &BTreeSet<u32>, before: Option<&Mention>, mention: &Mention, text: &str) -> Option<Answer> {
        let mut codes = mention.means.clone();
        let keep = |codes: &[Meaning], test: &dyn Fn(u32) -> bool| -> Vec<Meaning> {
            codes.iter().filter(|meaning| test(meaning.code)).copied().collect()
        };
        if !mention.weak() {
            // 大理 is the prefecture; its city of that name is in it.
            codes.retain(|meaning| meaning.form != Form::Weak);
        }
        if codes.iter().all(|meaning| matches!(meaning.form, Form::Bare | Form::Weak)) {
            let all = codes.clone();
            codes.retain(|one| !all.iter().any(|other| lies_in(one.code, other.code)));
        }
        let answer = |codes, why| Some(Answer { name: mention.name.clone(), codes, why });
        // 福州市鼓楼区, 福州鼓楼区: the name before is part of the name.
        if let Some(before) = before {
            let gap = &text[before.to..mention.from];
            if gap.chars().all(|c| matches!(c, ' ' | '、' | '·' | '-' | '省' | '市'))
                && gap.chars().count() <= 1
                && gap != "、"
            {
                let inside = keep(&codes, &|code| before.means.iter().any(|other| lies_in(code, other.code)));
                if !inside.is_empty() {
                    return answer(inside, "");
                }
            }
        }
        let home = keep(&codes, &|code| self.home.is_some_and(|home| code == home || lies_in(code, home)));
        let elsewhere = keep(&codes, &|code| parents(code).any(|parent| named.contains(&parent)));
        if mention.weak() {
            codes = if home.is_empty() { elsewhere.clone() } else { home.clone() };
            if codes.is_empty() {
                return None;
            }
        }
        if codes.len() > 1 && !home.is_empty() {
            // The unit's own prefecture decides, unless the text itself speaks for another.
            let other = elsewhere.iter().any(|meaning| !home.contains(meaning));
            if !other {
                return answer(home, "取本单位所在地");
            }
        } else if codes.len() > 1 && elsewhere.len() == 1 {
            return answer(elsewhere, "按文中上级地名");
        }
        answer(codes, "")
    }

    fn verdict(&self, answers: Vec<Answer>, month: u32) -> Verdict {
        let mut verdict = Verdict::default();
        let certain: BTreeSet<u32> =
            answers.iter().filter(|answer| answer.codes.len() == 1).map(|answer| answer.codes[0].code).collect();
        let lain_in: BTreeSet<u32> = certain.iter().flat_map(|&code| parents(code)).collect();
        let mut told = BTreeSet::new();
        let mut over = 0;
        for answer in answers {
            let codes: BTreeSet<u32> = answer.codes.iter().map(|meaning| meaning.code).collect();
            // What a place lies in needs no label of its own; nor does a name that another mention settled.
            let covered = match *codes.iter().collect::<Vec<_>>().as_slice() {
                [one] => lain_in.contains(one),
                _ => codes.iter().any(|code| certain.contains(code)),
            };
            if covered || !told.insert(codes) {
                continue;
            }
            if verdict.reasons.len() == TOLD {
                over += 1;
                continue;
            }
            let sure = answer.codes.len() == 1;
            verdict.score = verdict.score.max(if sure { 1.0 } else { 0.5 });
            for meaning in &answer.codes {
                let label = if sure { "region" } else { "region-candidate" };
                let label = format!("{label}:{:06}", meaning.code);
                if !verdict.labels.contains(&label) {
                    verdict.labels.push(label);
                }
            }
            verdict.reasons.push(self.reason(&answer, month));
        }
        if over > 0 {
            verdict.reasons.push(format!("另有{over}处地名未列"));
        }
        verdict
    }

    /// `鼓楼区：4处同名，待定：320106江苏省南京市鼓楼区、…`.
    fn reason(&self, answer: &Answer, month: u32) -> String {
        let mut out = format!("“{}”：", answer.name);
        if answer.codes.len() > 1 {
            let _ = write!(out, "{}处同名，待定：", answer.codes.len());
        }
        for (n, meaning) in answer.codes.iter().enumerate() {
            let _ = write!(out, "{}{:06}", if n > 0 { "、" } else { "" }, meaning.code);
            out.push_str(&self.whole_name(meaning.code));
            let show = |month: u32| format!("{}年{}月", month / 100, month % 100);
            if meaning.until < month {
                let _ = write!(out, "（{}前停用）", show(meaning.until));
            } else if meaning.after > month {
                let _ = write!(out, "（{}后启用）", show(meaning.after));
            }
        }
        if !answer.why.is_empty() {
            let _ = write!(out, "（{}）", answer.why);
        }
        out
    }

    fn whole_name(&self, code: u32) -> String {
        let province = code / 10_000 * 10_000;
        let prefecture = code / 100 * 100;
        let mut out = String::new();
        let mut last = 0;
        for part in [province, prefecture, code] {
            if part != last {
                out.push_str(self.table.name(part).unwrap_or_default());
            }
            last = part;
        }
        out
    }
}

/// The prefecture and the province in which a place lies.
fn parents(code: u32) -> impl Iterator<Item = u32> {
    [code / 100 * 100, code / 10_000 * 10_000].into_iter().filter(move |&parent| parent != code)
}

/// Of what a name meant at any time, what it meant then; where it meant nothing then, what it meant last before, else first
/// after. Between two lists, of two codes of one prefecture the later holds.
fn timely(means: &mut Vec<Meaning>, month: u32) {
    means.dedup();
    if means.iter().any(|meaning| meaning.held(month)) {
        means.retain(|meaning| meaning.held(month));
        let all = means.clone();
        means.retain(|one| {
            !all.iter().any(|other| {
                other.code != one.code
                    && other.code / 100 == one.code / 100
                    && other.form == one.form
                    && one.until < other.until
                    && other.after > one.after
            })
        });
    } else if let Some(last) = means.iter().map(|meaning| meaning.until).filter(|&until| until < month).max() {
        means.retain(|meaning| meaning.until == last);
    } else if let Some(first) = means.iter().map(|meaning| meaning.after).min() {
        means.retain(|meaning| meaning.after == first);
    }
}

/// The year and month, in China.
fn month(milliseconds: u64) -> u32 {
    let text = time::to_rfc3339(milliseconds.saturating_add(8 * 3_600_000)).unwrap_or_default();
    let digits = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    digits(0..4) * 100 + digits(5..7)
}
