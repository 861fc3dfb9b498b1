//! The values of expressions: JSON, with jq's order, arithmetic and indexing.
//! Must never lose a text or an integer of 64 bits.

use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;

use indexmap::IndexMap;
use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::path::Opt;
use jaq_core::val::Range;
use jaq_core::{Error, Exn, ValR, ValX};
use serde_json::{Number, Value};

use crate::JqError;
use crate::number::Num;
use crate::place;

/// Nesting of an output, so that nobody downstream meets a bottomless value.
const MAX_DEPTH: usize = 128;
/// Bytes of a text that an expression may make by repeating another.
const MAX_TEXT: usize = 64 << 20;

/// The fields of an object, in the order they were put there.
pub(crate) type Fields = IndexMap<Rc<str>, Val>;

/// A value.
#[derive(Debug, Clone, Default)]
pub(crate) enum Val {
    #[default]
    Null,
    Bool(bool),
    Num(Num),
    Str(Rc<String>),
    Arr(Rc<Vec<Val>>),
    Obj(Rc<Fields>),
}

pub(crate) fn to_jaq(value: &Value) -> Val {
    match value {
        Value::Null => Val::Null,
        Value::Bool(b) => Val::Bool(*b),
        Value::Number(n) => Val::Num(number(n)),
        Value::String(s) => Val::text(s.as_str()),
        Value::Array(items) => Val::Arr(Rc::new(items.iter().map(to_jaq).collect())),
        Value::Object(fields) => {
            Val::Obj(Rc::new(fields.iter().map(|(k, v)| (Rc::from(k.as_str()), to_jaq(v))).collect()))
        }
    }
}

fn number(n: &Number) -> Num {
    if let Some(i) = n.as_i64() {
        Num::Int(i.into())
    } else if let Some(u) = n.as_u64() {
        Num::Int(u.into())
    } else {
        Num::Float(n.as_f64().unwrap_or(f64::NAN))
    }
}

pub(crate) fn from_jaq(value: &Val) -> Result<Value, JqError> {
    convert(value, MAX_DEPTH)
}

fn convert(value: &Val, depth: usize) -> Result<Value, JqError> {
    let Some(below) = depth.checked_sub(1) else {
        return Err(JqError(format!("the output is nested more than {MAX_DEPTH} deep")));
    };
    Ok(match value {
        Val::Null => Value::Null,
        Val::Bool(b) => Value::Bool(*b),
        Val::Num(n) => from_number(*n),
        Val::Str(s) => Value::String(s.as_str().to_owned()),
        Val::Arr(items) => Value::Array(items.iter().map(|v| convert(v, below)).collect::<Result<_, _>>()?),
        Val::Obj(fields) => Value::Object(
            fields.iter().map(|(key, v)| Ok((key.to_string(), convert(v, below)?))).collect::<Result<_, JqError>>()?,
        ),
    })
}

/// Like jq: not-a-number becomes `null`, infinities the largest finite number.
fn from_number(n: Num) -> Value {
    match n {
        Num::Int(i) => i64::try_from(i).map_or_else(|_| u64::try_from(i).map_or(Value::Null, Value::from), Value::from),
        Num::Float(f) if f.is_nan() => Value::Null,
        Num::Float(f) => Number::from_f64(f.clamp(f64::MIN, f64::MAX)).map_or(Value::Null, Value::Number),
    }
}

/// Where an index points to in a list of `len`; less than nought counts from the end. May lie outside.
pub(crate) fn position(index: Num, len: usize) -> i64 {
    let index = index.truncated();
    if index < 0 { index.saturating_add(len as i64) } else { index }
}

/// The span of a slice in a list of `len`: from is rounded down, upto up, both kept within.
pub(crate) fn span(from: &Val, upto: &Val, len: usize) -> Result<(usize, usize), Error<Val>> {
    let bound = |v: &Val, default: f64| match v {
        Val::Null => Ok(default),
        Val::Num(n) if n.is_nan() => Ok(default),
        Val::Num(n) => Ok(n.as_f64()),
        _ => Err(Error::str("Start and end indices of an array slice must be numbers")),
    };
    let most = len as f64;
    let within = |x: f64| (if x < 0.0 { x + most } else { x }).clamp(0.0, most);
    let from = within(bound(from, 0.0)?).floor();
    let upto = within(bound(upto, most)?).ceil();
    Ok((from as usize, upto.max(from) as usize))
}

