//! What one call has done outside: counted, bounded, and remembered for its
//! error. Shared by the tasks of the call's requests.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use wasmtime_wasi_http::Error;

use crate::error::Effect;
use crate::grant::Denial;
use crate::limits::{LimitHit, LimitName, Limits};

/// What stood in the way of a request, kept for the call's error.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// It is not allowed.
    Denied(Denial),
    /// It was too much.
    Limit(LimitHit),
    /// It took too long. A plugin may cope with that: its own answer counts.
    Late(LimitHit),
    /// Too many at once, or too fast.
    Paced(Paced),
    /// The way out is not well: what is wrong, for the admin.
    Way(String),
}

/// Too many requests at once, or too fast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paced {
    /// Whose requests, and which setting holds them back.
    pub what: String,
    /// When to try again, in seconds from now; at least 1.
    pub seconds: u32,
}

impl std::fmt::Display for Paced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; try again in {} s", self.what, self.seconds)
    }
}

/// What one call has done outside.
#[derive(Debug)]
pub(crate) struct Traffic {
    /// Bytes have gone out, or a file was written.
    touched: AtomicBool,
    requests: AtomicU64,
    request_bytes: AtomicU64,
    response_bytes: AtomicU64,
    decoded_bytes: AtomicU64,
    refusals: Mutex<Vec<Refusal>>,
    pub(super) limits: Limits,
    /// When the call's wall time is over.
    pub(super) deadline: Instant,
}

/// Kept of one call; a hostile guest may collect millions.
const KEPT_REFUSALS: usize = 16;

impl Traffic {
    pub(crate) fn new(limits: &Limits, deadline: Instant) -> Arc<Self> {
        Arc::new(Self {
            touched: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            request_bytes: AtomicU64::new(0),
            response_bytes: AtomicU64::new(0),
            decoded_bytes: AtomicU64::new(0),
            refusals: Mutex::new(Vec::new()),
            limits: limits.clone(),
            deadline,
        })
    }

    pub(crate) fn touch(&self) {
        self.touched.store(true, Ordering::Release);
    }

    pub(crate) fn effect(&self) -> Effect {
        if self.touched.load(Ordering::Acquire) { Effect::Unknown } else { Effect::NotDone }
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn request_bytes(&self) -> u64 {
        self.request_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn response_bytes(&self) -> u64 {
        self.response_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn refuse(&self, refusal: Refusal) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.len() < KEPT_REFUSALS {
            refusals.push(refusal);
        }
    }

    pub(crate) fn refusals(&self) -> Vec<Refusal> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn denied(&self, denial: Denial) -> Error {
        self.refuse(Refusal::Denied(denial));
        Error::HttpRequestDenied
    }

    pub(super) fn over(&self, limit: LimitName, allowed: u64, used: Option<u64>) {
        self.refuse(Refusal::Limit(LimitHit { limit, allowed, used }));
    }

    /// The time of a limit is up; what the guest itself asked for is its own affair.
    pub(super) fn late(&self, wait: &Wait) {
        if let Some(limit) = wait.limit {
            let allowed = u64::try_from(wait.time.as_millis()).unwrap_or(u64::MAX);
            self.refuse(Refusal::Late(LimitHit { limit, allowed, used: None }));
        }
    }

    /// Counts one more request; an error when there are too many.
    pub(super) fn count_request(&self) -> Result<(), Error> {
        let used = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let allowed = self.limits.http_requests;
        if used > allowed {
            self.over(LimitName::HttpRequests, allowed, Some(used));
            return Err(Error::HttpRequestDenied);
        }
        Ok(())
    }

    pub(super) fn count_request_bytes(&self, more: u64) -> Result<(), Error> {
        let used = self.request_bytes.fetch_add(more, Ordering::Relaxed) + more;
        let allowed = self.limits.request_bytes;
        if used > allowed {
            self.over(LimitName::RequestBytes, allowed, Some(used));
            return Err(Error::HttpRequestBodySize(Some(allowed)));
        }
        Ok(())
    }

    /// Counts what came over the wire.
    pub(super) fn count_response_bytes(&self, more: u64) -> Result<(), Error> {
        self.count_answer(&self.response_bytes, more)
    }

    /// Counts what became of it when it was decompressed.
    pub(super) fn count_decoded_bytes(&self, more: u64) -> Result<(), Error> {
        self.count_answer(&self.decoded_bytes, more)
    }

    fn count_answer(&self, counter: &AtomicU64, more: u64) -> Result<(), Error> {
        let used = counter.fetch_add(more, Ordering::Relaxed) + more;
        let allowed = self.limits.response_bytes;
        if used > allowed {
            self.over(LimitName::ResponseBytes, allowed, Some(used));
            return Err(Error::HttpResponseBodySize(Some(allowed)));
        }
        Ok(())
    }
}

/// How long something may take, and which limit says so; none where the guest
/// itself asked for less.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait {
    pub(super) time: Duration,
    pub(super) limit: Option<LimitName>,
}

impl Wait {
    /// The limit, or less where the guest asks for less.
    pub(super) fn new(limit: LimitName, allowed_ms: u64, asked: Option<Duration>) -> Self {
        let allowed = Duration::from_millis(allowed_ms);
        match asked {
            Some(asked) if asked < allowed => Self { time: asked, limit: None },
            _ => Self { time: allowed, limit: Some(limit) },
        }
    }
}
