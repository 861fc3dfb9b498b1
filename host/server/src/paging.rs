//! Lists page by page: `limit` rows, and `cursor` for those after them.
//!
//! Each list of the table of routes says in which order its rows stand, to the last of them. A cursor is the place of a
//! row in that order, and no number: what comes or goes before it in between shifts nothing. Without `limit` and `cursor`
//! a list is given whole, as it is.

use std::cmp::Ordering;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::problem::Problem;

/// Rows of a page where a cursor comes without a limit.
const USUAL: usize = 100;

/// The most rows of a page.
pub(crate) const MOST: usize = 1_000;

/// The longest cursor, in bytes.
const LONGEST: usize = 4 << 10;

/// What a list that has a limit of its own is asked for, so that there is something to page.
const ALL: &str = "1000000";

/// A list that is given page by page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paged {
    /// The member of the answer that has the rows.
    pub(crate) member: &'static str,
    /// In which order they stand.
    pub(crate) order: Order,
    /// The handler knows `limit` by itself.
    pub(crate) own_limit: bool,
}

/// The order of rows; those that it leaves alike stand by what they say.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Order {
    /// Cases: what is due first before the others.
    Due,
    /// By these members one after another, `-` for the latest or largest first; a row without one stands last.
    By(&'static [&'static str]),
}

/// The place of a row.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    /// Of which list.
    of: String,
    /// The members that the order goes by.
    row: Map<String, Value>,
    /// The hash of the row.
    hash: String,
}

/// What a request asks for.
struct Asked {
    limit: usize,
    after: Option<Place>,
}

/// Gives a page where one is asked for.
pub(crate) async fn page(paged: Paged, mut request: Request, next: Next) -> Result<Response, Problem> {
    let (asked, rest) = asked(&paged, request.uri().query().unwrap_or_default())?;
    let Some(asked) = asked else { return Ok(next.run(request).await) };
    let path = request.uri().path().to_owned();
    let mut inner: Vec<String> = rest.clone();
    if paged.own_limit {
        inner.push(format!("limit={ALL}"));
    }
    let fault = |error: axum::http::Error| Problem::invalid(error);
    let text = if inner.is_empty() { path.clone() } else { format!("{path}?{}", inner.join("&")) };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).map_err(|error| fault(error.into()))?);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|error| fault(error.into()))?;
    let answer = next.run(request).await;
    if answer.status() != StatusCode::OK {
        return Ok(answer);
    }
    let (mut head, body) = answer.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.map_err(Problem::internal)?;
    let mut whole: Value = serde_json::from_slice(&bytes).map_err(Problem::internal)?;
    let rows = whole[paged.member].take();
    let Value::Array(rows) = rows else { return Err(Problem::internal("a list without its rows")) };
    let (rows, cursor) = cut(&paged, rows, &asked)?;
    whole[paged.member] = Value::Array(rows);
    whole["next"] = json!(cursor);
    if let Some(cursor) = &cursor {
        let mut query = rest;
        query.push(format!("limit={}", asked.limit));
        query.push(format!("cursor={cursor}"));
        let link = format!("<{path}?{}>; rel=\"next\"", query.join("&"));
        if let Ok(link) = HeaderValue::from_str(&link) {
            head.headers.insert(header::LINK, link);
        }
    }
    head.headers.remove(header::CONTENT_LENGTH);
    let text = serde_json::to_vec(&whole).map_err(Problem::internal)?;
    Ok((head, Body::from(text)).into_response())
}

/// What the query asks for, and what of it is not about pages.
fn asked(paged: &Paged, query: &str) -> Result<(Option<Asked>, Vec<String>), Problem> {
    let (mut limit, mut cursor, mut rest) = (None, None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let place = match decode(name).as_str() {
            "limit" => &mut limit,
            "cursor" => &mut cursor,
            _ => {
                rest.push(pair.to_owned());
                continue;
            }
        };
        if place.replace(decode(value)).is_some() {
            return Err(Problem::invalid("`limit` and `cursor` are given once"));
        }
    }
    // What is no page's size may be one of a list that knows its own.
    let own = |text: &String| paged.own_limit && !text.parse().is_ok_and(|number| (1..=MOST).contains(&number));
    if cursor.is_none() && limit.as_ref().is_none_or(own) {
        return Ok((None, rest));
    }
    let limit = limit.map(|text| {
        let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
        number.ok_or_else(|| {
            Problem::invalid(format_args!("limit: `{}` is no number from 1 to {MOST}", text.escape_debug()))
        })
    });
    let after = cursor.map(|text| {
        let wrong = || Problem::invalid("cursor: this is none of this list; give what an answer had as `next`");
        let bytes = Some(text).filter(|text| text.len() <= LONGEST).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let place: Place = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(wrong)?;
        if place.of == paged.member { Ok(place) } else { Err(wrong()) }
    });
    Ok((Some(Asked { limit: limit.transpose()?.unwrap_or(USUAL), after: after.transpose()? }), rest))
}

/// The rows of a page, and the cursor after it.
fn cut(paged: &Paged, mut rows: Vec<Value>, asked: &Asked) -> Result<(Vec<Value>, Option<String>), Problem> {
    if let Some(place) = &asked.after {
        let last = Value::Object(place.row.clone());
        rows.retain(|row| {
            paged.order.compare(row, &last).then_with(|| hash(row).as_str().cmp(&place.hash)) == Ordering::Greater
        });
    }
    rows.sort_by(|a, b| paged.order.compare(a, b).then_with(|| hash(a).cmp(&hash(b))));
    let more = rows.len() > asked.limit;
    rows.truncate(asked.limit);
    let cursor = match rows.last().filter(|_| more) {
        None => None,
        Some(last) => {
            let place = Place { of: paged.member.to_owned(), row: paged.order.kept(last), hash: hash(last) };
            Some(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&place).map_err(Problem::internal)?))
        }
    };
    Ok((rows, cursor))
}

