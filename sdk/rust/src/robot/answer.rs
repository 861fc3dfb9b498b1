//! What a robot's answer of 200 says in its body.

use serde_json::Value;

use crate::Error;
use crate::http::Response;
use crate::outcome;

/// What a robot's codes mean, from its maker's pages.
#[derive(Debug, Clone, Copy)]
pub struct Codes {
    /// Where the code stands: `errcode`, `code`.
    pub at: &'static str,
    /// Too fast: nothing was done, and it may be done after so many seconds.
    pub busy: &'static [i64],
    /// How long to wait then.
    pub busy_seconds: u32,
    /// The robot's own settings: key, signature, addresses, keywords, a robot that was taken away.
    pub settings: &'static [i64],
    /// The service itself is busy and did nothing.
    pub system: &'static [i64],
}

/// Ok where the robot took the message. `now` is the call's time in milliseconds since the Unix epoch.
///
/// # Errors
/// By status as [`outcome::of_status`]; by code as [`Codes`] says, any other being [`Error::InvalidInput`]. An answer
/// of 200 without a code is [`Error::Unknown`]; one that asks to slow down (`"punish": "deny"`, with `wait` in
/// seconds) is [`Error::RateLimited`].
pub fn judge(url: &str, response: &Response, now: u64, codes: &Codes) -> Result<(), Error> {
    let said = || outcome::said(url, response);
    let body: Value = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
    let code = match body.get(codes.at) {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    // Some refuse with a status beside the code: the code says more.
    if let Some(code) = code.filter(|code| *code != 0) {
        if codes.busy.contains(&code) || said_too_fast(&body) {
            return Err(Error::RateLimited(
                response.retry_after(now).or(reset(response)).unwrap_or(codes.busy_seconds),
            ));
        }
        let refused = format!("the robot refused the message: {}", said());
        return Err(match code {
            code if codes.settings.contains(&code) => Error::InvalidConfig(refused),
            code if codes.system.contains(&code) => Error::Transient(refused),
            _ => Error::InvalidInput(refused),
        });
    }
    if response.status == 429 {
        return Err(Error::RateLimited(response.retry_after(now).or(reset(response)).unwrap_or(codes.busy_seconds)));
    }
    outcome::of_status(response, now, &said)?;
    if code == Some(0) {
        return Ok(());
    }
    if body.get("punish").and_then(Value::as_str) == Some("deny") {
        let wait = body.get("wait").and_then(Value::as_u64).and_then(|wait| u32::try_from(wait).ok());
        return Err(Error::RateLimited(wait.unwrap_or(codes.busy_seconds).clamp(1, 86_400)));
    }
    Err(Error::Unknown(format!("{}; it does not say in `{}` whether the message was taken", said(), codes.at)))
}

/// A code that means two things is told apart by its words.
fn said_too_fast(body: &Value) -> bool {
    ["msg", "errmsg"].iter().filter_map(|name| body.get(name)?.as_str()).any(|words| {
        let words = words.to_ascii_lowercase();
        words.contains("too many request") || words.contains("frequency limit") || words.contains("send too fast")
    })
}

/// Seconds until a limit ends, as Feishu's gateway says.
fn reset(response: &Response) -> Option<u32> {
    response.header("x-ogw-ratelimit-reset")?.trim().parse().ok().filter(|seconds| (1..=86_400).contains(seconds))
}
