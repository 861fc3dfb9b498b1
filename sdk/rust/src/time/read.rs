//! The reader: a strict grammar over the tokens. Each token must have its
//! place; one that has none makes the text no time, never another time.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use super::tokens::{self, Period, Token, Unit};
use super::zones::Zone;
use super::{Times, YEAR_1990};

/// Hour (to 24), minute, second, nanosecond.
type Clock = (u64, u64, u64, i32);

/// What a text says, before it is a moment.
struct Written {
    date: Date,
    time: Option<Clock>,
    zone: Option<Zone>,
}

impl Times {
    pub(super) fn moment(&self, text: &str) -> Option<Timestamp> {
        let text = text.trim();
        // What machines write (RFC 3339, RFC 9557).
        if let Ok(moment) = text.parse::<Timestamp>() {
            return Some(moment);
        }
        if let Some(moment) = epoch(text).or_else(|| dot_net(text)) {
            return Some(moment);
        }
        let tokens = tokens::read(text)?;
        let mut parser = Parser { tokens: &tokens, at: 0, zone: None };
        let written = parser.whole()?;
        let there = written.civil()?;
        match written.zone {
            Some(zone) => zone.moment(there, self.cst.0),
            None => self.offset.0.to_timestamp(there).ok(),
        }
    }
}

/// 10 digits and perhaps a fraction are seconds since 1970; 13, 16 and 19 are
/// milliseconds, microseconds and nanoseconds. Other lengths are dates or nothing.
fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    match whole.len() {
        10 if fraction.is_empty() || (fraction.bytes().any(|b| b != b'0') && fraction.len() <= 9) => {
            let nanosecond: i32 = format!("{fraction:0<9}").parse().ok()?;
            Timestamp::new(number, nanosecond).ok()
        }
        13 if fraction.is_empty() => Timestamp::from_millisecond(number).ok(),
        16 if fraction.is_empty() => Timestamp::from_microsecond(number).ok(),
        19 if fraction.is_empty() => Timestamp::from_nanosecond(number.into()).ok(),
        _ => None,
    }
}

/// `/Date(1709253000000)/`, perhaps with an offset that is only for showing.
fn dot_net(text: &str) -> Option<Timestamp> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    let end = inner.find(['+', '-']).unwrap_or(inner.len());
    let offset = &inner[end..];
    let plain = offset.is_empty() || (offset.len() == 5 && offset[1..].bytes().all(|b| b.is_ascii_digit()));
    let number = inner[..end].parse().ok().filter(|_| plain)?;
    Timestamp::from_millisecond(number).ok()
}

