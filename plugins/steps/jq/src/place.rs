//! Paths into values: reading, setting and deleting what stands at them, by
//! jq's rules. All of several deletions see the value as it was, so that
//! `del(.[0, 2])` deletes what it names.

use std::rc::Rc;

use jaq_core::{Error, Exn, ValX};

use crate::value::{Fields, Val, position, span};

/// The highest index that a list can grow to.
const MOST: i64 = 1 << 29;

/// Whether an object is a slice of a path: `{"start": 1, "end": 3}`.
pub(crate) fn is_slice(fields: &Fields) -> bool {
    fields.contains_key("start") || fields.contains_key("end")
}

/// From where and up to where a slice goes.
pub(crate) fn bounds(slice: &Fields) -> (Val, Val) {
    let bound = |name: &str| slice.get(name).cloned().unwrap_or_default();
    (bound("start"), bound("end"))
}

pub(crate) fn cannot_index(value: &Val, index: &Val) -> Error<Val> {
    Error::str(match index {
        Val::Str(_) | Val::Num(_) => format!("Cannot index {} with {}", value.kind(), index.named()),
        _ => format!("Cannot index {} with {}", value.kind(), index.kind()),
    })
}

/// The steps of a path that was given as a value.
pub(crate) fn steps(path: &Val) -> Result<&[Val], Error<Val>> {
    match path {
        Val::Arr(steps) => Ok(steps),
        _ => Err(Error::str("Path must be specified as an array")),
    }
}

/// What stands at a path: null below what is not there.
pub(crate) fn get(value: &Val, path: &[Val]) -> Result<Val, Error<Val>> {
    let Some((step, rest)) = path.split_first() else {
        return Ok(value.clone());
    };
    if matches!(value, Val::Null) {
        return Ok(Val::Null);
    }
    get(&value.at(step)?, rest)
}

/// Puts a value at a path, and what is missing on the way there.
pub(crate) fn set(value: &mut Val, path: &[Val], new: Val) -> Result<(), Error<Val>> {
    let Some((step, rest)) = path.split_first() else {
        *value = new;
        return Ok(());
    };
    if matches!(value, Val::Null) {
        match step {
            Val::Str(_) => *value = Val::Obj(Rc::default()),
            Val::Num(_) | Val::Obj(_) => *value = Val::Arr(Rc::default()),
            _ => return Err(cannot_index(value, step)),
        }
    }
    match (value, step) {
        (Val::Obj(fields), Val::Str(name)) => {
            set(Rc::make_mut(fields).entry(Rc::from(name.as_str())).or_default(), rest, new)
        }
        (Val::Arr(items), Val::Num(index)) => {
            if index.is_nan() {
                return Err(Error::str("Cannot set array element at NaN index"));
            }
            let at = position(*index, items.len());
            let Some(place) = usize::try_from(at).ok() else {
                return Err(Error::str("Out of bounds negative array index"));
            };
            if at > MOST {
                return Err(Error::str("Array index too large"));
            }
            let items = Rc::make_mut(items);
            if place >= items.len() {
                items.resize(place + 1, Val::Null);
            }
            match items.get_mut(place) {
                Some(item) => set(item, rest, new),
                None => Err(Error::str("Array index too large")),
            }
        }
        (value @ Val::Arr(_), Val::Obj(slice)) if is_slice(slice) => {
            let (from, upto) = bounds(slice);
            let mut part = if rest.is_empty() { Val::Null } else { value.slice(&from, &upto)? };
            set(&mut part, rest, new)?;
            let (Val::Arr(part), Val::Arr(items)) = (part, value) else {
                return Err(Error::str("A slice of an array can only be assigned another array"));
            };
            let (from, upto) = span(&from, &upto, items.len())?;
            Rc::make_mut(items).splice(from..upto, part.iter().cloned());
            Ok(())
        }
        (Val::Str(_), Val::Obj(slice)) if is_slice(slice) => Err(Error::str("Cannot update string slices")),
        (value, step) => Err(cannot_index(value, step)),
    }
}

/// Deletes all that stands at the paths.
pub(crate) fn delete(value: Val, mut paths: Vec<Vec<Val>>) -> Result<Val, Error<Val>> {
    paths.sort_unstable();
    below(value, &paths, 0)
}

fn below(mut value: Val, paths: &[Vec<Val>], depth: usize) -> Result<Val, Error<Val>> {
    if paths.iter().any(|path| path.len() <= depth) {
        return Ok(Val::Null);
    }
    let mut gone = Vec::new();
    for same in paths.chunk_by(|a, b| a.get(depth) == b.get(depth)) {
        let Some(step) = same.first().and_then(|path| path.get(depth)) else { continue };
        if same.iter().any(|path| path.len() == depth + 1) {
            gone.push(step);
            continue;
        }
        if matches!(value, Val::Null) {
            continue;
        }
        let part = value.at(step)?;
        if !matches!(part, Val::Null) {
            set(&mut value, std::slice::from_ref(step), below(part, same, depth + 1)?)?;
        }
    }
    without(value, &gone)
}

/// A list or object without what these steps name.
fn without(mut value: Val, steps: &[&Val]) -> Result<Val, Error<Val>> {
    match &mut value {
        _ if steps.is_empty() => {}
        Val::Null => {}
        Val::Obj(fields) => {
            for step in steps {
                if !matches!(step, Val::Str(_)) {
                    return Err(Error::str(format_args!("Cannot delete field at object index of {}", step.kind())));
                }
            }
            let named = |key: &str| steps.iter().any(|step| step.as_text() == Some(key));
            Rc::make_mut(fields).retain(|key, _| !named(key));
        }
        Val::Arr(items) => {
            let len = items.len();
            let mut gone = vec![false; len];
            for step in steps {
                let (from, upto) = match step {
                    Val::Num(index) => match usize::try_from(position(*index, len)) {
                        Ok(at) if !index.is_nan() => (at, at.saturating_add(1)),
                        _ => continue,
                    },
                    Val::Obj(slice) if is_slice(slice) => {
                        let (from, upto) = bounds(slice);
                        span(&from, &upto, len)?
                    }
                    _ => {
                        return Err(Error::str(format_args!("Cannot delete field at array index of {}", step.kind())));
                    }
                };
                gone.iter_mut().take(upto).skip(from).for_each(|gone| *gone = true);
            }
            let mut gone = gone.into_iter();
            Rc::make_mut(items).retain(|_| !gone.next().unwrap_or(false));
        }
        other => return Err(Error::str(format_args!("Cannot delete fields from {}", other.kind()))),
    }
    Ok(value)
}

/// Changes what stands at each path to the first value that `new` has for it; where it has none, the place is deleted.
pub(crate) fn modify<'a>(
    mut value: Val,
    paths: Vec<Vec<Val>>,
    mut new: impl FnMut(Val) -> Option<ValX<'a, Val>>,
) -> ValX<'a, Val> {
    let mut gone = Vec::new();
    for path in paths {
        match new(get(&value, &path)?).transpose()? {
            Some(new) => set(&mut value, &path, new)?,
            None => gone.push(path),
        }
    }
    delete(value, gone).map_err(Exn::from)
}
