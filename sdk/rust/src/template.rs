//! Texts with names in them, the same for every notifier: `{subject}` stands for the subject, `{due|未定}` for the
//! due time or 未定 where there is none, `{?link}详情：{link}{/link}` is there only where there is a link. `{{` and
//! `}}` are braces. A name that is none is refused when the configuration is read, with its place.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::time::{Times, UtcOffset};
use crate::{BTreeMap, Context, Error, Message};

/// The names that every notifier knows.
///
/// | name | is |
/// |---|---|
/// | `subject`, `text` | those of the message |
/// | `recipients` | the message's recipients, parted by 、 |
/// | `unit` | `data.unit` of the message, else the code of the unit on whose behalf the call is made |
/// | `case` | `data.case`: the case's number |
/// | `level` | `data.level`: `I` to `IV` as `Ⅰ级（特别重大）`; another text as it stands |
/// | `due` | `data.due`: an RFC 3339 time as `2026年3月1日16时00分`; another text as it stands |
/// | `link`, `receiptLink` | `data.link`, and `data.receiptLink`: where the reader acknowledges (签收) |
/// | `time` | the call's time, written like `due` |
/// | `id` | the idempotency key of the call |
pub const NAMES: [&str; 11] =
    ["subject", "text", "recipients", "unit", "case", "level", "due", "link", "receiptLink", "time", "id"];

/// What the names stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variables(BTreeMap<&'static str, String>);

impl Variables {
    /// Those of a message. Times are shown at `offset`.
    ///
    /// # Errors
    /// When one of the members of `data` is no text or number.
    pub fn of(ctx: &Context, message: &Message, offset: UtcOffset) -> Result<Self, Error> {
        let data = |name: &'static str| match message.data.get(name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.trim().to_owned()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            Some(other) => Err(Error::InvalidInput(format!("at /data/{name}: {other} is no text"))),
        };
        let mut all = BTreeMap::new();
        all.insert("subject", message.subject.trim().to_owned());
        all.insert("text", message.text.trim_end().to_owned());
        all.insert("recipients", message.recipients.join("、"));
        let unit = data("unit")?;
        all.insert("unit", if unit.is_empty() { ctx.unit.clone() } else { unit });
        all.insert("case", data("case")?);
        all.insert("level", level_shown(&data("level")?));
        let due = data("due")?;
        let read = Times { offset, ..Times::default() }.read(&due);
        all.insert("due", read.map_or(due, |due| offset.show_chinese(due)));
        all.insert("link", data("link")?);
        all.insert("receiptLink", data("receiptLink")?);
        all.insert("time", offset.show_chinese(ctx.now));
        all.insert("id", ctx.idempotency_key.clone());
        Ok(Self(all))
    }

    /// With another name of the plugin's own; see [`Template::with`].
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.0.insert(name, value.into());
    }

    /// What a name stands for; empty for none.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}

/// `I` as `Ⅰ级（特别重大）` and so on; another text as it stands.
pub fn level_shown(level: &str) -> String {
    match level {
        "I" => "Ⅰ级（特别重大）",
        "II" => "Ⅱ级（重大）",
        "III" => "Ⅲ级（较大）",
        "IV" => "Ⅳ级（一般）",
        other => other,
    }
    .to_owned()
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Name { name: String, or: String },
    Where { name: String, inner: Vec<Piece> },
}

/// A text with names in it. In JSON a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

impl Template {
    /// Reads a template with the names that every notifier knows.
    ///
    /// # Errors
    /// What is wrong, and at which character.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::with(text, &[])
    }

    /// The same with further names of the plugin's own.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub fn with(text: &str, more: &[&str]) -> Result<Self, String> {
        let mut reader = Reader { text, at: 0, more };
        let pieces = reader.pieces(None)?;
        Ok(Self(pieces))
    }

    /// The text with what the names stand for.
    pub fn fill(&self, variables: &Variables) -> String {
        self.fill_with(variables, &|_, value| value.to_owned())
    }

    /// The same, each value as `spell` writes it; it is given the name, too.
    pub fn fill_with(&self, variables: &Variables, spell: &dyn Fn(&str, &str) -> String) -> String {
        let mut out = String::new();
        fill(&self.0, variables, spell, &mut out);
        out
    }

    /// Whether the name stands in it.
    pub fn holds(&self, name: &str) -> bool {
        holds(&self.0, name)
    }
}

fn fill(pieces: &[Piece], variables: &Variables, spell: &dyn Fn(&str, &str) -> String, out: &mut String) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Name { name, or } => match variables.get(name) {
                "" => out.push_str(or),
                value => out.push_str(&spell(name, value)),
            },
            Piece::Where { name, inner } => {
                if !variables.get(name).is_empty() {
                    fill(inner, variables, spell, out);
                }
            }
        }
    }
}

fn holds(pieces: &[Piece], wanted: &str) -> bool {
    pieces.iter().any(|piece| match piece {
        Piece::Text(_) => false,
        Piece::Name { name, .. } => name == wanted,
        Piece::Where { inner, .. } => holds(inner, wanted),
    })
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    more: &'a [&'a str],
}