impl Written {
    fn civil(&self) -> Option<DateTime> {
        let Some((hour, minute, second, nanosecond)) = self.time else {
            return Some(self.date.at(0, 0, 0, 0));
        };
        if hour == 24 {
            let midnight = minute == 0 && second == 0 && nanosecond == 0;
            return self.date.tomorrow().ok().filter(|_| midnight).map(|date| date.at(0, 0, 0, 0));
        }
        // A leap second is the end of its minute.
        let second = if second == 60 { 59 } else { second };
        let small = |n: u64| i8::try_from(n).ok();
        let (year, month, day) = (self.date.year(), self.date.month(), self.date.day());
        DateTime::new(year, month, day, small(hour)?, small(minute)?, small(second)?, nanosecond).ok()
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    zone: Option<Zone>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    fn ahead(&self, by: usize) -> Option<Token> {
        self.tokens.get(self.at + by).copied()
    }

    fn eat(&mut self, token: Token) -> bool {
        let there = self.peek() == Some(token);
        self.at += usize::from(there);
        there
    }

    fn mark(&mut self, mark: char) -> bool {
        self.eat(Token::Mark(mark))
    }

    fn space(&mut self) {
        self.eat(Token::Space);
    }

    /// A number of so many digits.
    fn number(&mut self, digits: std::ops::RangeInclusive<u8>) -> Option<u64> {
        match self.peek() {
            Some(Token::Number(value, written)) if digits.contains(&written) => {
                self.at += 1;
                Some(value)
            }
            _ => None,
        }
    }

    fn whole(&mut self) -> Option<Written> {
        self.weekday();
        if let Some(Token::Zone(zone @ Zone::Fixed(_))) = self.peek() {
            self.at += 1; // 北京时间2024年…
            self.zone = Some(zone);
            self.space();
        }
        let (date, time) = self.date()?;
        let time = match time {
            Some(time) => Some(time),
            None => self.time_after_date()?,
        };
        self.space();
        self.comment();
        self.space();
        self.weekday();
        (self.at == self.tokens.len()).then_some(Written { date, time, zone: self.zone })
    }

    /// A weekday, in brackets or not, and a comma. It is not checked: sources
    /// get it wrong, and the date says it better.
    fn weekday(&mut self) {
        let start = self.at;
        self.space();
        let bracket = self.mark('(');
        if self.eat(Token::Weekday) && (!bracket || self.mark(')')) {
            self.space();
            self.mark(',');
            self.space();
        } else {
            self.at = start;
        }
    }

    /// `(CST)` behind an offset says nothing more, nor does the `CST` of `+0800 CST`.
    fn comment(&mut self) {
        if let (Some(there), Some(Token::Zone(named))) = (self.zone, self.peek())
            && (named == there || named == Zone::Cst)
        {
            self.at += 1;
            return;
        }
        if let (Some(Token::Mark(open @ ('(' | '['))), Some(Token::Zone(zone)), Some(Token::Mark(')' | ']'))) =
            (self.peek(), self.ahead(1), self.ahead(2))
        {
            if self.zone.is_none() && open == '(' {
                self.zone = Some(zone);
            } else if self.zone.is_none() {
                return;
            }
            self.at += 3;
        }
    }

    /// A date; where the year comes last (`Fri Mar 01 08:30:00 +0800 2024`)
    /// with its time.
    fn date(&mut self) -> Option<(Date, Option<Clock>)> {
        match self.peek()? {
            Token::Month(month) => {
                self.at += 1;
                self.month_first(month)
            }
            Token::Number(value, 8) => {
                self.at += 1;
                Some((date(value / 10_000, value / 100 % 100, value % 100)?, None))
            }
            Token::Number(value, digits @ (12 | 14 | 17)) => {
                self.at += 1;
                let millisecond = if digits == 17 { value % 1_000 } else { 0 };
                let value = match digits {
                    12 => value * 100,
                    17 => value / 1_000,
                    _ => value,
                };
                let (day, clock) = (value / 1_000_000, value % 1_000_000);
                let time =
                    (clock / 10_000, clock / 100 % 100, clock % 100, i32::try_from(millisecond).ok()? * 1_000_000);
                self.after_time();
                Some((date(day / 10_000, day / 100 % 100, day % 100)?, Some(time)))
            }
            Token::Number(_, 4) => self.year_first().map(|date| (date, None)),
            Token::Number(_, 1 | 2) => self.day_first().map(|date| (date, None)),
            _ => None,
        }
    }

    /// `2024年3月1日`, `2024-03-01`, `2024/3/1`, `2024.3.1`
    fn year_first(&mut self) -> Option<Date> {
        let year = self.number(4..=4)?;
        self.space();
        if self.eat(Token::Unit(Unit::Year)) {
            self.space();
            let month = self.number(1..=2)?;
            self.space();
            self.eat(Token::Unit(Unit::Month)).then_some(())?;
            self.space();
            let day = self.number(1..=2)?;
            self.space();
            self.eat(Token::Unit(Unit::Day)).then_some(())?;
            return date(year, month, day);
        }
        let Token::Mark(mark @ ('-' | '/' | '.')) = self.peek()? else { return None };
        self.at += 1;
        let month = match self.peek()? {
            Token::Month(month) => {
                self.at += 1;
                month as u64
            }
            _ => self.number(1..=2)?,
        };
        self.mark(mark).then_some(())?;
        date(year, month, self.number(1..=2)?)
    }

    /// `01 Mar 2024`, `1-Mar-24`, and numbers where only one order makes a date.
    fn day_first(&mut self) -> Option<Date> {
        let first = self.number(1..=2)?;
        self.eat(Token::Ordinal);
        if let Some(Token::Mark(mark @ ('/' | '.' | '-'))) = self.peek()
            && let Some(Token::Number(second, 1 | 2)) = self.ahead(1)
        {
            self.at += 2;
            self.mark(mark).then_some(())?;
            let year = self.number(4..=4)?;
            return match (date(year, first, second), date(year, second, first)) {
                (Some(one), Some(other)) => (one == other).then_some(one),
                (one, other) => one.or(other),
            };
        }
        self.separator();
        let Token::Month(month) = self.peek()? else { return None };
        self.at += 1;
        self.separator();
        date(self.year()?, month as u64, first)
    }

    /// `March 1st, 2024`, `Mar 1 08:30:00 CST 2024`
    fn month_first(&mut self, month: i8) -> Option<(Date, Option<Clock>)> {
        self.separator();
        let day = self.number(1..=2)?;
        self.eat(Token::Ordinal);
        self.separator();
        if matches!(self.ahead(1), Some(Token::Mark(':'))) {
            let time = self.time()?;
            self.space();
            let year = self.number(4..=4)?;
            return Some((date(year, month as u64, day)?, Some(time)));
        }
        Some((date(self.year()?, month as u64, day)?, None))
    }

    fn separator(&mut self) {
        self.space();
        let _ = self.mark(',') || self.mark('-') || self.mark('/');
        self.space();
    }

    /// Two digits as RFC 2822 §4.3 reads them.
    fn year(&mut self) -> Option<u64> {
        match self.peek()? {
            Token::Number(year, 4) => {
                self.at += 1;
                Some(year)
            }
            Token::Number(year, 2) => {
                self.at += 1;
                Some(if year < 50 { 2000 + year } else { 1900 + year })
            }
            _ => None,
        }
    }

    /// What stands behind a date: nothing, or a time. None where it is neither.
    #[allow(clippy::option_option)]
    fn time_after_date(&mut self) -> Option<Option<Clock>> {
        self.weekday();
        self.space();
        self.mark(',');
        self.space();
        if self.eat(Token::T) {
            if let Some(Token::Number(value, digits @ (4 | 6))) = self.peek() {
                self.at += 1;
                let value = if digits == 4 { value * 100 } else { value };
                let nanosecond = self.fraction()?;
                self.after_time();
                return Some(Some((value / 10_000, value / 100 % 100, value % 100, nanosecond)));
            }
            return self.time().map(Some);
        }
        match self.peek() {
            None | Some(Token::Mark('(' | '[')) => Some(None),
            Some(Token::Mark('+') | Token::Zone(_)) => {
                // A date with a zone, or a zone before the time (北京时间 8 时).
                self.zone_after();
                self.space();
                if self.at == self.tokens.len() { Some(None) } else { self.time().map(Some) }
            }
            Some(_) => self.time().map(Some),
        }
    }

    /// `8:30`, `08:30:15.123`, `下午3时30分`, `3点半`, `8pm`, and what follows.
    fn time(&mut self) -> Option<Clock> {
        let before = self.period();
        self.space();
        let hour = self.number(1..=2)?;
        let (mut minute, mut second, mut nanosecond) = (0, 0, 0);
        let mut whole = true; // whether it is a time without a period
        self.space_before_unit();
        if self.mark(':') {
            minute = self.number(1..=2)?;
            if self.mark(':') {
                second = self.number(1..=2)?;
                nanosecond = self.fraction()?;
            }
        } else if self.eat(Token::Unit(Unit::Hour)) {
            self.space_before_unit();
            if self.eat(Token::Unit(Unit::Half)) {
                minute = 30;
            } else if self.eat(Token::Unit(Unit::Sharp)) {
            } else if let Some(Token::Number(value, 1 | 2)) = self.peek() {
                self.at += 1;
                self.space_before_unit();
                if self.eat(Token::Unit(Unit::Quarter)) {
                    minute = Some(value * 15).filter(|m| matches!(m, 15 | 45))?;
                } else {
                    minute = value;
                    if self.eat(Token::Unit(Unit::Minute)) {
                        if let Some(Token::Number(value, 1 | 2)) = self.peek() {
                            self.at += 1;
                            second = value;
                            self.eat(Token::Unit(Unit::Second)).then_some(())?;
                        } else {
                            self.eat(Token::Unit(Unit::Sharp));
                        }
                    }
                }
            }
        } else {
            whole = false;
        }
        if minute > 59 || second > 60 {
            return None;
        }
        let start = self.at;
        self.space();
        let after = self.period();
        if after.is_none() {
            self.at = start;
        }
        let hour = match (before, after) {
            (None, None) if whole => hour,
            (Some(period), None) | (None, Some(period)) => period.hour(hour)?,
            (Some(one), Some(other)) if one == other => one.hour(hour)?,
            // 8 alone, or "下午 8:30 AM".
            _ => return None,
        };
        self.after_time();
        Some((hour, minute, second, nanosecond))
    }

    fn space_before_unit(&mut self) {
        if self.peek() == Some(Token::Space)
            && matches!(
                (self.ahead(1), self.ahead(2)),
                (Some(Token::Unit(_) | Token::Mark(':')), _) | (Some(Token::Number(..)), Some(Token::Unit(_)))
            )
            || (self.peek() == Some(Token::Space)
                && matches!(self.ahead(1), Some(Token::Number(..)))
                && self.ahead(2) == Some(Token::Space)
                && matches!(self.ahead(3), Some(Token::Unit(_))))
        {
            self.at += 1;
        }
    }

    fn period(&mut self) -> Option<Period> {
        let Some(Token::Period(period)) = self.peek() else { return None };
        self.at += 1;
        Some(period)
    }

    /// Nanoseconds; none where the fraction has no digits.
    fn fraction(&mut self) -> Option<i32> {
        if !matches!(self.peek(), Some(Token::Mark('.' | ','))) {
            return Some(0);
        }
        let Some(Token::Number(value, digits @ 1..=18)) = self.ahead(1) else { return None };
        self.at += 2;
        let mut value = value;
        for _ in digits..9 {
            value *= 10;
        }
        for _ in 9..digits {
            value /= 10;
        }
        i32::try_from(value).ok()
    }

    /// A zone, where one stands behind a time.
    fn after_time(&mut self) {
        let start = self.at;
        self.space();
        if !self.zone_after() {
            self.at = start;
        }
        let start = self.at;
        self.space();
        let behind = self.at;
        self.comment();
        if self.at == behind {
            self.at = start;
        }
    }

    /// `Z`, `+08:00`, `+0800`, `+8`, `GMT+8`, `Asia/Shanghai`; none is read
    /// twice, and `-` binds as a sign only here, behind a time.
    fn zone_after(&mut self) -> bool {
        if self.zone.is_some() {
            return false;
        }
        match self.peek() {
            Some(Token::Zone(zone)) => {
                self.at += 1;
                self.zone = Some(zone);
                if zone == Zone::Fixed(0) {
                    let start = self.at;
                    self.space();
                    match self.offset() {
                        Some(offset) => self.zone = Some(Zone::Fixed(offset)),
                        None => self.at = start,
                    }
                }
                true
            }
            Some(Token::Mark('+' | '-')) => {
                self.zone = self.offset().map(Zone::Fixed);
                self.zone.is_some()
            }
            _ => false,
        }
    }

    /// `+08:00`, `+5:30`, `+0800`, `+8`: at most 14 hours.
    fn offset(&mut self) -> Option<i32> {
        let Some(Token::Mark(sign @ ('+' | '-'))) = self.peek() else { return None };
        let Some(Token::Number(value, digits)) = self.ahead(1) else { return None };
        let (hours, minutes, length) = match (digits, self.ahead(2), self.ahead(3)) {
            (1 | 2, Some(Token::Mark(':')), Some(Token::Number(minutes, 2))) => (value, minutes, 4),
            (1 | 2, _, _) => (value, 0, 2),
            (3 | 4, _, _) => (value / 100, value % 100, 2),
            _ => return None,
        };
        if minutes > 59 || hours * 60 + minutes > 14 * 60 {
            return None;
        }
        self.at += length;
        let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
        Some(if sign == '-' { -seconds } else { seconds })
    }
}

fn date(year: u64, month: u64, day: u64) -> Option<Date> {
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

impl Times {
    /// Within what a publication can be: since 1990, and at most a day ahead.
    pub(super) fn possible(&self, milliseconds: i64) -> bool {
        const DAY: i64 = 86_400_000;
        let latest = self.now.and_then(|now| i64::try_from(now).ok()).map(|now| now.saturating_add(DAY));
        milliseconds >= YEAR_1990 && latest.is_none_or(|latest| milliseconds <= latest)
    }
}