impl Val {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Str(Rc::new(text.into()))
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::Arr(Rc::new(items))
    }

    pub(crate) fn object<const N: usize>(fields: [(&str, Self); N]) -> Self {
        Self::Obj(Rc::new(fields.into_iter().map(|(k, v)| (Rc::from(k), v)).collect()))
    }

    pub(crate) fn int(i: impl Into<i128>) -> Self {
        Self::Num(Num::int(i.into()))
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Num(_) => "number",
            Self::Str(_) => "string",
            Self::Arr(_) => "array",
            Self::Obj(_) => "object",
        }
    }

    /// The kind with the value, as messages name it.
    pub(crate) fn named(&self) -> String {
        format!("{} ({self})", self.kind())
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Str(s) => Some(s),
            _ => None,
        }
    }

    /// The value at one step of a path: a name, a number, a slice, or a list to look for.
    pub(crate) fn at(&self, index: &Self) -> ValR<Self> {
        Ok(match (self, index) {
            (Self::Null, Self::Null | Self::Str(_) | Self::Num(_)) => Self::Null,
            (Self::Obj(fields), Self::Str(name)) => fields.get(name.as_str()).cloned().unwrap_or_default(),
            (Self::Arr(items), Self::Num(n)) => {
                let at = if n.is_nan() { -1 } else { position(*n, items.len()) };
                usize::try_from(at).ok().and_then(|at| items.get(at)).cloned().unwrap_or_default()
            }
            (Self::Null | Self::Arr(_) | Self::Str(_), Self::Obj(slice)) if place::is_slice(slice) => {
                let (from, upto) = place::bounds(slice);
                return self.slice(&from, &upto);
            }
            (Self::Arr(_), Self::Arr(_)) => return crate::library::indices(self, index),
            _ => return Err(place::cannot_index(self, index)),
        })
    }

    pub(crate) fn slice(&self, from: &Self, upto: &Self) -> ValR<Self> {
        Ok(match self {
            Self::Null => Self::Null,
            Self::Arr(items) => {
                let (from, upto) = span(from, upto, items.len())?;
                Self::list(items.get(from..upto).unwrap_or_default().to_vec())
            }
            Self::Str(s) => {
                let (from, upto) = span(from, upto, s.chars().count())?;
                Self::text(s.chars().skip(from).take(upto - from).collect::<String>())
            }
            _ => return Err(Error::str(format_args!("Cannot index {} with object", self.kind()))),
        })
    }
}

fn impossible(l: &Val, r: &Val, what: &str) -> Error<Val> {
    Error::str(format_args!("{} and {} cannot be {what}", l.named(), r.named()))
}

impl std::ops::Add for Val {
    type Output = ValR<Self>;

    fn add(self, other: Self) -> Self::Output {
        Ok(match (self, other) {
            (Self::Null, v) | (v, Self::Null) => v,
            (Self::Num(a), Self::Num(b)) => Self::Num(a.add(b)),
            (Self::Str(mut a), Self::Str(b)) => {
                Rc::make_mut(&mut a).push_str(&b);
                Self::Str(a)
            }
            (Self::Arr(mut a), Self::Arr(b)) => {
                Rc::make_mut(&mut a).extend(b.iter().cloned());
                Self::Arr(a)
            }
            (Self::Obj(mut a), Self::Obj(b)) => {
                Rc::make_mut(&mut a).extend(b.iter().map(|(k, v)| (k.clone(), v.clone())));
                Self::Obj(a)
            }
            (a, b) => return Err(impossible(&a, &b, "added")),
        })
    }
}

impl std::ops::Sub for Val {
    type Output = ValR<Self>;

    fn sub(self, other: Self) -> Self::Output {
        match (self, other) {
            (Self::Num(a), Self::Num(b)) => Ok(Self::Num(a.sub(b))),
            (Self::Arr(mut a), Self::Arr(b)) => {
                let mut gone: Vec<&Self> = b.iter().collect();
                gone.sort_unstable();
                // By equality at last: not-a-number equals nothing, though it has a place in the order.
                Rc::make_mut(&mut a).retain(|v| gone.binary_search(&v).map_or(true, |at| gone.get(at) != Some(&v)));
                Ok(Self::Arr(a))
            }
            (a, b) => Err(impossible(&a, &b, "subtracted")),
        }
    }
}

fn merged(into: &mut Rc<Fields>, from: &Fields) {
    let into = Rc::make_mut(into);
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Val::Obj(into)), Val::Obj(from)) => merged(into, from),
            (Some(there), value) => *there = value.clone(),
            (None, value) => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