impl Reader<'_> {
    fn wrong(&self, at: usize, why: impl fmt::Display) -> String {
        format!("character {}: {why}", self.text[..at].chars().count() + 1)
    }

    fn known(&self, name: &str, at: usize) -> Result<String, String> {
        if NAMES.contains(&name) || self.more.contains(&name) {
            return Ok(name.to_owned());
        }
        let all: Vec<&str> = NAMES.iter().chain(self.more).copied().collect();
        Err(self.wrong(at, format!("{name:?} is no name; the names are {}", all.join(", "))))
    }

    /// Up to the end, or to `{/name}` of the part that is `open`.
    fn pieces(&mut self, open: Option<(&str, usize)>) -> Result<Vec<Piece>, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        while let Some(c) = self.text[self.at..].chars().next() {
            let start = self.at;
            if let Some(brace) = ["{{", "}}"].into_iter().find(|two| self.text[start..].starts_with(two)) {
                plain.push_str(&brace[1..]);
                self.at += 2;
                continue;
            }
            if c == '}' {
                return Err(self.wrong(start, "a lone }; write }} for a brace"));
            }
            if c != '{' {
                plain.push(c);
                self.at += c.len_utf8();
                continue;
            }
            let end = self.text[start..]
                .find('}')
                .ok_or_else(|| self.wrong(start, "a { without its }; write {{ for a brace"))?;
            let inside = &self.text[start + 1..start + end];
            self.at = start + end + 1;
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            if let Some(name) = inside.strip_prefix('?') {
                let name = self.known(name, start)?;
                let inner = self.pieces(Some((&name, start)))?;
                pieces.push(Piece::Where { name, inner });
            } else if let Some(name) = inside.strip_prefix('/') {
                return match open {
                    Some((opened, _)) if opened == name => Ok(pieces),
                    Some((opened, _)) => {
                        Err(self.wrong(start, format!("{{/{opened}}} is wanted, this is {{/{name}}}")))
                    }
                    None => Err(self.wrong(start, format!("{{/{name}}} ends nothing; begin with {{?{name}}}"))),
                };
            } else {
                let (name, or) = inside.split_once('|').unwrap_or((inside, ""));
                pieces.push(Piece::Name { name: self.known(name, start)?, or: or.to_owned() });
            }
        }
        if let Some((name, at)) = open {
            return Err(self.wrong(at, format!("{{?{name}}} is not ended by {{/{name}}}")));
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(pieces)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Template {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A text with names: {subject}, {text}, {recipients}, {unit}, {case}, {level}, {due}, {link}, {receiptLink}, {time}, {id}. {due|未定} has a word for where there is none; {?link}…{/link} is there only where there is a link; {{ and }} are braces."
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Template, Variables};
    use crate::time::UtcOffset;
    use crate::{Context, Message};

    fn variables(data: serde_json::Value) -> Variables {
        let ctx = Context {
            call_id: "call-1".to_owned(),
            attempt: 1,
            unit: "linhai".to_owned(),
            now: 1_709_253_000_000,
            idempotency_key: "k".to_owned(),
        };
        let message = Message {
            subject: " 快报 ".to_owned(),
            text: "{subject}\n".to_owned(),
            recipients: vec!["甲".to_owned(), "乙".to_owned()],
            data,
            ..Message::default()
        };
        Variables::of(&ctx, &message, UtcOffset::default()).unwrap()
    }

    #[test]
    fn names_stand_for_what_the_message_says() {
        let all =
            variables(json!({"case": "C-1", "level": "II", "due": "2024-03-01T02:00:00Z", "link": "https://a.cn"}));
        for (template, text) in [
            ("{subject}:{text}", "快报:{subject}"),
            ("{{{case}}}", "{C-1}"),
            ("{level} {due}", "Ⅱ级（重大） 2024年3月1日10时00分"),
            ("{receiptLink|无}{unit}{recipients}", "无linhai甲、乙"),
            ("{?link}见{link}{?case}({case}){/case}{/link}。", "见https://a.cn(C-1)。"),
            ("{?receiptLink}签收{receiptLink}{/receiptLink}。", "。"),
            ("{time}", "2024年3月1日08时30分"),
            ("", ""),
        ] {
            assert_eq!(Template::parse(template).unwrap().fill(&all), text, "{template}");
        }
        let plain = variables(json!({"level": "特急", "due": "尽快", "unit": 7}));
        assert_eq!(Template::parse("{level}{due}{unit}").unwrap().fill(&plain), "特急尽快7");
    }

    #[test]
    fn what_is_no_template_is_refused_with_its_place() {
        for (template, place, words) in [
            ("回音{subjekt}", "character 3", "the names are subject, text"),
            ("{", "character 1", "without its }"),
            ("a}", "character 2", "lone }"),
            ("{?due}x", "character 1", "not ended by {/due}"),
            ("{?due}x{/link}", "character 8", "{/due} is wanted"),
            ("x{/due}", "character 2", "ends nothing"),
            ("{}", "character 1", "no name"),
            ("{ subject}", "character 1", "no name"),
        ] {
            let why = Template::parse(template).unwrap_err();
            assert!(why.starts_with(place) && why.contains(words), "{template}: {why}");
        }
        assert!(Template::with("{phone}", &["phone"]).unwrap().holds("phone"));
    }
}
