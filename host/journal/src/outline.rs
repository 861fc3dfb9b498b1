//! Which parts of a JSON payload are large: found by one pass over its bytes, cut out, and put
//! back exactly as they were. Pure; nothing is stored here.
//!
//! A part is a value whose bytes, without those of the parts inside it, reach the threshold. So
//! parts never overlap, what stays is always smaller than the threshold plus the parts' places,
//! and a large value that is passed on from record to record is the same part each time.

use std::ops::Range;

/// What stands in the place of a part.
const HOLE: &[u8] = b"null";

/// A part of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// JSON Pointer (RFC 6901) of the value; empty for the whole payload.
    pub(crate) at: String,
    /// Its bytes.
    pub(crate) bytes: Range<usize>,
}

/// The large parts of a payload, in their order. A payload that is no JSON is one part.
pub(crate) fn large(payload: &[u8], threshold: usize) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let whole = walk(payload, &mut |path, value, inside| {
        let inner: usize = parts.get(inside..).unwrap_or_default().iter().map(|part| part.bytes.len()).sum();
        if value.len() - inner >= threshold {
            parts.truncate(inside);
            parts.push(Part { at: pointer(payload, path), bytes: value });
        }
        parts.len()
    });
    if whole.is_some() { parts } else { vec![Part { at: String::new(), bytes: 0..payload.len() }] }
}

/// The payload without its parts.
pub(crate) fn without(payload: &[u8], parts: &[Part]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut from = 0;
    for part in parts {
        body.extend_from_slice(payload.get(from..part.bytes.start).unwrap_or_default());
        body.extend_from_slice(HOLE);
        from = part.bytes.end;
    }
    body.extend_from_slice(payload.get(from..).unwrap_or_default());
    body
}

/// The payload again: each content at its pointer. None if the body has no hole there.
pub(crate) fn filled(body: &[u8], parts: &[(&str, &[u8])]) -> Option<Vec<u8>> {
    let mut holes: Vec<Range<usize>> = Vec::with_capacity(parts.len());
    walk(body, &mut |path, value, _| {
        if body.get(value.clone()) == Some(HOLE)
            && parts.get(holes.len()).is_some_and(|(at, _)| *at == pointer(body, path))
        {
            holes.push(value);
        }
        0
    })?;
    if holes.len() != parts.len() {
        return None;
    }
    let mut payload = Vec::with_capacity(body.len() + parts.iter().map(|(_, content)| content.len()).sum::<usize>());
    let mut from = 0;
    for (hole, (_, content)) in holes.iter().zip(parts) {
        payload.extend_from_slice(body.get(from..hole.start)?);
        payload.extend_from_slice(content);
        from = hole.end;
    }
    payload.extend_from_slice(body.get(from..)?);
    Some(payload)
}

/// The way to a value: a list's place, or where a member's name stands, quotes included.
#[derive(Debug, Clone)]
enum Step {
    Place(usize),
    Name(Range<usize>),
}

fn pointer(json: &[u8], path: &[Step]) -> String {
    let mut pointer = String::new();
    for step in path {
        pointer.push('/');
        match step {
            Step::Place(at) => pointer.push_str(&at.to_string()),
            Step::Name(name) => {
                let raw = json.get(name.clone()).unwrap_or_default();
                let name: String = serde_json::from_slice(raw).unwrap_or_default();
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
        }
    }
    pointer
}

/// An object or a list that has begun.
struct Open {
    start: usize,
    object: bool,
    /// What the visitor gave just before it.
    mark: usize,
}

/// Tells every value once it has ended: its path, its bytes, and what the last visit before it
/// began had given. None if this is not one JSON value. Not recursive: depth costs no stack.
fn walk(json: &[u8], visit: &mut dyn FnMut(&[Step], Range<usize>, usize) -> usize) -> Option<()> {
    let mut path: Vec<Step> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut mark = 0;
    let mut at = space(json, 0);
    loop {
        // A value begins here.
        let start = at;
        match json.get(at)? {
            begin @ (b'{' | b'[') => {
                let object = *begin == b'{';
                at = space(json, at + 1);
                if *json.get(at)? == if object { b'}' } else { b']' } {
                    at += 1;
                    mark = visit(&path, start..at, mark);
                } else {
                    open.push(Open { start, object, mark });
                    if object {
                        let (name, next) = member(json, at)?;
                        path.push(Step::Name(name));
                        at = next;
                    } else {
                        path.push(Step::Place(0));
                    }
                    continue;
                }
            }
            b'"' => {
                at = text(json, at)?;
                mark = visit(&path, start..at, mark);
            }
            _ => {
                while json.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.')) {
                    at += 1;
                }
                if at == start {
                    return None;
                }
                mark = visit(&path, start..at, mark);
            }
        }
        // A value has ended: so may those around it.
        loop {
            at = space(json, at);
            let Some(around) = open.last() else {
                return (at == json.len()).then_some(());
            };
            match json.get(at)? {
                b',' => {
                    at = space(json, at + 1);
                    match path.last_mut()? {
                        Step::Place(place) => *place += 1,
                        Step::Name(name) => (*name, at) = member(json, at)?,
                    }
                    break;
                }
                b'}' if around.object => {}
                b']' if !around.object => {}
                _ => return None,
            }
            at += 1;
            path.pop();
            let around = open.pop()?;
            mark = visit(&path, around.start..at, around.mark);
        }
    }
}

