//! What a record's header says beside its type, and whether it can say it:
//! what the journal would refuse is found before anything has changed.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What a record's header says beside its type.
#[derive(Clone, Copy)]
pub(super) struct RecordMeta<'a> {
    pub(super) subject: &'a str,
    pub(super) actor: &'a str,
    pub(super) unit: Option<&'a str>,
    pub(super) key: &'a str,
}

/// What a record's header keeps as it is of a person's name.
const AS_IT_IS: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'\\').add(b'%');

/// An actor as a record's header has it: headers are printable ASCII, so that what
/// else stands in the name of a person or an admin is percent-encoded, in UTF-8.
pub fn actor_in_headers(actor: &str) -> Cow<'_, str> {
    if actor.starts_with("person:") || actor.starts_with("admin:") {
        utf8_percent_encode(actor, AS_IT_IS).into()
    } else {
        Cow::Borrowed(actor)
    }
}

/// An actor as people read it, from a record's header.
pub fn actor_from_headers(actor: &str) -> Cow<'_, str> {
    if actor.starts_with("person:") || actor.starts_with("admin:") {
        percent_decode_str(actor).decode_utf8().unwrap_or(Cow::Borrowed(actor))
    } else {
        Cow::Borrowed(actor)
    }
}

/// Why a record's header cannot say this, if it cannot: what the journal
/// would refuse, found before anything has changed.
pub(super) fn unfit(about: RecordMeta<'_>) -> Option<String> {
    if about.key.contains('~') {
        return Some(format!("the data key `{}` holds `~`", about.key));
    }
    let unit = about.unit.unwrap_or("-");
    let actor = actor_in_headers(about.actor);
    [("subject", about.subject, 256), ("actor", &*actor, 160), ("unit", unit, 64), ("data key", about.key, 140)]
        .into_iter()
        .find_map(|(what, text, most)| name_fault(text, most).map(|why| format!("the {what} {why}")))
}

/// Why a text cannot be a name in a record's header, if it cannot.
pub(super) fn name_fault(text: &str, most: usize) -> Option<String> {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\');
    if text.is_empty() {
        Some("is empty".to_owned())
    } else if text.len() > most {
        Some(format!("has {} bytes, {most} are allowed", text.len()))
    } else {
        text.chars()
            .find(|c| !plain(*c))
            .map(|c| format!("holds {c:?}; printable ASCII without spaces, quotes and backslashes is allowed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_any_script_stands_in_a_header_and_is_read_back() {
        for actor in ["person:许明", "admin:王 %41", "person:li.min", "system:engine", "run:a%41"] {
            let written = actor_in_headers(actor);
            assert_eq!(name_fault(&written, 160), None, "{written}");
            assert_eq!(actor_from_headers(&written), actor);
        }
        assert_eq!(actor_in_headers("person:许明"), "person:%E8%AE%B8%E6%98%8E");
    }
}
