//! Reading a cron expression, so that an error says where, which field, and what to write instead.

use std::fmt;

/// A field of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// 0–59.
    Minute,
    /// 0–23.
    Hour,
    /// 1–31.
    DayOfMonth,
    /// 1–12 or jan–dec.
    Month,
    /// 0–7 or sun–sat; 0 and 7 are Sunday.
    DayOfWeek,
}

const FIELDS: [Field; 5] = [Field::Minute, Field::Hour, Field::DayOfMonth, Field::Month, Field::DayOfWeek];
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

impl Field {
    fn range(self) -> (u8, u8) {
        match self {
            Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::DayOfWeek => (0, 7),
        }
    }

    /// Names of the values and the value of the first.
    fn names(self) -> (&'static [&'static str], u8) {
        match self {
            Self::Month => (&MONTHS, 1),
            Self::DayOfWeek => (&WEEKDAYS, 0),
            _ => (&[], 0),
        }
    }

    fn allowed(self) -> &'static str {
        match self {
            Self::Minute => "0 to 59",
            Self::Hour => "0 to 23",
            Self::DayOfMonth => "1 to 31",
            Self::Month => "1 to 12 or jan to dec",
            Self::DayOfWeek => "0 to 7 (0 and 7 are Sunday) or sun to sat",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        })
    }
}

/// A text that is no cron expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CronError {
    /// What was given.
    pub expression: String,
    /// Where the trouble starts, in bytes from the beginning.
    pub offset: usize,
    /// The field it is in, if it is in one.
    pub field: Option<Field>,
    /// What is wrong.
    pub why: String,
    /// How to mend it.
    pub hint: String,
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cron expression \"{}\", at offset {}", self.expression, self.offset)?;
        if let Some(field) = self.field {
            write!(f, " (field {field})")?;
        }
        write!(f, ": {}; {}", self.why, self.hint)
    }
}

impl std::error::Error for CronError {}

/// The values a field allows, one bit each, and whether it starts with `*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) bits: u64,
    pub(super) star: bool,
}

impl Set {
    pub(super) fn values(self) -> impl Iterator<Item = u8> {
        (0..64).filter(move |value| self.bits & (1 << value) != 0)
    }
}

/// The five fields. Sunday is bit 0 only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) minute: Set,
    pub(super) hour: Set,
    pub(super) day_of_month: Set,
    pub(super) month: Set,
    pub(super) day_of_week: Set,
}

/// An expression that was read but that the calendar search does not take.
pub(super) fn unsupported(expression: &str, why: String) -> CronError {
    CronError {
        expression: expression.to_owned(),
        offset: 0,
        field: None,
        why,
        hint: "write it with fewer parts".into(),
    }
}

pub(super) fn fields(expression: &str) -> Result<Fields, CronError> {
    let whole = |offset, why: String, hint: &str| CronError {
        expression: expression.to_owned(),
        offset,
        field: None,
        why,
        hint: hint.to_owned(),
    };
    let words = words(expression);
    if let Some((offset, name)) = words.first().filter(|(_, word)| word.starts_with('@')) {
        return match NICKNAMES.iter().find(|(nickname, _)| nickname.eq_ignore_ascii_case(name)) {
            Some((_, meaning)) if words.len() == 1 => fields(meaning),
            Some(_) => Err(whole(words[1].0, format!("nothing may follow {name}"), "leave out what follows")),
            None => Err(whole(
                *offset,
                format!("{name} is not known"),
                "use @hourly, @daily, @weekly, @monthly or @yearly, or five fields",
            )),
        };
    }
    if words.len() != 5 {
        let offset = words.get(5).map_or(expression.len(), |(offset, _)| *offset);
        let why = format!("there are {} fields where five are needed", words.len());
        let hint = if words.len() > 5 {
            "write minute, hour, day of month, month, day of week; there are no fields for seconds or years"
        } else {
            "write minute, hour, day of month, month, day of week, such as \"0 8 * * 1-5\""
        };
        return Err(whole(offset, why, hint));
    }
    let mut sets = [Set::default(); 5];
    for ((set, field), (offset, text)) in sets.iter_mut().zip(FIELDS).zip(&words) {
        *set = Reader { expression, field }.set(*offset, text)?;
    }
    let [minute, hour, day_of_month, month, mut day_of_week] = sets;
    if day_of_week.bits & (1 << 7) != 0 {
        day_of_week.bits = day_of_week.bits & 0x7f | 1;
    }
    Ok(Fields { minute, hour, day_of_month, month, day_of_week })
}

/// The words of a text with their offsets.
fn words(text: &str) -> Vec<(usize, &str)> {
    let start = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
    text.split_whitespace().map(|word| (start(word), word)).collect()
}

struct Reader<'a> {
    expression: &'a str,
    field: Field,
}

