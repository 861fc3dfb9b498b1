//! What a policy pack says about a clock. A rule is checked when it is read, so that a running clock meets no
//! surprise.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::allowance::{Allowance, AllowanceError, parse_duration};
use crate::zone::Zone;

/// The moment of a case from which a clock counts (clause 1a names the times a case carries).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// 事发: when the matter happened. The strict reading wherever a text names no starting point.
    OccurredAt,
    /// 发现: when it was found.
    DiscoveredAt,
    /// When the case was opened at the desk.
    OpenedAt,
    /// When a message, call or request came in.
    ReceivedAt,
    /// 上报.
    ReportedAt,
    /// 研判.
    AssessedAt,
    /// 核实.
    VerifiedAt,
    /// 处置.
    HandledAt,
    /// 发布.
    PublishedAt,
    /// 回应.
    AnsweredAt,
    /// When a task, order or warning was handed over.
    AssignedAt,
}

/// When to warn before the due time. In JSON and text: `"80%"` of the time from anchor to due has gone, or
/// `"PT15M"` before the due time (`"-PT15M"` says the same).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Warning {
    /// This much of the time has gone, in percent, 1 to 99.
    Percent(u8),
    /// This long before the due time.
    Before(SignedDuration),
}

/// A text that is no warning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WarningError {
    /// A percentage outside of 1–99.
    #[error(
        "\"{0}\" is no warning: write a percentage from \"1%\" to \"99%\", or the time before the due time as \"PT15M\""
    )]
    Percent(String),
    /// A duration that cannot be read.
    #[error("{0}, or a share of the time as \"80%\"")]
    Before(#[from] AllowanceError),
}

impl Warning {
    /// The instant of the warning for a clock that runs from `anchor` to `due`; never before the anchor.
    pub fn at(&self, anchor: Timestamp, due: Timestamp) -> Timestamp {
        let at = match *self {
            Self::Percent(percent) => {
                let whole = due.duration_since(anchor).as_nanos();
                anchor
                    .as_nanosecond()
                    .checked_add(whole / 100 * i128::from(percent) + whole % 100 * i128::from(percent) / 100)
                    .and_then(|at| Timestamp::from_nanosecond(at).ok())
            }
            Self::Before(duration) => due.checked_sub(duration).ok(),
        };
        at.unwrap_or(anchor).max(anchor)
    }
}

impl FromStr for Warning {
    type Err = WarningError;

    fn from_str(text: &str) -> Result<Self, WarningError> {
        match text.strip_suffix('%') {
            Some(percent) => match percent.parse::<u8>() {
                Ok(n @ 1..=99) if n.to_string() == percent => Ok(Self::Percent(n)),
                _ => Err(WarningError::Percent(text.to_owned())),
            },
            None => Ok(Self::Before(parse_duration(text.strip_prefix('-').unwrap_or(text))?)),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Before(duration) => write!(f, "{duration}"),
        }
    }
}

impl TryFrom<String> for Warning {
    type Error = WarningError;
    fn try_from(text: String) -> Result<Self, WarningError> {
        text.parse()
    }
}

impl From<Warning> for String {
    fn from(warning: Warning) -> Self {
        warning.to_string()
    }
}

/// Why a clock may stand still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PauseKind {
    /// 征求意见: others are consulted, and that time is not counted (政府信息公开条例 art. 33).
    Consulting,
    /// 补正: whoever asked has to say more first.
    Supplement,
    /// Something else, as the reason says.
    Other,
}

impl PauseKind {
    /// The name people read.
    pub fn zh(self) -> &'static str {
        match self {
            Self::Consulting => "征求意见",
            Self::Supplement => "等待补正",
            Self::Other => "其他",
        }
    }
}

/// The figures of a rule, given to a clock that runs already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revised {
    /// How long there is.
    pub allowance: Allowance,
    /// The calendar's id.
    pub calendar: String,
    /// When to warn.
    pub warnings: Vec<Warning>,
    /// Whether it may be paused.
    pub pausable: bool,
    /// The text the figure comes from.
    pub source: String,
}

/// A clock as a policy pack describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockRule {
    /// Its name in the pack.
    pub id: String,
    /// How long there is.
    pub allowance: Allowance,
    /// From when it counts.
    pub anchor: Anchor,
    /// The id of the calendar that says which days are worked.
    #[serde(default = "cn")]
    pub calendar: String,
    /// The zone whose days are counted.
    #[serde(default)]
    pub zone: Zone,
    /// When to warn.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// Whether it may be paused. The one-hour report (clause 5e) may not.
    #[serde(default)]
    pub pausable: bool,
    /// The text the figure comes from.
    pub source: String,
}

