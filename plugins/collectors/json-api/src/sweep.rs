//! From page to page: what was read, what comes next, and when to stop.
//!
//! A page with fewer entries than asked for is not the last; an empty one is,
//! and one that brings nothing new ends the poll. So of each poll at most one
//! request brings nothing new; more only where posts that arrive meanwhile push
//! a whole page of known ones down, a server repeats its last page, or a page of
//! an oldest-first list that may have had room is looked at again.

use huiyin_sdk::known::{Sorted, mark};
use huiyin_sdk::time::{Times, Unread};
use huiyin_sdk::{Page, log};
use serde_json::Value;

use crate::config::{Config, Order, Paging};
use crate::cursor::{Ahead, Cursor, Position};
use crate::map;

/// Pages in a row with the same beginning after which a newest-first sweep is
/// over, whatever the server says. More than one, since posts that arrive
/// meanwhile push those that are known onto the next page.
const IDLE: u32 = 2;

/// Pages of known entries that are gone through at once to find a lost place.
const AGAIN: u32 = 1_000;

/// Tokens that are remembered in one sweep.
const TOKENS: usize = 500;

pub(crate) fn page(
    config: &Config,
    mut cursor: Cursor,
    document: &Value,
    list: &[Value],
    limit: u32,
    times: &Times,
) -> Page {
    let mut unread = Unread::default();
    let entries: Vec<_> = list.iter().filter_map(|value| map::entry(config, value, times, &mut unread)).collect();
    let (count, odd) = (list.len(), list.len() - entries.len());
    if count as u64 > cursor.most {
        (cursor.most, cursor.most_at, cursor.confirmed) = (count as u64, Some(cursor.at.clone()), false);
    } else if count as u64 == cursor.most && cursor.most_at.as_ref() != Some(&cursor.at) {
        cursor.confirmed = true;
    }
    let head = entries.first().map(|entry| mark(&entry.item.id));
    if odd > 0 {
        log::warn(&format!("{odd} of {count} entries have neither title nor body"));
    }
    let base = *cursor.base.get_or_insert(cursor.done.len());
    let mut sorted = cursor.done.sort(entries, limit as usize, base);
    if let Some(intake) = &config.intake {
        for item in &mut sorted.items {
            intake.mark(&mut item.fields);
        }
    }
    if let Some(line) = unread.line().filter(|_| !sorted.items.is_empty()) {
        log::warn(&line);
    }
    sorted.log();
    cursor.tries = 0;
    cursor.done.add(sorted.marks.clone());
    let more = if sorted.left {
        true // the same page once more, for the rest of it
    } else {
        let next = next(config, &cursor.at, document, count)
            .and_then(|next| if cursor.ahead.is_some() { Some(next) } else { followed(&mut cursor, next) });
        let by_offset = matches!(config.paging, Some(Paging::Offset { .. }));
        match config.order {
            Order::NewestFirst => newest_first(config, &mut cursor, next, head, &sorted),
            Order::OldestFirst if by_offset && (count == 0 || (sorted.new_ones() == 0 && !cursor.again)) => {
                // What comes next comes here; some servers repeat their last page meanwhile.
                cursor.back = None;
                empty(&mut cursor)
            }
            Order::OldestFirst => oldest_first(config, &mut cursor, next, head, count, &sorted),
        }
    };
    cursor.forget();
    Page { items: sorted.items, cursor: Some(cursor.write()), more }
}

/// On to older pages, until one has nothing but what was known before this
/// sweep began.
fn newest_first(
    config: &Config,
    cursor: &mut Cursor,
    next: Option<Position>,
    head: Option<String>,
    sorted: &Sorted,
) -> bool {
    cursor.pages += 1;
    let news = sorted.new_ones() > 0;
    let repeated = !news && head.is_some() && cursor.head == head;
    cursor.idle = if repeated || (cursor.again && !news) { cursor.idle + 1 } else { 0 };
    let met = !news && sorted.known_before == sorted.known;
    // The end of the list, which posts that arrive push on and on.
    let rest = !news && (sorted.known as u64) * 2 < cursor.most;
    let over = head.is_none() || met || rest || cursor.idle >= if cursor.again { AGAIN } else { IDLE };
    cursor.head = head;
    match next {
        Some(next) if !over && cursor.pages < config.max_pages => {
            // What is known since this sweep began was pushed here by posts
            // that arrived; the rest is behind it.
            cursor.at = next;
            true
        }
        next => {
            if next.is_some() && news {
                log::warn(&format!(
                    "stopped after {} pages that were all new: older entries may be missed; collect more often or raise maxPages",
                    cursor.pages
                ));
            }
            cursor.rest();
            false
        }
    }
}