impl Reader<'_> {
    fn error(&self, offset: usize, why: String, hint: impl Into<String>) -> CronError {
        CronError { expression: self.expression.to_owned(), offset, field: Some(self.field), why, hint: hint.into() }
    }

    fn set(&self, offset: usize, text: &str) -> Result<Set, CronError> {
        let mut set = Set { bits: 0, star: text.starts_with('*') };
        let mut at = offset;
        for part in text.split(',') {
            set.bits |= self.part(at, part)?;
            at += part.len() + 1;
        }
        Ok(set)
    }

    fn part(&self, at: usize, part: &str) -> Result<u64, CronError> {
        let (values, step) = match part.split_once('/') {
            Some((values, step)) => (values, Some((at + values.len() + 1, step))),
            None => (part, None),
        };
        let (low, high) = self.field.range();
        // A week that is written open-ended ends with Saturday: Sunday is not in it twice.
        let end = if self.field == Field::DayOfWeek { 6 } else { high };
        let (first, last) = if values == "*" {
            (low, end)
        } else if let Some((first, last)) = values.split_once('-') {
            self.range(at, first, last, step.map(|(_, step)| step))?
        } else {
            match self.value(at, values)? {
                value if step.is_none() => (value, value),
                value if value > end => (low, end),
                value => (value, end),
            }
        };
        let step = step.map_or(Ok(1), |(at, step)| self.step(at, step))?;
        Ok((first..=last).step_by(step).fold(0, |bits, value| bits | 1 << value))
    }

    fn range(&self, at: usize, first: &str, last: &str, step: Option<&str>) -> Result<(u8, u8), CronError> {
        let from = self.value(at, first)?;
        let to_at = at + first.len() + 1;
        let mut to = self.value(to_at, last)?;
        if self.field == Field::DayOfWeek && to == 0 && from > 0 && last.eq_ignore_ascii_case("sun") {
            to = 7;
        }
        if from > to {
            let hint = format!("to wrap around, write {}", self.wrapped(from, to, step));
            return Err(self.error(at, format!("the range {first}-{last} runs backwards"), hint));
        }
        Ok((from, to))
    }

    /// What a range that runs over the end of the field means, as it can be written.
    fn wrapped(&self, from: u8, to: u8, step: Option<&str>) -> String {
        let (low, high) = self.field.range();
        // Sunday is the day 0 here: a range from 7 on does not run over an end.
        let (from, high) = match self.field {
            Field::DayOfWeek => (from % 7, 6),
            _ => (from, high),
        };
        let piece = |first: u8, last: u8| if first == last { first.to_string() } else { format!("{first}-{last}") };
        let step = step.and_then(|step| step.parse::<usize>().ok()).unwrap_or(1).max(1);
        if step > 1 {
            let beyond = if from <= to { from..=to } else { from..=high };
            let before = (from > to).then_some(low..=to);
            let values = beyond.chain(before.into_iter().flatten()).step_by(step);
            return values.map(|value| value.to_string()).collect::<Vec<_>>().join(",");
        }
        if from <= to { piece(from, to) } else { format!("{},{}", piece(from, high), piece(low, to)) }
    }

    fn step(&self, at: usize, text: &str) -> Result<usize, CronError> {
        let number = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u8>().ok()).flatten();
        let (low, high) = self.field.range();
        match number {
            Some(0) => Err(self.error(at, "a step of 0 never moves on".into(), "write a step of 1 or more")),
            Some(step) if step <= high - low + 1 => Ok(usize::from(step)),
            _ => Err(self.error(
                at,
                format!("\"{text}\" is no step within {}", self.field.allowed()),
                "a step is a whole number and starts anew with every hour, day, month or year, so it cannot be longer than the field",
            )),
        }
    }

    fn value(&self, at: usize, text: &str) -> Result<u8, CronError> {
        let (low, high) = self.field.range();
        let allowed = self.field.allowed();
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return match text.parse::<u8>() {
                Ok(value) if (low..=high).contains(&value) => Ok(value),
                _ => Err(self.error(at, format!("{text} is out of range"), format!("write {allowed}"))),
            };
        }
        let (names, first) = self.field.names();
        if let Some(index) = names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Ok(first + index as u8);
        }
        let special = |signs: &[char]| text.contains(signs) || text.eq_ignore_ascii_case("L");
        if text.is_empty() {
            Err(self.error(at, "a value is missing".into(), format!("write * or {allowed}")))
        } else if text == "?" {
            Err(self.error(at, "? is not known".into(), "write * instead"))
        } else if text.contains('*') {
            Err(self.error(at, format!("* cannot be part of \"{text}\""), "write * alone or with a step, as */5"))
        } else if special(&['#', 'L', 'l', 'W', 'w', '~'])
            && names.is_empty() | text.contains(|c: char| c.is_ascii_digit())
        {
            Err(self.error(
                at,
                format!("\"{text}\" is not known: L, W, # and ~ are not part of five-field cron"),
                format!("write {allowed}"),
            ))
        } else {
            Err(self.error(at, format!("\"{text}\" is not known"), format!("write {allowed}")))
        }
    }
}
