//! Between `serde_json` values and jaq's. Must never lose a text or an integer.

use std::rc::Rc;

use jaq_json::{Map, Num, Val};
use serde_json::{Number, Value};

use crate::JqError;

/// Nesting of an output, so that nobody downstream meets a bottomless value.
const MAX_DEPTH: usize = 128;

pub(crate) fn to_jaq(value: &Value) -> Val {
    match value {
        Value::Null => Val::Null,
        Value::Bool(b) => Val::Bool(*b),
        Value::Number(n) => Val::Num(number(n)),
        Value::String(s) => Val::utf8_str(s.clone()),
        Value::Array(items) => Val::Arr(Rc::new(items.iter().map(to_jaq).collect())),
        Value::Object(fields) => {
            let map: Map = fields.iter().map(|(k, v)| (Val::utf8_str(k.clone()), to_jaq(v))).collect();
            Val::obj(map)
        }
    }
}

fn number(n: &Number) -> Num {
    if let Some(i) = n.as_i64() {
        Num::from_integral(i)
    } else if let Some(u) = n.as_u64() {
        Num::from_integral(u)
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
        Val::Num(n) => from_number(n),
        Val::TStr(s) | Val::BStr(s) => Value::String(String::from_utf8_lossy(s).into_owned()),
        Val::Arr(items) => Value::Array(items.iter().map(|v| convert(v, below)).collect::<Result<_, _>>()?),
        Val::Obj(fields) => {
            let mut map = serde_json::Map::with_capacity(fields.len());
            for (key, v) in fields.iter() {
                let (Val::TStr(name) | Val::BStr(name)) = key else {
                    return Err(JqError(format!("an object has the key {key}, which is not a text")));
                };
                map.insert(String::from_utf8_lossy(name).into_owned(), convert(v, below)?);
            }
            Value::Object(map)
        }
    })
}

/// Like jq: not-a-number becomes `null`, infinities the largest finite number.
fn from_number(n: &Num) -> Value {
    match n {
        Num::Int(i) => Value::from(*i as i64),
        Num::Float(f) if f.is_nan() => Value::Null,
        Num::Float(f) => Number::from_f64(f.clamp(f64::MIN, f64::MAX)).map_or(Value::Null, Value::Number),
        Num::BigInt(_) | Num::Dec(_) => serde_json::from_str(&n.to_string()).unwrap_or(Value::Null),
    }
}
