//! The core functions of watching.

use serde_json::{Value, json};

use crate::command::{
    AcknowledgeWarning, CheckIn, Command, FeedBackWarning, FinishPatrol, ReadShared, RevokeShare, SetLabel, SetRoster,
    ShareMatter, SwapDuty, WatchCommand,
};
use crate::core_functions::{Entry, read, schema, time};

/// One line a function: name, input type, command, output properties.
pub(crate) const FUNCTIONS: &[Entry] = &[
    Entry {
        name: "set-roster",
        input_schema: schema::<SetRoster>,
        output: || json!({ "unit": text(), "slots": { "type": "integer" }, "own": { "type": "boolean" } }),
        command: |v| Ok(watch(WatchCommand::SetRoster(read(v)?))),
    },
    Entry {
        name: "swap-duty",
        input_schema: schema::<SwapDuty>,
        output: || json!({ "unit": text(), "slot": text(), "people": { "type": "array", "items": text() } }),
        command: |v| Ok(watch(WatchCommand::SwapDuty(read(v)?))),
    },
    Entry {
        name: "check-in",
        input_schema: schema::<CheckIn>,
        output: || json!({ "unit": text(), "slot": text(), "person": text(), "late": { "type": "boolean" }, "ends": time() }),
        command: |v| Ok(watch(WatchCommand::CheckIn(read(v)?))),
    },
    Entry {
        name: "finish-patrol",
        input_schema: schema::<FinishPatrol>,
        output: || json!({ "unit": text(), "patrol": text(), "late": { "type": "boolean" } }),
        command: |v| Ok(watch(WatchCommand::FinishPatrol(read(v)?))),
    },
    Entry {
        name: "set-label",
        input_schema: schema::<SetLabel>,
        output: || {
            let labels =
                json!({ "type": "array", "items": { "enum": ["doubt", "misunderstanding", "distortion", "rumour"] } });
            json!({
                "item": { "type": ["string", "null"] }, "case": { "type": ["string", "null"] },
                "before": labels, "labels": labels,
            })
        },
        command: |v| Ok(watch(WatchCommand::SetLabel(read(v)?))),
    },
    Entry {
        name: "acknowledge-warning",
        input_schema: schema::<AcknowledgeWarning>,
        output: || json!({ "warning": text(), "late": { "type": "boolean" }, "feedback_by": time() }),
        command: |v| Ok(watch(WatchCommand::AcknowledgeWarning(read(v)?))),
    },
    Entry {
        name: "feed-back-warning",
        input_schema: schema::<FeedBackWarning>,
        output: || json!({ "warning": text(), "late": { "type": "boolean" } }),
        command: |v| Ok(watch(WatchCommand::FeedBackWarning(read(v)?))),
    },
    Entry {
        name: "share",
        input_schema: schema::<ShareMatter>,
        output: || json!({ "share": text(), "to": text(), "scope": scope(), "until": time() }),
        command: |v| Ok(watch(WatchCommand::Share(read(v)?))),
    },
    Entry {
        name: "revoke-share",
        input_schema: schema::<RevokeShare>,
        output: || json!({ "share": text(), "state": { "const": "revoked" } }),
        command: |v| Ok(watch(WatchCommand::RevokeShare(read(v)?))),
    },
    Entry {
        name: "read-shared",
        input_schema: schema::<ReadShared>,
        output: || {
            json!({
                "share": text(), "from": text(), "scope": scope(), "until": time(),
                "shown": { "type": "object", "description": "the case or the item, as far as it is shared" },
            })
        },
        command: |v| Ok(watch(WatchCommand::ReadShared(read(v)?))),
    },
];

fn watch(command: WatchCommand) -> Command {
    Command::Watch(Box::new(command))
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn scope() -> Value {
    json!({ "enum": ["summary", "whole"] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core_functions::object;

    #[test]
    fn every_output_is_an_object_of_named_members() {
        for entry in FUNCTIONS {
            assert!(object(&(entry.output)())["properties"].is_object(), "{}", entry.name);
        }
    }
}
