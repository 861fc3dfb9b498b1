//! What a plugin says about itself, built from its trait.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

/// The kinds of plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Brings items in.
    Collector,
    /// Scores items. Pure.
    Classifier,
    /// Writes documents. Pure.
    Reporter,
    /// Delivers outward.
    Notifier,
    /// Turns JSON into JSON.
    Step,
}

/// What a plugin asks for. It may reach only what is asked for here, granted
/// by an admin and allowed by the unit's policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Capability {
    /// A place in the network.
    Http {
        /// `https://news.example.cn`, `https://*.example.cn:8443`, `http://*:*`.
        origin: String,
        /// Upper-case methods; empty for all.
        methods: Vec<String>,
        /// Paths must begin with this; `/` for all.
        path_prefix: String,
    },
    /// A secret that the plugin wants used on its behalf.
    Secret {
        /// The name under which the plugin asks for it.
        name: String,
        /// What for, for the admin who grants it.
        purpose: String,
    },
    /// Write files into the granted folder.
    Spool,
    /// Keep at most this many bytes of its own state with the host.
    Kv(u64),
}

/// The part of a manifest that its author writes; the rest follows from the
/// trait's types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) summary: String,
    pub(crate) capabilities: Vec<Capability>,
    pub(crate) idempotent: bool,
}

impl About {
    /// A plugin that asks for nothing and may not be repeated after an unknown
    /// outcome. `name` is lower-case words joined by `-`, `version` semantic
    /// (`env!("CARGO_PKG_VERSION")`), `summary` one sentence.
    pub fn new(name: &str, version: &str, summary: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            summary: summary.to_owned(),
            capabilities: Vec::new(),
            idempotent: false,
        }
    }

    /// Asks for a place in the network; see [`Capability::Http`].
    #[must_use]
    pub fn http(mut self, origin: &str, methods: &[&str], path_prefix: &str) -> Self {
        self.capabilities.push(Capability::Http {
            origin: origin.to_owned(),
            methods: methods.iter().map(|&m| m.to_owned()).collect(),
            path_prefix: path_prefix.to_owned(),
        });
        self
    }

    /// Asks for the use of a secret.
    #[must_use]
    pub fn secret(mut self, name: &str, purpose: &str) -> Self {
        self.capabilities.push(Capability::Secret { name: name.to_owned(), purpose: purpose.to_owned() });
        self
    }

    /// Asks to write files into the granted folder.
    #[must_use]
    pub fn spool(mut self) -> Self {
        self.capabilities.push(Capability::Spool);
        self
    }

    /// Asks to keep at most `bytes` of its own state with the host.
    #[must_use]
    pub fn kv(mut self, bytes: u64) -> Self {
        self.capabilities.push(Capability::Kv(bytes));
        self
    }

    /// Declares that repeating a call with the same idempotency key does no harm.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }
}

/// A whole manifest, as `describe` gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Lower-case words joined by `-`.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// Which trait it implements.
    pub kind: Kind,
    /// One sentence: what the plugin does.
    pub summary: String,
    /// JSON Schema (2020-12) of the configuration.
    pub config_schema: String,
    /// For a step: JSON Schema of the input; else empty.
    pub input_schema: String,
    /// For a step: JSON Schema of the output; else empty.
    pub output_schema: String,
    /// What it asks for.
    pub capabilities: Vec<Capability>,
    /// Whether a call of unknown outcome may be repeated.
    pub idempotent: bool,
}

impl Manifest {
    pub(crate) fn new<Config: JsonSchema>(kind: Kind, about: About) -> Self {
        Self {
            name: about.name,
            version: about.version,
            kind,
            summary: about.summary,
            config_schema: schema::<Config>(true),
            input_schema: String::new(),
            output_schema: String::new(),
            capabilities: about.capabilities,
            idempotent: about.idempotent,
        }
    }

    pub(crate) fn with_io<Input: JsonSchema, Output: JsonSchema>(mut self) -> Self {
        self.input_schema = schema::<Input>(true);
        self.output_schema = schema::<Output>(false);
        self
    }
}

/// `incoming`: the schema of what is read, where fields with defaults are optional.
fn schema<T: JsonSchema>(incoming: bool) -> String {
    let settings = SchemaSettings::draft2020_12();
    let settings = if incoming { settings.for_deserialize() } else { settings.for_serialize() };
    settings.into_generator().into_root_schema_for::<T>().as_value().to_string()
}
