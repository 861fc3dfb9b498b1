//! The alert as XML, its elements in the order of the schema.

use std::fmt::Write as _;

use huiyin_sdk::markup::escape;

use crate::alert::{Alert, Area};

/// The document.
pub fn write(alert: &Alert) -> String {
    let mut out = Out(String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">\n",
    ));
    out.element(1, "identifier", &alert.identifier);
    out.element(1, "sender", &alert.sender);
    out.element(1, "sent", &alert.sent);
    out.element(1, "status", alert.status.word());
    out.element(1, "msgType", alert.msg_type.word());
    out.element(1, "scope", alert.scope.word());
    out.maybe(1, "restriction", alert.restriction.as_deref());
    if !alert.addresses.is_empty() {
        // Within quotes where a name holds a space (§3.2.1 addresses).
        let one = |name: &String| {
            if name.contains(char::is_whitespace) { format!("\"{}\"", name.replace('"', "'")) } else { name.clone() }
        };
        out.element(1, "addresses", &alert.addresses.iter().map(one).collect::<Vec<_>>().join(" "));
    }
    out.maybe(1, "note", alert.note.as_deref());
    if !alert.references.is_empty() {
        let one = |one: &crate::alert::Reference| format!("{},{},{}", one.sender, one.identifier, one.sent);
        out.element(1, "references", &alert.references.iter().map(one).collect::<Vec<_>>().join(" "));
    }
    let incidents = alert
        .incidents
        .as_ref()
        .map(|case| if case.contains(char::is_whitespace) { format!("\"{case}\"") } else { case.clone() });
    out.maybe(1, "incidents", incidents.as_deref());
    out.open(1, "info");
    out.element(2, "language", "zh-CN");
    out.element(2, "category", alert.category.word());
    out.element(2, "event", &alert.event);
    for response in &alert.response {
        out.element(2, "responseType", response.word());
    }
    out.element(2, "urgency", alert.urgency.word());
    out.element(2, "severity", alert.severity.word());
    out.element(2, "certainty", alert.certainty.word());
    if let Some(code) = &alert.event_code {
        out.named(2, "eventCode", "GB/T 35561", code);
    }
    out.maybe(2, "effective", alert.effective.as_deref());
    out.maybe(2, "onset", alert.onset.as_deref());
    out.maybe(2, "expires", alert.expires.as_deref());
    out.element(2, "senderName", &alert.sender_name);
    out.element(2, "headline", &alert.headline);
    out.element(2, "description", &alert.description);
    out.maybe(2, "instruction", alert.instruction.as_deref());
    out.maybe(2, "web", alert.web.as_deref());
    out.maybe(2, "contact", alert.contact.as_deref());
    if let Some(colour) = &alert.colour {
        out.named(2, "parameter", "预警颜色", colour);
    }
    alert.areas.iter().for_each(|one| area(&mut out, one));
    out.close(1, "info");
    out.0.push_str("</alert>\n");
    out.0
}

fn area(out: &mut Out, area: &Area) {
    out.open(2, "area");
    out.element(3, "areaDesc", &area.description);
    for ring in &area.polygons {
        let points: Vec<String> = ring.iter().map(|[latitude, longitude]| format!("{latitude},{longitude}")).collect();
        out.element(3, "polygon", &points.join(" "));
    }
    for [latitude, longitude, radius] in &area.circles {
        out.element(3, "circle", &format!("{latitude},{longitude} {radius}"));
    }
    for code in &area.regions {
        out.named(3, "geocode", "GB/T 2260", code);
    }
    out.close(2, "area");
}

struct Out(String);

impl Out {
    fn element(&mut self, depth: usize, name: &str, text: &str) {
        let _ = writeln!(self.0, "{:indent$}<{name}>{}</{name}>", "", escape(text.trim()), indent = depth * 2);
    }

    fn maybe(&mut self, depth: usize, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            self.element(depth, name, text);
        }
    }

    fn named(&mut self, depth: usize, element: &str, name: &str, value: &str) {
        self.open(depth, element);
        self.element(depth + 1, "valueName", name);
        self.element(depth + 1, "value", value);
        self.close(depth, element);
    }

    fn open(&mut self, depth: usize, name: &str) {
        let _ = writeln!(self.0, "{:indent$}<{name}>", "", indent = depth * 2);
    }

    fn close(&mut self, depth: usize, name: &str) {
        let _ = writeln!(self.0, "{:indent$}</{name}>", "", indent = depth * 2);
    }
}
