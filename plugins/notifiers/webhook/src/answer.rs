//! Whether a receiver that answered 2xx took the message: gateways of chat robots say in the answer's
//! body that they did not. A refusal is certain: nothing was shown to anybody.

use huiyin_sdk::Error;
use huiyin_sdk::http::Response;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Where a receiver's answer says whether the message was taken.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// JSON pointer into the answer, such as `/errcode`.
    pub at: String,
    /// What stands there where the message was taken.
    #[schemars(length(min = 1))]
    pub accepted: Vec<Code>,
    /// What stands there where it was refused for now: it is tried again after a minute, or after the
    /// answer's `retry-after`.
    #[serde(default)]
    pub busy: Vec<Code>,
}

/// A number, a text or a truth value in an answer; the text `"0"` is not the number 0.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Code {
    /// A whole number.
    Number(i64),
    /// A truth value.
    Truth(bool),
    /// A text.
    Text(String),
}

impl Code {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_i64().map(Self::Number),
            Value::Bool(truth) => Some(Self::Truth(*truth)),
            Value::String(text) => Some(Self::Text(text.clone())),
            _ => None,
        }
    }
}

impl Answer {
    /// What the types cannot say.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if !self.at.starts_with('/') {
            return Err(wrong("/answer/at", "a JSON pointer begins with /, such as /errcode"));
        }
        if self.accepted.is_empty() {
            return Err(wrong("/answer/accepted", "it is empty: nothing would ever count as delivered"));
        }
        if let Some(both) = self.busy.iter().position(|code| self.accepted.contains(code)) {
            return Err(wrong(&format!("/answer/busy/{both}"), "it stands under `accepted`, too"));
        }
        Ok(())
    }
}

fn wrong(pointer: &str, why: &str) -> Error {
    Error::InvalidConfig(format!("at {pointer}: {why}"))
}

/// DingTalk's 130101 and 410100, WeCom's 45009 and 45033, Feishu's 9499 and 11232: too much at once.
const BUSY: [i64; 6] = [130_101, 410_100, 45_009, 45_033, 9_499, 11_232];

/// The robot's own settings: DingTalk's 310000 (keyword, signature, address) and 300001 and 40035's kin,
/// WeCom's 93000 and 40014, Feishu's 19001, 19021, 19022 and 19024.
const SETTINGS: [i64; 8] = [310_000, 300_001, 93_000, 40_014, 19_001, 19_021, 19_022, 19_024];

/// Seconds to wait where the receiver names none: these gateways count by the minute.
const MINUTE: u32 = 60;

/// Ok where nothing says that the message was refused. `now` is in milliseconds since the Unix epoch; `said` writes what the receiver answered.
pub(crate) fn judge(
    answer: Option<&Answer>,
    response: &Response,
    now: u64,
    said: &dyn Fn() -> String,
) -> Result<(), Error> {
    let body: Option<Value> = serde_json::from_slice(&response.body).ok();
    let wait = || Error::RateLimited(response.retry_after(now).unwrap_or(MINUTE));
    let Some(answer) = answer else {
        return body.as_ref().and_then(usual).map_or(Ok(()), |code| match code {
            code if BUSY.contains(&code) => Err(wait()),
            // All three say of -1 that their system is busy and that nothing was done.
            -1 => Err(Error::Transient(refused(said))),
            code if SETTINGS.contains(&code) => Err(Error::InvalidConfig(refused(said))),
            _ => Err(Error::InvalidInput(refused(said))),
        });
    };
    let Some(code) = body.as_ref().and_then(|body| body.pointer(&answer.at)).and_then(Code::of) else {
        return Err(Error::Unknown(format!(
            "{}; at {} it does not say whether the message was taken",
            said(),
            answer.at
        )));
    };
    if answer.accepted.contains(&code) {
        Ok(())
    } else if answer.busy.contains(&code) {
        Err(wait())
    } else {
        Err(Error::InvalidInput(refused(said)))
    }
}

fn refused(said: &dyn Fn() -> String) -> String {
    format!("the receiver refused the message: {}", said())
}

/// The code of a refusal in an answer of the usual gateways.
fn usual(body: &Value) -> Option<i64> {
    let number = |name: &str| match body.get(name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let errcode = number("errcode").filter(|code| *code != 0);
    errcode.or_else(|| number("code").filter(|code| *code != 0 && !(200..=299).contains(code)))
}
