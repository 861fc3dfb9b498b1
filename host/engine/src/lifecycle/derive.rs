//! Lifecycle events from facts: those of the workflow as a whole.

use huiyin_flow::{Definition, Fact, RunState};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// What the types of lifecycle events begin with.
const TYPE: &str = "io.serverlessworkflow.workflow.";

/// The lifecycle events of a turn's facts, which lie at `index` of the log. The same facts after the same state
/// give the same events, ids included, so that a receiver knows a repetition.
pub(super) fn derive(
    definition: &Definition,
    before: &RunState,
    facts: &[Fact],
    at: Timestamp,
    index: u64,
) -> Vec<Value> {
    let document = definition.document();
    let workflow = (&*document.name, &*document.namespace);
    let source = format!("/{}/{}/{}", document.namespace, document.name, document.version);
    let mut run = before.run_id().to_owned();
    let mut events = Vec::new();
    for (place, fact) in facts.iter().enumerate() {
        let (kind, stamp, rest) = match fact {
            Fact::Start { run: id, .. } => {
                run = id.to_string();
                let of = json!({"name": document.name, "namespace": document.namespace, "version": document.version});
                ("started", "startedAt", json!({"definition": of}))
            }
            Fact::Suspended { .. } => ("suspended", "suspendedAt", json!({})),
            Fact::Resumed => ("resumed", "resumedAt", json!({})),
            Fact::Completed { .. } => ("completed", "completedAt", json!({})),
            Fact::Faulted { error, .. } => ("faulted", "faultedAt", json!({"error": error})),
            Fact::Cancelled { .. } => ("cancelled", "cancelledAt", json!({})),
            _ => continue,
        };
        let mut data = Map::new();
        data.insert("name".to_owned(), format!("{}-{run}.{}", workflow.0, workflow.1).into());
        data.insert(stamp.to_owned(), at.to_string().into());
        if let Value::Object(rest) = rest {
            data.extend(rest);
        }
        events.push(json!({
            "specversion": "1.0",
            "id": format!("{run}/lifecycle/{index}.{place}"),
            "source": source,
            "type": format!("{TYPE}{kind}.v1"),
            "subject": run,
            "time": at.to_string(),
            "datacontenttype": "application/json",
            "data": data,
        }));
    }
    events
}
