//! jq's filters that are written in Rust. The others are in `library.jq`; what
//! neither has comes from jaq (`jaq_core::funs`, `jaq_std::funs`).

use jaq_core::box_iter::box_once;
use jaq_core::data::JustLut;
use jaq_core::native::{Fun, bome, unary, v};
use jaq_core::{Bind, Cv, Error, Exn, Native, RunPtr, ValR, ValX, ValXs};

use crate::number::Num;
use crate::value::{Val, to_jaq};
use crate::{place, regex};

type Data = JustLut<Val>;
type Entry = (&'static str, Box<[Bind]>, RunPtr<Data>);

/// All of them.
// The list type of jaq's paths has no name outside of it.
#[allow(clippy::default_trait_access, clippy::redundant_closure_for_method_calls)]
pub(crate) fn funs() -> impl Iterator<Item = Fun<Data>> {
    let one = || -> Box<[Bind]> { [Bind::Fun(())].into() };
    let two = || -> Box<[Bind]> { [Bind::Fun(()), Bind::Fun(())].into() };
    let plain: [Entry; 30] = [
        ("type", v(0), |cv| bome(Ok(Val::text(cv.1.kind())))),
        ("length", v(0), |cv| bome(length(&cv.1))),
        ("utf8bytelength", v(0), |cv| {
            bome(match &cv.1 {
                Val::Str(s) => Ok(Val::from(s.len())),
                other => Err(Error::str(format_args!("{} only strings have UTF-8 byte length", other.named()))),
            })
        }),
        ("tojson", v(0), |cv| bome(Ok(Val::text(cv.1.to_string())))),
        ("fromjson", v(0), |cv| bome(fromjson(&cv.1))),
        ("tonumber", v(0), |cv| bome(tonumber(&cv.1))),
        ("has", v(1), |cv| unary(cv, |value, key| has(&value, &key))),
        ("contains", v(1), |cv| unary(cv, |value, part| contains(&value, &part))),
        ("indices", v(1), |cv| unary(cv, |value, part| indices(&value, &part))),
        ("bsearch", v(1), |cv| unary(cv, |value, wanted| bsearch(&value, &wanted))),
        ("join", v(1), |cv| unary(cv, |value, between| join(value, &between))),
        ("split", v(1), |cv| {
            unary(cv, |value, separator| match (value.as_text(), separator.as_text()) {
                (Some(text), Some(separator)) => Ok(crate::value::split(text, separator)),
                _ => Err(Error::str("split input and separator must be strings")),
            })
        }),
        ("setpath", v(2), |mut cv| {
            let (new, path) = (cv.0.pop_var(), cv.0.pop_var());
            let mut value = cv.1;
            bome(place::steps(&path).and_then(|path| place::set(&mut value, path, new)).map(|()| value))
        }),
        ("delpaths", v(1), |cv| unary(cv, |value, paths| delpaths(value, &paths))),
        ("isnan", v(0), |cv| bome(Ok(Val::Bool(number(&cv.1).is_ok_and(Num::is_nan))))),
        ("isinfinite", v(0), |cv| bome(Ok(Val::Bool(number(&cv.1).is_ok_and(|n| n.as_f64().is_infinite()))))),
        ("isnormal", v(0), |cv| bome(Ok(Val::Bool(number(&cv.1).is_ok_and(|n| n.as_f64().is_normal()))))),
        ("isfinite", v(0), |cv| bome(Ok(Val::Bool(number(&cv.1).is_ok_and(|n| n.as_f64().is_finite()))))),
        ("infinite", v(0), |_| bome(Ok(Val::Num(Num::Float(f64::INFINITY))))),
        ("nan", v(0), |_| bome(Ok(Val::Num(Num::Float(f64::NAN))))),
        ("abs", v(0), |cv| bome(number(&cv.1).map(|n| Val::Num(n.abs())))),
        ("decode_base64", v(0), |cv| bome(decode_base64(&cv.1))),
        ("_test", v(2), |cv| pattern(cv, |text, pattern, flags| regex::matches(text, pattern, flags, true))),
        ("_match", v(2), |cv| pattern(cv, |text, pattern, flags| regex::matches(text, pattern, flags, false))),
        ("_parts", v(2), |cv| pattern(cv, parts)),
        ("_modify", two(), |mut cv| {
            let (new, new_ctx) = cv.0.pop_fun();
            let (paths, ctx) = cv.0.pop_fun();
            let value = cv.1;
            let steps = paths.paths((ctx, (value.clone(), Default::default()))).map(|found| {
                let mut steps: Vec<Val> = found?.1.iter().cloned().collect();
                steps.reverse();
                Ok(steps)
            });
            let steps: Result<Vec<Vec<Val>>, Exn<'_, Val>> = steps.collect();
            box_once(steps.and_then(|steps| place::modify(value, steps, |old| new.run((new_ctx.clone(), old)).next())))
        }),
        ("_last", one(), |mut cv| {
            let (f, ctx) = cv.0.pop_fun();
            box_once(last(f.run((ctx, cv.1))))
        }),
        ("_states", one(), |mut cv| {
            let (f, ctx) = cv.0.pop_fun();
            let state = match &cv.1 {
                Val::Arr(states) => states.first().cloned().unwrap_or_default(),
                _ => Val::Null,
            };
            drop(cv.1);
            let next: ValX<'_, Vec<Val>, Val> = f.run((ctx, state)).collect();
            box_once(next.map(|next| Val::list(vec![next.last().cloned().unwrap_or_default(), Val::list(next)])))
        }),
        ("reverse", v(0), |cv| {
            bome(match cv.1 {
                Val::Null => Ok(Val::list(Vec::new())),
                Val::Obj(fields) if fields.is_empty() => Ok(Val::list(Vec::new())),
                Val::Str(s) => Ok(Val::text(s.chars().rev().collect::<String>())),
                Val::Arr(items) => Ok(Val::list(items.iter().rev().cloned().collect())),
                other => Err(Error::str(format_args!("Cannot reverse {}", other.named()))),
            })
        }),
        ("_concat", v(0), |cv| {
            bome(match &cv.1 {
                Val::Arr(items) => Ok(Val::text(items.iter().filter_map(Val::as_text).collect::<String>())),
                other => Err(Error::typ(other.clone(), "array")),
            })
        }),
    ];
    let getpath = Native::<Data>::new(|cv| {
        unary(cv, |value, path| place::steps(&path).and_then(|path| place::get(&value, path)))
    })
    .with_paths(|(mut ctx, (value, at))| {
        let path = ctx.pop_var();
        let got = place::steps(&path).and_then(|steps| {
            let value = place::get(&value, steps)?;
            Ok((value, steps.iter().cloned().fold(at, |at, step| at.cons(step))))
        });
        box_once(got.map_err(Exn::from))
    });
    plain.into_iter().map(|(name, args, run)| (name, args, Native::<Data>::new(run))).chain([(
        "getpath",
        v(1),
        getpath,
    )])
}

fn last(values: ValXs<'_, Val>) -> ValX<'_, Val> {
    let mut last = Val::Null;
    for value in values {
        last = value?;
    }
    Ok(last)
}

fn pattern(mut cv: Cv<'_, Data>, f: impl Fn(&Val, &Val, &Val) -> ValR<Val>) -> ValXs<'_, Val> {
    let (flags, pattern) = (cv.0.pop_var(), cv.0.pop_var());
    bome(f(&cv.1, &pattern, &flags))
}

/// A text cut at its matches: `[[before, match], …, [rest]]`.
fn parts(text: &Val, pattern: &Val, flags: &Val) -> ValR<Val> {
    let found = regex::matches(text, pattern, flags, false)?;
    let (Val::Arr(found), Some(text)) = (found, text.as_text()) else {
        return Ok(Val::Null);
    };
    let mut chars = text.chars();
    let mut at = 0;
    let count = |m: &Val, field: &str| match m {
        Val::Obj(fields) => match fields.get(field) {
            Some(Val::Num(n)) => usize::try_from(n.truncated()).unwrap_or_default(),
            _ => 0,
        },
        _ => 0,
    };
    let mut out = Vec::with_capacity(found.len() + 1);
    for found in found.iter() {
        let (offset, length) = (count(found, "offset"), count(found, "length"));
        let before: String = chars.by_ref().take(offset.saturating_sub(at)).collect();
        chars.by_ref().take(length).for_each(drop);
        at = offset + length;
        out.push(Val::list(vec![Val::text(before), found.clone()]));
    }
    out.push(Val::list(vec![Val::text(chars.as_str())]));
    Ok(Val::list(out))
}

fn number(value: &Val) -> Result<Num, Error<Val>> {
    match value {
        Val::Num(n) => Ok(*n),
        other => Err(Error::str(format_args!("{} number required", other.named()))),
    }
}

fn length(value: &Val) -> ValR<Val> {
    Ok(match value {
        Val::Null => Val::int(0),
        Val::Bool(_) => return Err(Error::str(format_args!("{} has no length", value.named()))),
        Val::Num(n) => Val::Num(n.abs()),
        Val::Str(s) => Val::from(s.chars().count()),
        Val::Arr(items) => Val::from(items.len()),
        Val::Obj(fields) => Val::from(fields.len()),
    })
}

/// One JSON value and nothing beside it.
fn fromjson(value: &Val) -> ValR<Val> {
    let Some(text) = value.as_text() else {
        return Err(Error::str(format_args!("{} only strings can be parsed", value.named())));
    };
    match serde_json::from_str(text) {
        Ok(value) => Ok(to_jaq(&value)),
        Err(why) => {
            let start: String = text.chars().take(40).collect();
            Err(Error::str(format_args!("{why} (while parsing '{start}')")))
        }
    }
}

/// A number, or a text that is one from its first character to its last.
fn tonumber(value: &Val) -> ValR<Val> {
    let text = match value {
        Val::Num(_) => return Ok(value.clone()),
        Val::Str(text) => text,
        _ => return Err(Error::str(format_args!("{} cannot be parsed as a number", value.named()))),
    };
    // What Rust takes beyond digits, sign, point and exponent is written with other letters.
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    match Num::parse(text).filter(|_| plain) {
        Some(n) => Ok(Val::Num(n)),
        None => Err(Error::str(format_args!("{} cannot be parsed as a number", value.named()))),
    }
}

fn has(value: &Val, key: &Val) -> ValR<Val> {
    Ok(Val::Bool(match (value, key) {
        (Val::Obj(fields), Val::Str(name)) => fields.contains_key(name.as_str()),
        (Val::Arr(items), Val::Num(n)) => {
            !n.is_nan() && usize::try_from(n.truncated()).is_ok_and(|at| at < items.len())
        }
        _ => {
            let (value, key) = (value.kind(), key.kind());
            return Err(Error::str(format_args!("Cannot check whether {value} has a {key} key")));
        }
    }))
}

fn contains(value: &Val, part: &Val) -> ValR<Val> {
    fn within(value: &Val, part: &Val) -> bool {
        match (value, part) {
            (Val::Str(value), Val::Str(part)) => value.contains(part.as_str()),
            (Val::Arr(value), Val::Arr(part)) => part.iter().all(|part| value.iter().any(|value| within(value, part))),
            (Val::Obj(value), Val::Obj(part)) => {
                part.iter().all(|(key, part)| value.get(key).is_some_and(|value| within(value, part)))
            }
            _ => value == part,
        }
    }
    if value.kind() == part.kind() {
        return Ok(Val::Bool(within(value, part)));
    }
    Err(Error::str(format_args!("{} and {} cannot have their containment checked", value.named(), part.named())))
}

/// Where a part stands in a text (in characters) or list.
pub(crate) fn indices(value: &Val, part: &Val) -> ValR<Val> {
    Ok(match (value, part) {
        (Val::Null, _) => Val::Null,
        (Val::Obj(_), Val::Str(_)) => return value.at(part),
        (Val::Str(_), Val::Str(part)) if part.is_empty() => Val::list(Vec::new()),
        (Val::Str(text), Val::Str(part)) => {
            let starts = text.char_indices().enumerate();
            let here = |at: usize| text.get(at..).is_some_and(|rest| rest.starts_with(part.as_str()));
            starts.filter(|(_, (byte, _))| here(*byte)).map(|(at, _)| Val::from(at)).collect()
        }
        (Val::Arr(_), Val::Arr(part)) if part.is_empty() => Val::list(Vec::new()),
        (Val::Arr(items), Val::Arr(part)) => {
            let windows = items.windows(part.len()).enumerate();
            windows.filter(|(_, window)| *window == part.as_slice()).map(|(at, _)| Val::from(at)).collect()
        }
        (Val::Arr(items), part) => {
            items.iter().enumerate().filter(|(_, item)| *item == part).map(|(at, _)| Val::from(at)).collect()
        }
        _ => return Err(place::cannot_index(value, part)),
    })
}

fn bsearch(value: &Val, wanted: &Val) -> ValR<Val> {
    match value {
        Val::Arr(items) => Ok(match items.binary_search(wanted) {
            Ok(at) => Val::from(at),
            Err(at) => Val::int(-1 - at as i64),
        }),
        other => Err(Error::str(format_args!("{} cannot be searched from", other.named()))),
    }
}

/// The values of a list or object as one text; null joins as nothing.
fn join(value: Val, between: &Val) -> ValR<Val> {
    use jaq_core::ValT;
    let added = |v: &Val| Error::str(format_args!("string and {} cannot be added", v.named()));
    let mut out = String::new();
    for (at, item) in value.values().enumerate() {
        if at > 0 {
            match between {
                Val::Str(between) => out.push_str(between),
                Val::Null => {}
                other => return Err(added(other)),
            }
        }
        match item? {
            Val::Null => {}
            Val::Str(text) => out.push_str(&text),
            item @ (Val::Bool(_) | Val::Num(_)) => out.push_str(&item.to_string()),
            other => return Err(added(&other)),
        }
    }
    Ok(Val::text(out))
}

fn delpaths(value: Val, paths: &Val) -> ValR<Val> {
    let Val::Arr(paths) = paths else {
        return Err(Error::str("Paths must be specified as an array"));
    };
    let paths = paths.iter().map(|path| place::steps(path).map(<[Val]>::to_vec)).collect::<Result<_, _>>()?;
    place::delete(value, paths)
}

/// With or without the padding at its end.
fn decode_base64(value: &Val) -> ValR<Val> {
    use base64::Engine;
    use base64::alphabet::STANDARD;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let text = value.as_text().unwrap_or_default();
    match LENIENT.decode(text) {
        Ok(bytes) => Ok(Val::text(String::from_utf8_lossy(&bytes))),
        Err(_) => Err(Error::str(format_args!("{} is not valid base64 data", value.named()))),
    }
}
