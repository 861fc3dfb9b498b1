//! Matters that come in by a collector: what is asked on a message board or a
//! hotline has a case of its own at once, whatever its level (clauses 4b, 4c).

use schemars::JsonSchema;
use serde::Deserialize;

use crate::BTreeMap;

/// Which items come in as matters, for a collector's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Intake {
    /// What they are.
    pub kind: Kind,
    /// The field that holds the answer: an item that has one already is taken
    /// as an ordinary item. All are matters unless given.
    #[serde(default)]
    pub answered: Option<String>,
}

/// What a matter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A citizen's message (网民留言, clause 4c).
    Message,
    /// A call on the hotline (热线, clause 4b).
    Hotline,
}

impl Intake {
    /// Sets the field `intake` of an item that is not answered yet. A correction
    /// of one that came in before is no new matter.
    pub fn mark(&self, fields: &mut BTreeMap<String, String>) {
        if fields.contains_key("corrects") {
            return;
        }
        let answered = self.answered.as_ref().and_then(|name| fields.get(name));
        if answered.is_none_or(|answer| answer.trim().is_empty()) {
            let kind = match self.kind {
                Kind::Message => "message",
                Kind::Hotline => "hotline",
            };
            fields.insert("intake".to_owned(), kind.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Intake;
    use crate::BTreeMap;

    #[test]
    fn what_is_answered_already_is_no_new_matter() {
        let intake: Intake = serde_json::from_str(r#"{"kind": "message", "answered": "reply"}"#).unwrap();
        for (reply, kind) in [(None, Some("message")), (Some(" "), Some("message")), (Some("已办"), None)] {
            let mut fields: BTreeMap<String, String> =
                reply.iter().map(|reply| ("reply".to_owned(), (*reply).to_owned())).collect();
            intake.mark(&mut fields);
            assert_eq!(fields.get("intake").map(String::as_str), kind, "{reply:?}");
        }
        let mut corrected = BTreeMap::from([("corrects".to_owned(), "1".to_owned())]);
        intake.mark(&mut corrected);
        assert!(!corrected.contains_key("intake"));
    }
}
