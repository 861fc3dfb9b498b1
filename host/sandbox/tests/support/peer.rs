//! Hosts whose way out a test chooses, and what is asked of them.

use std::sync::Arc;

pub use huiyin_guests::peer::{Peer, ok, silence};
use huiyin_sandbox::egress::pace::Asker;
use huiyin_sandbox::egress::request::{Answer, Ask, RequestError};
use huiyin_sandbox::egress::way::EgressSettings;
use huiyin_sandbox::{Grant, Limits, NoSecrets, Sandbox, SandboxConfig, SecretSource, SecretValue};
use serde_json::{Value, json};

pub fn grant(value: &Value) -> Grant {
    Grant::from_json(&value.to_string()).unwrap()
}

/// Everything on loopback.
pub fn loopback() -> Grant {
    grant(&json!({
        "http": [{"origin": "http://*:*"}, {"origin": "https://*:*"}],
        "allow_addresses": ["127.0.0.0/8"],
    }))
}

/// Secrets by name.
pub struct Known(pub Vec<(&'static str, &'static str)>);

impl SecretSource for Known {
    fn secret(&self, name: &str) -> Option<SecretValue> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_bytes().to_vec().into())
    }
}

/// A small host with these settings of the way out.
pub fn host(egress: EgressSettings) -> Sandbox {
    Sandbox::new(SandboxConfig { egress, ..SandboxConfig::small() }).unwrap()
}

pub fn get(url: String) -> Ask {
    Ask { method: "GET".into(), uri: url, headers: Vec::new(), body: Vec::new() }
}

pub fn post(url: String) -> Ask {
    Ask { method: "POST".into(), uri: url, headers: Vec::new(), body: b"{}".to_vec() }
}

pub fn asker() -> Asker {
    Asker { name: "tests/ask".into(), unit: "440100".into() }
}

/// A workflow's one request.
pub async fn send(host: &Sandbox, grant: &Grant, limits: &Limits, ask: &Ask) -> Result<Answer, RequestError> {
    host.requester(asker(), grant, None, Arc::new(NoSecrets), limits).send(ask).await
}