/// On to newer pages, until one is empty, or the last one once more. That one
/// may still grow, so it and the place behind it are read in turn; and one that
/// may have had room is looked at again when there is one behind it.
fn oldest_first(
    config: &Config,
    cursor: &mut Cursor,
    next: Option<Position>,
    head: Option<String>,
    count: usize,
    sorted: &Sorted,
) -> bool {
    let news = sorted.new_ones() > 0;
    if let Some(ahead) = cursor.ahead.take() {
        // Now it is known how many a full page has.
        let full = cursor.confirmed && ahead.count >= cursor.most;
        (cursor.at, cursor.back, cursor.head, cursor.loose) = (ahead.at, ahead.back, ahead.head, ahead.loose && !full);
        return true; // the page behind it had news
    }
    // A page behind the last one that is known already: the last one once more, or the first.
    let round = cursor.back.is_some() && (cursor.head == head || (!news && !cursor.again));
    if head.is_none() || round {
        return empty(cursor);
    }
    cursor.idle = if news { 0 } else { cursor.idle + 1 };
    cursor.again &= !news && cursor.idle < AGAIN && next.is_some();
    if next.is_none() {
        cursor.tokens.clear(); // the last page, by the server's word: it is looked at again
    }
    let more = (news && next.is_some()) || cursor.again;
    let here = cursor.at.clone();
    let (at, back) = match next {
        Some(next) => (next, Some(here)),
        None => (here, None),
    };
    let look_back = cursor.back.take().filter(|_| cursor.loose);
    let asked = match &config.paging {
        Some(Paging::Page { size: Some(size), .. }) => count as u64 >= size.value,
        Some(Paging::Offset { .. }) => true, // one place follows the other
        _ => false,
    };
    let full = asked || (look_back.is_none() && cursor.confirmed && count as u64 >= cursor.most);
    let loose = !full && back.is_some();
    match look_back {
        Some(page) => {
            cursor.ahead = Some(Box::new(Ahead { at, back, head, loose, count: count as u64 }));
            (cursor.at, cursor.loose) = (page, false);
            more || news
        }
        None => {
            (cursor.at, cursor.back, cursor.head, cursor.loose) = (at, back, head, loose);
            more
        }
    }
}

fn empty(cursor: &mut Cursor) -> bool {
    (cursor.again, cursor.idle, cursor.loose) = (false, 0, false);
    cursor.tokens.clear();
    if let Some(back) = cursor.back.take() {
        cursor.at = back;
    }
    false
}

/// The list has ended, or the place in it is lost.
pub(crate) fn end(config: &Config, mut cursor: Cursor) -> Page {
    let lost = matches!(cursor.at, Position::Token(_)) && !cursor.again;
    cursor.tries = 0;
    match config.order {
        Order::NewestFirst if lost => {
            // The server named a page and has it no more: what is behind it is
            // looked for again, from the first page on.
            let base = cursor.base;
            cursor.rest();
            (cursor.base, cursor.again) = (base, true);
        }
        Order::NewestFirst => cursor.rest(),
        // What comes next comes here.
        Order::OldestFirst if matches!(config.paging, Some(Paging::Offset { .. })) => cursor.again = false,
        Order::OldestFirst if cursor.ahead.is_some() || cursor.back.is_some() => {
            if let Some(ahead) = cursor.ahead.take() {
                (cursor.at, cursor.back, cursor.head, cursor.loose) = (ahead.at, ahead.back, ahead.head, ahead.loose);
            } else {
                empty(&mut cursor);
            }
        }
        Order::OldestFirst => {
            // A page that was there is no more: the token has expired.
            log::warn(
                "the place in the list is lost: it is read from its first page, and what is known is passed over",
            );
            cursor.rest();
            cursor.again = true;
        }
    }
    Page { items: Vec::new(), cursor: Some(cursor.write()), more: false }
}

/// The same page at the next poll.
pub(crate) fn tried(mut cursor: Cursor) -> Page {
    cursor.tries += 1;
    Page { items: Vec::new(), cursor: Some(cursor.write()), more: false }
}

/// The page after this one; none where the server says that this is the last.
fn next(config: &Config, at: &Position, document: &Value, count: usize) -> Option<Position> {
    match config.paging.as_ref()? {
        Paging::Cursor { next, .. } => {
            let token = match document.pointer(next)? {
                Value::String(text) => text.trim().to_owned(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            let ended = matches!(token.as_str(), "" | "0" | "-1" | "null" | "false");
            Some(Position::Token(token)).filter(|next| !ended && next != at)
        }
        Paging::Page { first, .. } => (count > 0).then(|| Position::Number(at.number(*first).saturating_add(1))),
        Paging::Offset { .. } => (count > 0).then(|| Position::Number(at.number(0).saturating_add(count as u64))),
    }
}

/// The page after this one, unless its token was followed in this sweep already.
fn followed(cursor: &mut Cursor, next: Position) -> Option<Position> {
    if let Position::Token(token) = &next {
        let mark = mark(token);
        if cursor.tokens.contains(&mark) {
            log::warn(&format!(
                "the cursor {token:?} came again: the server's pages go round, and the sweep ends here"
            ));
            return None;
        }
        cursor.tokens.push(mark);
        let over = cursor.tokens.len().saturating_sub(TOKENS);
        cursor.tokens.drain(..over);
    }
    Some(next)
}