fn cn() -> String {
    "cn".to_owned()
}

/// A rule that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A name or a source is empty.
    #[error("clock rule \"{rule}\": \"{field}\" is empty; {hint}")]
    Empty {
        /// The rule.
        rule: String,
        /// The field, as in the JSON.
        field: &'static str,
        /// What to write there.
        hint: &'static str,
    },
    /// The same warning stands there twice.
    #[error("clock rule \"{rule}\": the warning {warning} stands there twice; remove one")]
    TwiceWarned {
        /// The rule.
        rule: String,
        /// The warning.
        warning: Warning,
    },
    /// A warning that lies before the start.
    #[error(
        "clock rule \"{rule}\": a warning {warning} before the end cannot come within an allowance of {allowance}; make it shorter than the allowance"
    )]
    TooEarly {
        /// The rule.
        rule: String,
        /// The warning.
        warning: Warning,
        /// The allowance.
        allowance: Allowance,
    },
}

impl ClockRule {
    /// Checks what the JSON form alone cannot.
    pub fn check(&self) -> Result<(), RuleError> {
        let rule = || self.id.clone();
        for (field, text, hint) in [
            ("id", &self.id, "give the rule a name"),
            ("calendar", &self.calendar, "name a calendar, such as \"cn\""),
            ("source", &self.source, "cite the clause or notice the figure comes from"),
        ] {
            if text.trim().is_empty() {
                return Err(RuleError::Empty { rule: rule(), field, hint });
            }
        }
        let mut seen = BTreeSet::new();
        for warning in &self.warnings {
            if !seen.insert(*warning) {
                return Err(RuleError::TwiceWarned { rule: rule(), warning: *warning });
            }
            let whole = match self.allowance {
                Allowance::Elapsed(whole) => Some(whole),
                Allowance::WorkingMinutes(minutes) => Some(SignedDuration::from_mins(i64::from(minutes))),
                Allowance::WorkingDays(_) => None,
            };
            if let (Warning::Before(before), Some(whole)) = (warning, whole)
                && *before >= whole
            {
                return Err(RuleError::TooEarly { rule: rule(), warning: *warning, allowance: self.allowance });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rule(value: serde_json::Value) -> Result<ClockRule, String> {
        let rule: ClockRule = serde_json::from_value(value).map_err(|e| e.to_string())?;
        rule.check().map_err(|e| e.to_string())?;
        Ok(rule)
    }

    #[test]
    fn a_short_rule_gets_the_strict_defaults() {
        let rule =
            rule(json!({"id": "flash-report", "allowance": "PT1H", "anchor": "occurred_at", "source": "clause 5e"}))
                .unwrap();
        assert!(!rule.pausable && rule.warnings.is_empty());
        assert_eq!((rule.calendar.as_str(), rule.zone.name()), ("cn", "Asia/Shanghai"));
    }

    #[test]
    fn rules_that_cannot_be_are_refused_with_the_reason() {
        let base = json!({"id": "r", "allowance": "PT1H", "anchor": "occurred_at", "source": "s"});
        for (field, value, expected) in [
            ("source", json!(""), "cite the clause"),
            ("id", json!(" "), "give the rule a name"),
            ("warnings", json!(["80%", "80%"]), "stands there twice"),
            ("warnings", json!(["PT1H"]), "shorter than the allowance"),
            ("warnings", json!(["100%"]), "\"1%\" to \"99%\""),
            ("warnings", json!(["080%"]), "\"1%\" to \"99%\""),
            ("warnings", json!(["soon"]), "80%"),
            ("anchor", json!("whenever"), "unknown variant"),
            ("allowance", json!("P1M"), "no fixed length"),
            ("zone", json!("Mars"), "no time zone"),
            ("pauseable", json!(true), "unknown field"),
        ] {
            let mut bad = base.clone();
            bad[field] = value;
            let error = rule(bad).unwrap_err();
            assert!(error.contains(expected), "{field}: {error}");
        }
    }

    #[test]
    fn a_share_of_the_time_and_a_time_before_the_end() {
        let anchor: Timestamp = "2024-01-01T00:00:00Z".parse().unwrap();
        let due: Timestamp = "2024-01-01T01:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Warning>().unwrap().at(anchor, due).to_string();
        assert_eq!(at("50%"), "2024-01-01T00:30:00Z");
        assert_eq!(at("PT15M"), "2024-01-01T00:45:00Z");
        assert_eq!(at("-PT15M"), "2024-01-01T00:45:00Z");
        assert_eq!(at("PT2H"), "2024-01-01T00:00:00Z");
    }
}