impl std::ops::Mul for Val {
    type Output = ValR<Self>;

    fn mul(self, other: Self) -> Self::Output {
        match (self, other) {
            (Self::Num(a), Self::Num(b)) => Ok(Self::Num(a.mul(b))),
            (Self::Str(s), Self::Num(n)) | (Self::Num(n), Self::Str(s)) => {
                if n.is_nan() || n < Num::Int(0) {
                    return Ok(Self::Null);
                }
                let times = usize::try_from(n.truncated()).unwrap_or(usize::MAX);
                if s.len().checked_mul(times).is_none_or(|bytes| bytes > MAX_TEXT) {
                    return Err(Error::str("Repeat string result too long"));
                }
                Ok(Self::text(s.repeat(times)))
            }
            (Self::Obj(mut a), Self::Obj(b)) => {
                merged(&mut a, &b);
                Ok(Self::Obj(a))
            }
            (a, b) => Err(impossible(&a, &b, "multiplied")),
        }
    }
}

/// The parts of a text between a separator; its characters, where that is empty.
pub(crate) fn split(text: &str, separator: &str) -> Val {
    Val::list(if text.is_empty() {
        Vec::new()
    } else if separator.is_empty() {
        text.chars().map(Val::text).collect()
    } else {
        text.split(separator).map(Val::text).collect()
    })
}

impl std::ops::Div for Val {
    type Output = ValR<Self>;

    fn div(self, other: Self) -> Self::Output {
        match (&self, &other) {
            (Self::Num(a), Self::Num(b)) => {
                a.div(*b).map(Self::Num).ok_or_else(|| impossible(&self, &other, "divided because the divisor is zero"))
            }
            (Self::Str(a), Self::Str(b)) => Ok(split(a, b)),
            _ => Err(impossible(&self, &other, "divided")),
        }
    }
}

impl std::ops::Rem for Val {
    type Output = ValR<Self>;

    fn rem(self, other: Self) -> Self::Output {
        match (&self, &other) {
            (Self::Num(a), Self::Num(b)) => a
                .rem(*b)
                .map(Self::Num)
                .ok_or_else(|| impossible(&self, &other, "divided (remainder) because the divisor is zero")),
            _ => Err(impossible(&self, &other, "divided (remainder)")),
        }
    }
}

impl std::ops::Neg for Val {
    type Output = ValR<Self>;

    fn neg(self) -> Self::Output {
        match self {
            Self::Num(n) => Ok(Self::Num(n.neg())),
            other => Err(Error::str(format_args!("{} cannot be negated", other.named()))),
        }
    }
}

