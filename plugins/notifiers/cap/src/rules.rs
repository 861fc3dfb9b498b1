//! What the schema of CAP 1.2 does not say and the standard does, and the identifier of the national platform.

use huiyin_sdk::Error;
use huiyin_sdk::time::Times;

use crate::alert::{Alert, Area, MsgType, Scope, Status};

/// Earlier alerts that one may refer to.
const MOST_REFERENCES: usize = 50;

/// Characters of a headline, for receivers with small displays (§3.2.2: 160).
const HEADLINE: usize = 160;

/// Points of a ring.
const MOST_POINTS: usize = 1000;

/// Ok where the alert keeps the rules.
///
/// # Errors
/// Which it breaks, and where.
pub fn check(alert: &Alert) -> Result<(), Error> {
    let config = |place: &str, why: String| Err(Error::InvalidConfig(format!("at /{place}: {why}")));
    let input = |place: &str, why: String| Err(Error::InvalidInput(format!("at /data/cap/{place}: {why}")));
    let publisher = alert.identifier.split('_').next().unwrap_or_default();
    if publisher.len() != 14 || !publisher.bytes().all(|b| b.is_ascii_digit()) {
        return config("publisher", format!("{publisher:?} has not 14 digits: region, agency, office, extension"));
    }
    if let Err(why) = plain(&alert.sender) {
        return config("sender", why);
    }
    if alert.identifier.len() != publisher.len() + 17 {
        return input("sequence", "it is not from 0 to 9".to_owned());
    }
    sent(&alert.sent).or_else(|why| config("offset", why))?;
    for (place, text) in [("senderName", &alert.sender_name), ("event", &alert.event)] {
        if text.trim().is_empty() {
            return config(place, "it is empty".to_owned());
        }
    }
    if alert.description.trim().is_empty() || alert.headline.trim().is_empty() {
        return Err(Error::InvalidInput("the message is empty: an alert has a subject and a text".to_owned()));
    }
    if alert.headline.chars().count() > HEADLINE {
        return Err(Error::InvalidInput(format!("at /subject: a headline has up to {HEADLINE} characters")));
    }
    references(alert)?;
    match alert.scope {
        Scope::Restricted if alert.restriction.is_none() => {
            return input("restriction", "an alert of the scope Restricted says for whom".to_owned());
        }
        Scope::Private if alert.addresses.is_empty() => {
            return Err(Error::InvalidInput("at /recipients: an alert of the scope Private names them".to_owned()));
        }
        _ => {}
    }
    if alert.status == Status::Exercise && alert.note.is_none() {
        return input("note", "an alert of an exercise names the exercise".to_owned());
    }
    if alert.msg_type == MsgType::Error && alert.note.is_none() {
        return input("note", "an error says what is wrong with the earlier alert".to_owned());
    }
    times(alert)?;
    if let Some(web) = &alert.web
        && !(web.starts_with("https://") || web.starts_with("http://"))
    {
        return Err(Error::InvalidInput(format!("at /data/link: {web:?} is no absolute address")));
    }
    if alert.areas.is_empty() && !alert.msg_type.refers() {
        return input("areas", "an alert says where; or /area of the configuration".to_owned());
    }
    for (at, one) in alert.areas.iter().enumerate() {
        area(one).or_else(|(place, why)| input(&format!("areas/{at}/{place}"), why))?;
    }
    Ok(())
}

/// A text that holds no space, comma, `<` or `&` (§3.2.1 identifier, sender).
fn plain(text: &str) -> Result<(), String> {
    match text.chars().find(|c| c.is_whitespace() || c.is_control() || matches!(c, ',' | '<' | '&')) {
        _ if text.is_empty() => Err("it is empty".to_owned()),
        Some(c) => Err(format!("it holds {c:?}; spaces, commas, < and & are not allowed")),
        None => Ok(()),
    }
}

