//! An alert, and what a message may say of it under `data.cap`.

use schemars::JsonSchema;
use serde::Deserialize;

/// How an alert is meant (CAP 1.2 §3.2.1 status).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Status {
    /// For all who are warned.
    #[default]
    Actual,
    /// Only for those who take part in an exercise; `note` names it.
    Exercise,
    /// For the network itself.
    System,
    /// To be left unread.
    Test,
    /// Not to be acted on.
    Draft,
}

impl Status {
    /// The word of the standard.
    pub fn word(self) -> &'static str {
        match self {
            Self::Actual => "Actual",
            Self::Exercise => "Exercise",
            Self::System => "System",
            Self::Test => "Test",
            Self::Draft => "Draft",
        }
    }
}

/// What an alert is to an earlier one (§3.2.1 msgType).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum MsgType {
    /// The first of its event.
    #[default]
    Alert,
    /// Takes the place of the earlier ones.
    Update,
    /// Takes the earlier ones back.
    Cancel,
    /// Acknowledges them.
    Ack,
    /// Says that they were refused; `note` says why.
    Error,
}

impl MsgType {
    /// The word of the standard.
    pub fn word(self) -> &'static str {
        match self {
            Self::Alert => "Alert",
            Self::Update => "Update",
            Self::Cancel => "Cancel",
            Self::Ack => "Ack",
            Self::Error => "Error",
        }
    }
}

/// Whom an alert is for (§3.2.1 scope).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Scope {
    /// Everybody.
    #[default]
    Public,
    /// Whoever meets `restriction`.
    Restricted,
    /// The recipients alone.
    Private,
}

impl Scope {
    /// The word of the standard.
    pub fn word(self) -> &'static str {
        match self {
            Self::Public => "Public",
            Self::Restricted => "Restricted",
            Self::Private => "Private",
        }
    }
}

/// What kind of event (§3.2.2 category).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Category {
    /// Ground: landslide, earthquake.
    Geo,
    /// Weather, flood.
    Met,
    /// Danger to the public.
    Safety,
    /// Police, military.
    Security,
    /// Rescue.
    Rescue,
    /// Fire.
    Fire,
    /// Health.
    Health,
    /// Environment.
    Env,
    /// Transport.
    Transport,
    /// Utilities.
    Infra,
    /// Chemical, biological, radiological, nuclear, explosive.
    CBRNE,
    /// Any other.
    Other,
}

impl Category {
    /// The word of the standard.
    pub fn word(self) -> &'static str {
        match self {
            Self::Geo => "Geo",
            Self::Met => "Met",
            Self::Safety => "Safety",
            Self::Security => "Security",
            Self::Rescue => "Rescue",
            Self::Fire => "Fire",
            Self::Health => "Health",
            Self::Env => "Env",
            Self::Transport => "Transport",
            Self::Infra => "Infra",
            Self::CBRNE => "CBRNE",
            Self::Other => "Other",
        }
    }
}

/// What to do (§3.2.2 responseType).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Response {
    /// Take shelter.
    Shelter,
    /// Leave.
    Evacuate,
    /// Prepare.
    Prepare,
    /// Do as was planned.
    Execute,
    /// Keep away.
    Avoid,
    /// Follow the news.
    Monitor,
    /// Judge what is known.
    Assess,
    /// The danger is over.
    AllClear,
    /// Nothing.
    None,
}

impl Response {
    /// The word of the standard.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shelter => "Shelter",
            Self::Evacuate => "Evacuate",
            Self::Prepare => "Prepare",
            Self::Execute => "Execute",
            Self::Avoid => "Avoid",
            Self::Monitor => "Monitor",
            Self::Assess => "Assess",
            Self::AllClear => "AllClear",
            Self::None => "None",
        }
    }
}

/// How soon (§3.2.2 urgency).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Urgency {
    /// At once.
    Immediate,
    /// Within the hour.
    Expected,
    /// Soon.
    Future,
    /// No more.
    Past,
    /// Not known.
    Unknown,
}

impl Urgency {
    /// The word of the standard.
    pub fn word(self) -> &'static str {
        match self {
            Self::Immediate => "Immediate",
            Self::Expected => "Expected",
            Self::Future => "Future",
            Self::Past => "Past",
            Self::Unknown => "Unknown",
        }
    }
}

