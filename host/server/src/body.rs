//! Reading a request's JSON body: bounded in size, in time and in what all bodies take together; strict, with the
//! place of what is wrong.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header;
use http_body_util::BodyExt as _;
use huiyin_json::depth;
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::problem::Problem;

/// What a body may have beside the largest payload, in bytes.
const BESIDE: u64 = 64 << 10;

/// The largest body that is read at once, in bytes.
const SHORT: usize = 64 << 10;

/// How long a body may take before its rate counts.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The least rate of a body after that, in bytes a second.
const BODY_RATE: u64 = 16 << 10;

/// Memory that all bodies together may take, read or being read, in KiB. Beyond it who sends a large one is told to
/// wait (rule 11).
const ROOM_KIB: usize = 384 << 10;

/// The largest body, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimit {
    pub(crate) bytes: usize,
    /// The most that its values may take in memory, in bytes.
    pub(crate) memory: u64,
}

impl BodyLimit {
    pub(crate) fn of(payload: huiyin_engine::value_limits::ValueLimits) -> BodyLimit {
        BodyLimit { bytes: max_body_bytes(payload), memory: payload.memory().saturating_add(BESIDE) }
    }
}

/// The largest body, in bytes: one payload and what stands around it.
pub fn max_body_bytes(payload: huiyin_engine::value_limits::ValueLimits) -> usize {
    usize::try_from(payload.value + BESIDE).unwrap_or(usize::MAX)
}

/// Room for large bodies, of which there is only so much for all requests.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Semaphore>);

impl Room {
    pub(crate) fn new() -> Room {
        Room(Arc::new(Semaphore::new(ROOM_KIB)))
    }
}

/// What one request has of the room, until it is answered.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    room: Room,
    taken: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
}

impl Share {
    pub(crate) fn of(room: &Room) -> Share {
        Share { room: room.clone(), taken: Arc::default() }
    }

    /// Takes room until the request has so many bytes of it; what is small counts for nothing.
    fn up_to(&self, bytes: u64) -> Result<(), Problem> {
        if bytes <= SHORT as u64 {
            return Ok(());
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let had = taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = usize::try_from(bytes >> 10).unwrap_or(usize::MAX).min(ROOM_KIB).saturating_sub(had);
        let Some(more) = u32::try_from(more).ok().filter(|more| *more > 0) else { return Ok(()) };
        let got = Arc::clone(&self.room.0).try_acquire_many_owned(more);
        let got = got.map_err(|_| Problem::from(huiyin_engine::Refusal::Busy))?;
        match taken.as_mut() {
            Some(permit) => permit.merge(got),
            None => *taken = Some(got),
        }
        Ok(())
    }
}

/// Gives each request its share of the room, and takes it back with the answer.
pub(crate) async fn share(
    axum::Extension(room): axum::Extension<Room>,
    mut request: Request,
    next: axum::middleware::Next,
) -> axum::response::Response {
    let share = Share::of(&room);
    request.extensions_mut().insert(share.clone());
    let answer = next.run(request).await;
    drop(share);
    answer
}

/// A JSON body.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned + Send + 'static, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if let Some(kind) = request.headers().get(header::CONTENT_TYPE) {
            let kind = String::from_utf8_lossy(kind.as_bytes());
            let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            if essence != "application/json" && !(essence.starts_with("application/") && essence.ends_with("+json")) {
                return Err(Problem::not_json(essence));
            }
        }
        let limits = Limits::of(&request);
        let bytes = bytes_within(request, limits.limit.bytes).await?;
        parse_any(bytes, &limits).await.map(Json)
    }
}

/// What a request's body is held to.
pub(crate) struct Limits {
    pub(crate) limit: BodyLimit,
    share: Option<Share>,
}

impl Limits {
    pub(crate) fn of(request: &Request) -> Limits {
        let usual = BodyLimit { bytes: SHORT, memory: SHORT as u64 * huiyin_flow::MEMORY };
        Limits {
            limit: request.extensions().get::<BodyLimit>().copied().unwrap_or(usual),
            share: request.extensions().get::<Share>().cloned(),
        }
    }
}