/// `2024-03-01T08:30:00+08:00`: an offset and no Z (§3.3.2).
fn sent(text: &str) -> Result<(), String> {
    let form = text.len() == 25
        && text.bytes().enumerate().all(|(at, b)| match at {
            4 | 7 => b == b'-',
            10 => b == b'T',
            13 | 16 | 22 => b == b':',
            19 => matches!(b, b'+' | b'-'),
            _ => b.is_ascii_digit(),
        });
    if form { Ok(()) } else { Err(format!("{text:?} is not of the form 2024-03-01T08:30:00+08:00")) }
}

fn references(alert: &Alert) -> Result<(), Error> {
    let input = |place: &str, why: String| Err(Error::InvalidInput(format!("at /data/cap/references{place}: {why}")));
    match (alert.msg_type.refers(), alert.references.len()) {
        (true, 0) => {
            let word = alert.msg_type.word();
            return input("", format!("an alert of the kind {word} names the earlier ones, all that still hold"));
        }
        (false, 1..) => return input("", "a first alert refers to none; its kind is Update or Cancel".to_owned()),
        (_, many) if many > MOST_REFERENCES => return input("", format!("more than {MOST_REFERENCES}")),
        _ => {}
    }
    for (at, one) in alert.references.iter().enumerate() {
        plain(&one.sender).or_else(|why| input(&format!("/{at}/sender"), why))?;
        plain(&one.identifier).or_else(|why| input(&format!("/{at}/identifier"), why))?;
        sent(&one.sent).or_else(|why| input(&format!("/{at}/sent"), why))?;
        if one.identifier == alert.identifier {
            return input(&format!("/{at}/identifier"), "an alert does not refer to itself".to_owned());
        }
    }
    Ok(())
}

fn times(alert: &Alert) -> Result<(), Error> {
    let read = |text: &str| Times::default().read(text);
    let Some(expires) = alert.expires.as_deref().and_then(read) else { return Ok(()) };
    for (name, time) in
        [("sent", Some(&alert.sent)), ("effective", alert.effective.as_ref()), ("onset", alert.onset.as_ref())]
    {
        if time.and_then(|time| read(time)).is_some_and(|time| time >= expires) {
            return Err(Error::InvalidInput(format!("at /data/cap/expires: it is not after `{name}`")));
        }
    }
    Ok(())
}

fn area(area: &Area) -> Result<(), (String, String)> {
    let wrong = |place: String, why: String| Err((place, why));
    if area.description.trim().is_empty() {
        return wrong("description".to_owned(), "it is empty".to_owned());
    }
    for (at, code) in area.regions.iter().enumerate() {
        if !(6..=12).contains(&code.len()) || !code.bytes().all(|b| b.is_ascii_digit()) {
            return wrong(format!("regions/{at}"), format!("{code:?} is no code of 6 to 12 digits"));
        }
    }
    for (at, ring) in area.polygons.iter().enumerate() {
        let place = format!("polygons/{at}");
        if ring.len() < 4 || ring.len() > MOST_POINTS {
            return wrong(place, format!("a ring has 4 to {MOST_POINTS} points, this one {}", ring.len()));
        }
        if ring.first() != ring.last() {
            return wrong(place, "the ring is not closed: its last point is its first".to_owned());
        }
        for (n, [latitude, longitude]) in ring.iter().enumerate() {
            point(*latitude, *longitude).or_else(|why| wrong(format!("{place}/{n}"), why))?;
        }
    }
    for (at, [latitude, longitude, radius]) in area.circles.iter().enumerate() {
        let place = format!("circles/{at}");
        point(*latitude, *longitude).or_else(|why| wrong(place.clone(), why))?;
        if !(*radius >= 0.0 && *radius <= 20_040.0) {
            return wrong(place, format!("{radius} is no radius in kilometres"));
        }
    }
    Ok(())
}

/// Latitude first (§3.3.1): a first number over 90 is a longitude.
fn point(latitude: f64, longitude: f64) -> Result<(), String> {
    let within = |value: f64, most: f64| value >= -most && value <= most;
    if within(latitude, 90.0) && within(longitude, 180.0) {
        return Ok(());
    }
    let hint = if within(latitude, 180.0) && within(longitude, 90.0) { "; latitude comes first" } else { "" };
    Err(format!("{latitude},{longitude} is no point{hint}"))
}