/// How grave (§3.2.2 severity); from the message's level unless told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Severity {
    /// Ⅰ 特别重大.
    Extreme,
    /// Ⅱ 重大.
    Severe,
    /// Ⅲ 较大.
    Moderate,
    /// Ⅳ 一般.
    Minor,
    /// Not known.
    Unknown,
}

impl Severity {
    /// The word of the standard.
    pub fn word(self) -> &'static str {
        match self {
            Self::Extreme => "Extreme",
            Self::Severe => "Severe",
            Self::Moderate => "Moderate",
            Self::Minor => "Minor",
            Self::Unknown => "Unknown",
        }
    }
}

/// How sure (§3.2.2 certainty).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Certainty {
    /// It happened or is happening.
    Observed,
    /// More than half.
    Likely,
    /// Up to half.
    Possible,
    /// Not expected.
    Unlikely,
    /// Not known.
    Unknown,
}

impl Certainty {
    /// The word of the standard.
    pub fn word(self) -> &'static str {
        match self {
            Self::Observed => "Observed",
            Self::Likely => "Likely",
            Self::Possible => "Possible",
            Self::Unlikely => "Unlikely",
            Self::Unknown => "Unknown",
        }
    }
}

/// An alert that went before (§3.2.1 references).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Its sender.
    pub sender: String,
    /// Its identifier.
    pub identifier: String,
    /// Its time, as it stands there.
    pub sent: String,
}

/// Where (§3.2.4).
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Area {
    /// In words: 青枫县老鹰岩林区.
    pub description: String,
    /// Codes of GB/T 2260, 6 to 12 digits.
    #[serde(default)]
    pub regions: Vec<String>,
    /// Rings of points, each latitude first, in degrees of WGS 84; the last point is the first.
    #[serde(default)]
    pub polygons: Vec<Vec<[f64; 2]>>,
    /// Circles: latitude, longitude, radius in kilometres.
    #[serde(default)]
    pub circles: Vec<[f64; 3]>,
}

/// What a message says under `data.cap`; all of it may be left out.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Cap {
    /// Alert unless told.
    pub msg_type: MsgType,
    /// The earlier alerts, for anything but Alert.
    pub references: Vec<Reference>,
    /// The number of this alert among those of the same second, 0 to 9.
    pub sequence: u8,
    /// Instead of the configuration's.
    pub category: Option<Category>,
    /// Instead of the configuration's.
    pub event: Option<String>,
    /// Instead of the configuration's.
    pub event_code: Option<String>,
    /// Unknown unless told.
    pub urgency: Option<Urgency>,
    /// From `data.level` unless told.
    pub severity: Option<Severity>,
    /// Unknown unless told.
    pub certainty: Option<Certainty>,
    /// From when it holds.
    pub effective: Option<String>,
    /// When it is expected to begin.
    pub onset: Option<String>,
    /// Until when it holds.
    pub expires: Option<String>,
    /// What to do.
    pub response: Vec<Response>,
    /// What to do, in words.
    pub instruction: Option<String>,
    /// Whom to ask.
    pub contact: Option<String>,
    /// Why an alert is none any more, or which exercise.
    pub note: Option<String>,
    /// For whom, where the scope is Restricted.
    pub restriction: Option<String>,
    /// Where, instead of the configuration's.
    pub areas: Vec<Area>,
}

/// An alert with one block of information, in the order of the standard.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names are the standard's; §3.2 says what each is")]
pub struct Alert {
    pub identifier: String,
    pub sender: String,
    pub sent: String,
    pub status: Status,
    pub msg_type: MsgType,
    pub scope: Scope,
    pub restriction: Option<String>,
    pub addresses: Vec<String>,
    pub note: Option<String>,
    pub references: Vec<Reference>,
    pub incidents: Option<String>,
    pub category: Category,
    pub event: String,
    pub response: Vec<Response>,
    pub urgency: Urgency,
    pub severity: Severity,
    pub certainty: Certainty,
    pub event_code: Option<String>,
    pub effective: Option<String>,
    pub onset: Option<String>,
    pub expires: Option<String>,
    pub sender_name: String,
    pub headline: String,
    pub description: String,
    pub instruction: Option<String>,
    pub web: Option<String>,
    pub contact: Option<String>,
    pub colour: Option<String>,
    pub areas: Vec<Area>,
}
