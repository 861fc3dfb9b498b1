//! What a record's header says beside its type, and whether it can say it:
//! what the journal would refuse is found before anything has changed.

/// What a record's header says beside its type.
#[derive(Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) subject: &'a str,
    pub(super) actor: &'a str,
    pub(super) unit: Option<&'a str>,
    pub(super) key: &'a str,
}

/// Why a record's header cannot say this, if it cannot: what the journal
/// would refuse, found before anything has changed.
pub(super) fn unfit(about: About<'_>) -> Option<String> {
    if about.key.contains('~') {
        return Some(format!("the data key `{}` holds `~`", about.key));
    }
    let unit = about.unit.unwrap_or("-");
    [("subject", about.subject, 256), ("actor", about.actor, 160), ("unit", unit, 64), ("data key", about.key, 140)]
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