fn hash(row: &Value) -> String {
    hex::encode(&Sha256::digest(row.to_string().as_bytes())[..8])
}

impl Order {
    fn compare(self, a: &Value, b: &Value) -> Ordering {
        match self {
            Order::Due => huiyin_desk::due_key(a).cmp(&huiyin_desk::due_key(b)),
            Order::By(members) => members.iter().fold(Ordering::Equal, |so_far, member| {
                so_far.then_with(|| {
                    let (name, back) = member.strip_prefix('-').map_or((*member, false), |name| (name, true));
                    match (&a[name], &b[name]) {
                        (Value::Null, Value::Null) => Ordering::Equal,
                        (Value::Null, _) => Ordering::Greater,
                        (_, Value::Null) => Ordering::Less,
                        (a, b) if back => value(b, a),
                        (a, b) => value(a, b),
                    }
                })
            }),
        }
    }

    /// What of a row the order goes by.
    fn kept(self, row: &Value) -> Map<String, Value> {
        let keep = |name: &str| Some((name.to_owned(), row.get(name)?.clone()));
        match self {
            Order::Due => {
                let mut kept: Map<String, Value> =
                    ["state", "level", "opened_at", "number"].into_iter().filter_map(keep).collect();
                if let Some(clock) = row.get("clock").filter(|clock| !clock.is_null()) {
                    kept.insert("clock".to_owned(), json!({"state": clock["state"], "due_at": clock["due_at"]}));
                }
                kept
            }
            Order::By(members) => members.iter().filter_map(|name| keep(name.trim_start_matches('-'))).collect(),
        }
    }
}

/// Times by when they are, numbers by how large, and all else by how it is written.
fn value(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(a), Value::String(b)) => match (a.parse::<Timestamp>(), b.parse::<Timestamp>()) {
            (Ok(a), Ok(b)) => a.cmp(&b),
            _ => a.cmp(b),
        },
        (Value::Number(a), Value::Number(b)) => {
            a.as_f64().unwrap_or_default().total_cmp(&b.as_f64().unwrap_or_default())
        }
        (a, b) => a.to_string().cmp(&b.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASKS: Paged = Paged { member: "tasks", order: Order::By(&["due", "-size", "id"]), own_limit: false };

    fn row(id: u32, due: Option<u32>) -> Value {
        json!({"id": format!("{id:03}"), "due": due.map(|due| format!("2026-03-01T00:00:{due:02}Z")), "size": id % 3})
    }

    /// Every id of a list that changes between the pages.
    fn walk(mut change: impl FnMut(&mut Vec<Value>), limit: usize) -> Vec<String> {
        let mut all: Vec<Value> = (0..50).map(|id| row(id * 10, (id % 4 != 0).then_some(id % 7))).collect();
        let (mut ids, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let query =
                cursor.map_or_else(|| format!("limit={limit}"), |cursor| format!("limit={limit}&cursor={cursor}"));
            let (asked, rest) = asked(&TASKS, &query).unwrap();
            assert!(rest.is_empty());
            let (rows, next) = cut(&TASKS, all.clone(), &asked.unwrap()).unwrap();
            assert!(rows.len() <= limit);
            ids.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
            let Some(next) = next else { return ids };
            cursor = Some(next);
            change(&mut all);
        }
    }

    #[test]
    fn a_walk_gives_every_row_once_whatever_comes_and_goes_in_between() {
        let whole = walk(|_| {}, 1_000);
        assert_eq!(whole.len(), 50);
        for limit in [1, 7, 49, 50] {
            assert_eq!(walk(|_| {}, limit), whole, "{limit}");
        }
        let mut at = 1;
        let grown = walk(
            |all| {
                all.insert(0, row(at, Some(0)));
                all.push(row(at + 1, None));
                all.retain(|row| row["id"] != "200");
                at += 10;
            },
            5,
        );
        let mut seen = grown.clone();
        seen.dedup();
        assert_eq!(seen, grown, "none comes twice");
        assert!(whole.iter().filter(|id| *id != "200").all(|id| grown.contains(id)), "none is left out");
    }

    #[test]
    fn rows_that_are_alike_are_none_of_them_lost() {
        let same = Paged { member: "rows", order: Order::By(&["unit"]), own_limit: false };
        let all: Vec<Value> = (0..9).map(|n| json!({"unit": "a", "n": n})).collect();
        let (mut seen, mut cursor) = (0, String::new());
        loop {
            let (asked, _) = asked(&same, &format!("limit=2{cursor}")).unwrap();
            let (rows, next) = cut(&same, all.clone(), &asked.unwrap()).unwrap();
            seen += rows.len();
            let Some(next) = next else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen, 9);
    }

    #[test]
    fn what_is_no_page_is_refused_and_the_rest_of_the_query_stays() {
        let of = |query: &str| asked(&TASKS, query).map_err(|problem| problem.code().as_u16());
        assert!(of("unit=a&all=true").unwrap().0.is_none());
        let (asked, rest) = of("unit=%E6%9E%97&limit=5&all=true").unwrap();
        assert_eq!((asked.unwrap().limit, rest.join("&").as_str()), (5, "unit=%E6%9E%97&all=true"));
        let other = URL_SAFE_NO_PAD.encode(r#"{"of": "cases", "row": {}, "hash": ""}"#);
        for wrong in [
            "limit=0",
            "limit=1001",
            "limit=x",
            "limit=",
            "limit=1&limit=2",
            "cursor=",
            "cursor=abc",
            &format!("cursor={other}"),
        ] {
            assert_eq!(of(wrong).err(), Some(400), "{wrong}");
        }
    }
}