impl PartialEq for Val {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Num(a), Self::Num(b)) => a == b,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Arr(a), Self::Arr(b)) => a == b,
            (Self::Obj(a), Self::Obj(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Val {}

impl PartialOrd for Val {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Val {
    /// null, false, true, numbers, texts by codepoint, lists, objects: these first by their sorted keys.
    fn cmp(&self, other: &Self) -> Ordering {
        fn rank(v: &Val) -> u8 {
            match v {
                Val::Null => 0,
                Val::Bool(false) => 1,
                Val::Bool(true) => 2,
                Val::Num(_) => 3,
                Val::Str(_) => 4,
                Val::Arr(_) => 5,
                Val::Obj(_) => 6,
            }
        }
        match (self, other) {
            (Self::Num(a), Self::Num(b)) => a.cmp(b),
            (Self::Str(a), Self::Str(b)) => a.cmp(b),
            (Self::Arr(a), Self::Arr(b)) => a.cmp(b),
            (Self::Obj(a), Self::Obj(b)) => {
                let sorted = |fields: &Rc<Fields>| {
                    let mut keys: Vec<Rc<str>> = fields.keys().cloned().collect();
                    keys.sort_unstable();
                    keys
                };
                let (left, right) = (sorted(a), sorted(b));
                left.cmp(&right).then_with(|| left.iter().map(|key| a.get(key)).cmp(right.iter().map(|key| b.get(key))))
            }
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

impl fmt::Display for Val {
    /// JSON without spaces, as `tojson` gives it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Num(n) => write!(f, "{n}"),
            Self::Str(s) => quoted(s, f),
            Self::Arr(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if at > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Obj(fields) => {
                f.write_str("{")?;
                for (at, (key, value)) in fields.iter().enumerate() {
                    f.write_str(if at > 0 { "," } else { "" })?;
                    quoted(key, f)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    use fmt::Write;
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{c}' => f.write_str("\\f")?,
            '\0'..='\x1f' | '\x7f' => write!(f, "\\u{:04x}", u32::from(c))?,
            _ => f.write_char(c)?,
        }
    }
    f.write_str("\"")
}

impl From<bool> for Val {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}

impl From<isize> for Val {
    fn from(i: isize) -> Self {
        Self::int(i as i64)
    }
}

impl From<usize> for Val {
    fn from(i: usize) -> Self {
        Self::int(i as u64)
    }
}

impl From<f64> for Val {
    fn from(f: f64) -> Self {
        Self::Num(Num::float(f))
    }
}

impl From<String> for Val {
    fn from(s: String) -> Self {
        Self::text(s)
    }
}

impl From<Range<Val>> for Val {
    /// The slice as a step of a path.
    fn from(range: Range<Val>) -> Self {
        Self::object([("start", range.start.unwrap_or_default()), ("end", range.end.unwrap_or_default())])
    }
}

impl FromIterator<Self> for Val {
    fn from_iter<T: IntoIterator<Item = Self>>(items: T) -> Self {
        Self::list(items.into_iter().collect())
    }
}

impl jaq_core::ValT for Val {
    fn from_num(text: &str) -> ValR<Self> {
        Num::parse(text).map(Self::Num).ok_or_else(|| Error::str(format_args!("{text} is not a number")))
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(fields: I) -> ValR<Self> {
        let fields = fields.into_iter().map(|(key, value)| match key {
            Self::Str(name) => Ok((Rc::from(name.as_str()), value)),
            other => Err(Error::str(format_args!("Cannot use {} as object key", other.named()))),
        });
        Ok(Self::Obj(Rc::new(fields.collect::<Result<_, _>>()?)))
    }

    fn key_values(self) -> BoxIter<'static, ValR<(Self, Self), Self>> {
        match self {
            Self::Arr(items) => {
                let items = Rc::unwrap_or_clone(items).into_iter().enumerate();
                Box::new(items.map(|(at, item)| Ok((Self::from(at), item))))
            }
            Self::Obj(fields) => {
                let fields = Rc::unwrap_or_clone(fields).into_iter();
                Box::new(fields.map(|(key, value)| Ok((Self::text(&*key), value))))
            }
            other => box_once(Err(Error::str(format_args!("Cannot iterate over {}", other.named())))),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR<Self>>> {
        match self {
            Self::Arr(items) => Box::new(Rc::unwrap_or_clone(items).into_iter().map(Ok)),
            Self::Obj(fields) => Box::new(Rc::unwrap_or_clone(fields).into_values().map(Ok)),
            other => box_once(Err(Error::str(format_args!("Cannot iterate over {}", other.named())))),
        }
    }

    fn index(self, index: &Self) -> ValR<Self> {
        self.at(index)
    }

    fn range(self, range: Range<&Self>) -> ValR<Self> {
        self.slice(range.start.unwrap_or(&Self::Null), range.end.unwrap_or(&Self::Null))
    }

    // Every assignment of a program becomes one by paths (`rewrite`), so nothing is mapped in place here.
    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(self, _: Opt, _: impl Fn(Self) -> I) -> ValX<'a, Self> {
        Err(Exn::from(Error::path_expr(self)))
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        _: &Self,
        _: Opt,
        _: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        Err(Exn::from(Error::path_expr(self)))
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        _: Range<&Self>,
        _: Opt,
        _: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        Err(Exn::from(Error::path_expr(self)))
    }

    fn as_bool(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    fn into_string(self) -> Self {
        match self {
            Self::Str(_) => self,
            other => Self::text(other.to_string()),
        }
    }
}

impl jaq_std::ValT for Val {
    fn into_seq<S: FromIterator<Self>>(self) -> Result<S, Self> {
        match self {
            Self::Arr(items) => Ok(Rc::unwrap_or_clone(items).into_iter().collect()),
            other => Err(other),
        }
    }

    fn is_int(&self) -> bool {
        matches!(self, Self::Num(n) if n.whole().is_some())
    }

    fn as_isize(&self) -> Option<isize> {
        match self {
            Self::Num(n) => isize::try_from(n.whole()?).ok(),
            _ => None,
        }
    }

    fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Num(n) => Some(n.as_f64()),
            _ => None,
        }
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self, Self::Str(_))
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        self.as_text().map(str::as_bytes)
    }

    fn as_sub_str(&self, part: &[u8]) -> Self {
        Self::text(String::from_utf8_lossy(part))
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self::text(String::from_utf8_lossy(bytes.as_ref()))
    }
}