/// A member's name, and where its value begins.
fn member(json: &[u8], at: usize) -> Option<(Range<usize>, usize)> {
    if *json.get(at)? != b'"' {
        return None;
    }
    let end = text(json, at)?;
    let colon = space(json, end);
    (*json.get(colon)? == b':').then(|| (at..end, space(json, colon + 1)))
}

/// The end of the text that begins here.
fn text(json: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        match json.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn space(json: &[u8], mut at: usize) -> usize {
    while json.get(at).is_some_and(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
            "[a\\\\\"/~\u{20}]{0,9}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec(("[a-c~/\"\\\\]{0,3}", inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_cut_out_is_where_its_pointer_says_and_goes_back_exactly(value in json(), threshold in 1..60_usize) {
            for payload in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
                let payload = payload.as_bytes();
                // Reading a number may give its neighbour.
                let value: Value = serde_json::from_slice(payload).unwrap();
                let parts = large(payload, threshold);
                let body = without(payload, &parts);
                for part in &parts {
                    let cut: Value = serde_json::from_slice(&payload[part.bytes.clone()]).unwrap();
                    prop_assert_eq!(value.pointer(&part.at), Some(&cut));
                }
                prop_assert!(parts.windows(2).all(|two| two[0].bytes.end <= two[1].bytes.start));
                prop_assert!(body.len() < threshold + parts.len() * HOLE.len());
                let parts: Vec<(&str, &[u8])> =
                    parts.iter().map(|part| (part.at.as_str(), &payload[part.bytes.clone()])).collect();
                let again = filled(&body, &parts);
                prop_assert_eq!(again.as_deref(), Some(payload));
            }
        }

        #[test]
        fn what_is_no_json_is_one_part(bytes in prop::collection::vec(any::<u8>(), 0..60), threshold in 1..20_usize) {
            let parts = large(&bytes, threshold);
            if serde_json::from_slice::<Value>(&bytes).is_err() && !parts.is_empty() {
                let body = without(&bytes, &parts);
                let parts: Vec<(&str, &[u8])> =
                    parts.iter().map(|part| (part.at.as_str(), &bytes[part.bytes.clone()])).collect();
                prop_assert_eq!(filled(&body, &parts), Some(bytes.clone()));
            }
        }
    }

    #[test]
    fn the_large_values_are_cut_out_and_nothing_else() {
        let text = "a".repeat(80);
        let payload = format!(r#"{{"run":"r","facts":[{{"output":{{"text":"{text}","n":1}}}},{{"output":"b"}}]}}"#);
        let at = |threshold| large(payload.as_bytes(), threshold).into_iter().map(|part| part.at).collect::<Vec<_>>();
        assert_eq!(at(70), ["/facts/0/output/text"]);
        // What is around it is large, too: then all of it is one part.
        assert_eq!(at(50), [""]);
        assert_eq!(at(200), [""; 0]);
    }

    #[test]
    fn a_body_without_the_hole_is_not_filled() {
        assert_eq!(filled(b"{\"a\":1}", &[("/a", b"2")]), None);
        assert_eq!(filled(b"{\"a\":null}", &[("/b", b"2")]), None);
        assert_eq!(filled(b"{\"a\":null", &[("/a", b"2")]), None);
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = [vec![b'['; 1_000_000], vec![b']'; 1_000_000]].concat();
        let parts = large(&deep, 400_000);
        assert_eq!(parts.iter().map(|part| part.bytes.len()).collect::<Vec<_>>(), [2_000_000]);
    }
}