/// The whole body, of at most so many bytes.
pub(crate) async fn bytes_within(request: Request, most: usize) -> Result<Bytes, Problem> {
    let share = request.extensions().get::<Share>().cloned();
    let mut whole = Vec::new();
    let mut parts = Parts::of(request, most, Problem::too_large)?;
    while let Some(part) = parts.next().await? {
        if let Some(share) = &share {
            share.up_to((whole.len() + part.len()) as u64)?;
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole.into())
}

/// A body part by part: of at most so many bytes, and not slower than the least rate.
pub(crate) struct Parts {
    body: Body,
    most: usize,
    began: Instant,
    read: usize,
    /// What a larger one is told.
    larger: fn(usize) -> Problem,
}

impl Parts {
    /// Refuses at once a body that says itself that it is too large.
    pub(crate) fn of(request: Request, most: usize, larger: fn(usize) -> Problem) -> Result<Parts, Problem> {
        let said =
            request.headers().get(header::CONTENT_LENGTH).and_then(|said| said.to_str().ok()?.parse::<u64>().ok());
        let body = request.into_body();
        if said.is_some_and(|bytes| bytes > most as u64) {
            return Err(larger(most));
        }
        Ok(Parts { body, most, began: Instant::now(), read: 0, larger })
    }

    /// The next part; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        let end = self.began + BODY_TIME + Duration::from_secs(self.read as u64 / BODY_RATE);
        let Ok(frame) = timeout_at(end, self.body.frame()).await else { return Err(Problem::too_slow(BODY_RATE)) };
        let part = match frame {
            None => return Ok(None),
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
            Some(Err(error)) => return Err(Problem::invalid(format_args!("the body broke off: {error}"))),
        };
        self.read += part.len();
        if self.read > self.most {
            return Err((self.larger)(self.most));
        }
        Ok(Some(part))
    }
}

/// Reads JSON strictly; a large one on a thread that may take its time, since deadlines need this one, and only
/// where what it takes in memory is allowed and there is room for it.
pub(crate) async fn parse_any<T: DeserializeOwned + Send + 'static>(
    bytes: Bytes,
    limits: &Limits,
) -> Result<T, Problem> {
    if bytes.len() <= SHORT {
        return parse(&bytes);
    }
    let (share, most) = (limits.share.clone(), limits.limit.memory);
    let parsed = tokio::task::spawn_blocking(move || {
        let memory = huiyin_flow::memory_of_text(&bytes);
        if memory > most {
            return Err(Problem::too_dense(memory, most));
        }
        if let Some(share) = share {
            share.up_to(memory.saturating_add(bytes.len() as u64))?;
        }
        parse(&bytes)
    });
    parsed.await.unwrap_or_else(|_| Err(Problem::internal("the body could not be read")))
}

/// Reads JSON strictly.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let levels = depth::of_text(bytes);
        if error.inner().is_syntax() && levels > depth::RECORD {
            // The reader's own word for it speaks of recursion.
            let most = depth::VALUE;
            return Problem::invalid_at("", format_args!("nests {levels} levels deep; a value may nest {most}"));
        }
        Problem::invalid_at(pointer(error.path()), error.inner())
    })?;
    reader.end().map_err(|error| Problem::invalid_at("", error))?;
    Ok(value)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter().fold(String::new(), |mut out, segment| {
        out.push('/');
        match segment {
            Segment::Seq { index } => out.push_str(&index.to_string()),
            Segment::Map { key } => out.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => out.push_str(variant),
            Segment::Unknown => out.push('?'),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// A body of so many parts, one each so many seconds.
    fn slow(parts: usize, bytes: usize, seconds: u64) -> Body {
        let parts = futures::stream::unfold(0, move |n| async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            (n < parts).then(|| (Ok::<_, Infallible>(Bytes::from(vec![b' '; bytes])), n + 1))
        });
        Body::from_stream(parts)
    }

    async fn read(body: Body) -> Result<usize, u16> {
        let read = async {
            let (mut parts, mut read) = (Parts::of(Request::new(body), 16 << 20, Problem::too_large)?, 0);
            while let Some(part) = parts.next().await? {
                read += part.len();
            }
            Ok::<_, Problem>(read)
        };
        read.await.map_err(|problem| problem.code().as_u16())
    }

    #[tokio::test(start_paused = true)]
    async fn host_18_a_body_that_trickles_is_given_up_and_a_slow_line_is_not() {
        let began = Instant::now();
        assert_eq!(read(slow(usize::MAX, 1, 1)).await, Err(408));
        assert_eq!(began.elapsed().as_secs(), 30);
        // At half the least rate the time that was given at first is used up in the end.
        assert_eq!(read(slow(usize::MAX, 8 << 10, 1)).await, Err(408));
        // Thrice the least rate, for minutes.
        assert_eq!(read(slow(200, 48 << 10, 1)).await, Ok(200 * (48 << 10)));
        assert_eq!(read(slow(2, 9 << 20, 1)).await, Err(413));
    }

    #[tokio::test]
    async fn host_05_all_bodies_together_have_so_much_room_and_give_it_back() {
        let room = Room::new();
        let (first, second) = (Share::of(&room), Share::of(&room));
        let half = (ROOM_KIB as u64) << 9;
        first.up_to(1 << 20).unwrap();
        first.up_to(half).unwrap();
        second.up_to(half).unwrap();
        let third = Share::of(&room);
        assert_eq!(third.up_to(1 << 20).unwrap_err().code().as_u16(), 429);
        third.up_to(SHORT as u64).unwrap();
        drop(first);
        third.up_to(half).unwrap();
    }
}
