//! One hostile plugin: what it does, and what it must be stopped by.

use huiyin_sandbox::{Called, Grant, LimitName, Limits};
use serde_json::json;

use crate::servers::{Behaviour, Server};

/// What a plugin attacks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Work without end.
    Cpu,
    /// Things without number.
    Memory,
    /// What is not so.
    Lies,
    /// Requests to where it may not.
    Egress,
    /// What others left, or leave.
    Isolation,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Cpu, Self::Memory, Self::Lies, Self::Egress, Self::Isolation];

    /// Its name in tests and documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Lies => "lies",
            Self::Egress => "egress",
            Self::Isolation => "isolation",
        }
    }
}

/// How it must end.
#[derive(Debug, Clone, Copy)]
pub enum Expect {
    /// The call ends at this limit.
    Limit(LimitName),
    /// The call ends with a fault of these words.
    Fault(&'static str),
    /// The answer is not taken, with these words.
    BadAnswer(&'static str),
    /// The call is denied, with these words, and nobody was reached.
    Denied(&'static str),
    /// The call is denied after it has reached a place that it may reach.
    DeniedAfter(&'static str),
    /// The plugin is told so and ends with an error of its own, of these words.
    Told(&'static str),
    /// The package is not taken, with these words.
    Refused(&'static str),
    /// The call succeeds, and the check finds no harm done; the words are for documents.
    Harmless(&'static str, fn(&Called) -> Result<(), String>),
}

impl Expect {
    /// Whether an error's text names what it must.
    pub fn named_in(&self, said: &str) -> bool {
        match self {
            Self::Limit(limit) => said.contains(&format!("`{}` of ", limit.key())),
            Self::Fault(words)
            | Self::BadAnswer(words)
            | Self::Denied(words)
            | Self::DeniedAfter(words)
            | Self::Told(words)
            | Self::Refused(words) => said.contains(words),
            Self::Harmless(..) => false,
        }
    }

    /// As a table says it.
    pub fn words(&self) -> String {
        match self {
            Self::Limit(limit) => format!("limit `{}`", limit.key()),
            Self::Fault(words) => format!("fault: {words}"),
            Self::BadAnswer(words) => format!("answer not taken: {words}"),
            Self::Denied(words) | Self::DeniedAfter(words) => format!("denied: {words}"),
            Self::Told(words) => format!("refused by the host, the plugin gives up: {words}"),
            Self::Refused(words) => format!("package refused: {words}"),
            Self::Harmless(words, _) => format!("harmless: {words}"),
        }
    }
}

/// The value of the one secret there is, `token`; no guest and no error may ever show it.
pub const SECRET: &str = "the-value-of-the-secret";

/// The longest error text that may come of any plugin, in bytes: it goes into the journal.
const ERROR_BYTES: usize = 8 << 10;

/// Whether an error's text may be shown and kept.
///
/// # Errors
/// Why not.
pub fn proper(said: &str) -> Result<(), String> {
    if said.contains(SECRET) || said.contains("0x") && !said.contains('`') {
        return Err(format!("an error shows what it must not: {said}"));
    }
    if said.len() > ERROR_BYTES || said.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
        return Err(format!("an error of {} bytes, or one that steers terminals: {said:.200?}", said.len()));
    }
    Ok(())
}

/// One entry of the table.
pub struct Case {
    /// Short words joined by `-`; unique.
    pub name: &'static str,
    /// What it attacks with.
    pub class: Class,
    /// What it does, in a few words.
    pub does: &'static str,
    /// How it must end.
    pub expect: Expect,
    /// The package's bytes.
    pub package: Box<dyn Fn() -> Result<Vec<u8>, String> + Send + Sync>,
    /// The limits of its calls.
    pub limits: Limits,
    /// What it is granted.
    pub grant: Grant,
    /// The server that its requests find on loopback, under the address that is its input.
    pub server: Option<Behaviour>,
    /// The JSON text that it is called with; see [`Case::input`].
    pub input: Option<String>,
    /// Names are looked up by the attacker; see [`crate::names`].
    pub names: bool,
    /// Each call costs milliseconds: its 10,000 repeats are left to `make hostile`.
    pub slow: bool,
}

impl Case {
    /// With this changed about its limits.
    #[must_use]
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// With this grant (JSON).
    #[must_use]
    pub fn grant(mut self, grant: &serde_json::Value) -> Self {
        // A mistake here shows as a denial where none is expected.
        self.grant = Grant::from_json(&grant.to_string()).unwrap_or_default();
        self
    }

    /// With a server of this behaviour, which the guest may reach.
    #[must_use]
    pub fn server(mut self, behaviour: Behaviour) -> Self {
        self.server = Some(behaviour);
        self.grant(&json!({"http": [{"origin": "http://*:*"}], "allow_addresses": ["127.0.0.1/32"]}))
    }

    /// Called with this JSON text, `{port}` standing for the server's port and
    /// `{call}` for a number that no other call has.
    #[must_use]
    pub fn input(mut self, input: impl Into<String>) -> Self {
        self.input = Some(input.into());
        self
    }

    /// Asks this name, which the attacker's DNS server answers.
    #[must_use]
    pub fn asks_for(mut self, name: &str) -> Self {
        self.names = true;
        self.input(format!("\"c{{call}}.{name}.example.cn:{{port}}\""))
    }

    /// The JSON text of one call: of the `number`th, with the server there.
    pub fn input_of(&self, number: usize, server: Option<&Server>) -> String {
        match (&self.input, server) {
            (Some(input), server) => {
                let port = server.map(|server| server.address.port()).unwrap_or_default();
                input.replace("{port}", &port.to_string()).replace("{call}", &number.to_string())
            }
            (None, Some(server)) => format!("\"{}\"", server.address),
            (None, None) => "1".to_owned(),
        }
    }

    /// Not cheap to repeat.
    #[must_use]
    pub fn slow(mut self) -> Self {
        self.slow = true;
        self
    }
}
