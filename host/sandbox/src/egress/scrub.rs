//! Taking secrets out of what comes back: as they are, and in the encodings
//! in which a place that echoes its request is likely to give them.
//!
//! This guards against echoes, not against a place that was given a secret
//! and wants to hand it on: that place can write it in any way it likes.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use memchr::memmem;
use wasmtime_wasi_http::Error;
use zeroize::Zeroizing;

use super::Body;

/// A value shorter than this is not looked for: it would be found everywhere.
pub(super) const SHORTEST: usize = 4;

#[derive(Clone)]
struct Pattern {
    bytes: Zeroizing<Vec<u8>>,
    instead: Vec<u8>,
}

/// What must not be seen, and what stands there instead.
#[derive(Clone, Default)]
pub(crate) struct Scrubber {
    /// Longer ones first: one may be part of another.
    patterns: Vec<Pattern>,
    known: HashSet<[u8; 32]>,
}

impl Scrubber {
    /// From now on the value is looked for, plain and encoded.
    pub(crate) fn add(&mut self, value: &[u8], instead: &str) {
        use sha2::Digest as _;
        if value.len() < SHORTEST || !self.known.insert(sha2::Sha256::digest(value).into()) {
            return;
        }
        for bytes in spellings(value) {
            if bytes.len() >= SHORTEST && !self.patterns.iter().any(|known| known.bytes == bytes) {
                self.patterns.push(Pattern { bytes, instead: instead.as_bytes().to_vec() });
            }
        }
        self.patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.bytes.len()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The bytes without what must not be seen.
    pub(crate) fn scrub(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        self.part(bytes, bytes.len(), &mut out);
        out
    }

    /// Scrubs matches that begin before `end`, writes out everything up to
    /// there, and says how many bytes that used up.
    fn part(&self, bytes: &[u8], end: usize, out: &mut Vec<u8>) -> usize {
        // Where each pattern is next; it is looked for again only when passed.
        let mut next: Vec<Option<usize>> = self.patterns.iter().map(|p| memmem::find(bytes, &p.bytes)).collect();
        let mut at = 0;
        loop {
            let mut first: Option<(usize, &Pattern)> = None;
            for (place, pattern) in next.iter_mut().zip(&self.patterns) {
                if place.is_some_and(|found| found < at) {
                    *place = memmem::find(&bytes[at..], &pattern.bytes).map(|found| found + at);
                }
                // The longest of those at the same place comes first.
                if let Some(found) = *place
                    && first.is_none_or(|(best, _)| found < best)
                {
                    first = Some((found, pattern));
                }
            }
            match first {
                Some((found, pattern)) if found < end => {
                    out.extend_from_slice(&bytes[at..found]);
                    out.extend_from_slice(&pattern.instead);
                    at = found + pattern.bytes.len();
                }
                _ => break,
            }
        }
        if at < end {
            out.extend_from_slice(&bytes[at..end]);
            at = end;
        }
        at
    }

    /// How much must be held back: a match may go on in what comes next.
    fn held(&self) -> usize {
        self.patterns.first().map_or(0, |pattern| pattern.bytes.len() - 1)
    }

    /// The headers without what must not be seen.
    pub(super) fn headers(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            let clean = self.scrub(value.as_bytes());
            if clean != value.as_bytes()
                && let Ok(clean) = http::HeaderValue::from_bytes(&clean)
            {
                *value = clean;
            }
        }
    }
}

/// The value as it is, percent-encoded, escaped as in JSON, hexadecimal, and
/// in base64 wherever it may begin within a longer text.
fn spellings(value: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    let percent = |upper: bool, keep: &dyn Fn(u8) -> bool| {
        let mut out = Zeroizing::new(Vec::with_capacity(value.len() * 3));
        for b in value {
            match (keep(*b), upper) {
                (true, _) => out.push(*b),
                (false, true) => out.extend_from_slice(format!("%{b:02X}").as_bytes()),
                (false, false) => out.extend_from_slice(format!("%{b:02x}").as_bytes()),
            }
        }
        out
    };
    let mut all = vec![Zeroizing::new(value.to_vec())];
    for upper in [true, false] {
        all.push(percent(upper, &plain));
        // As RFC 3986 lets it stand in a query or a path.
        all.push(percent(upper, &|b| plain(b) || b"!$&'()*+,;=:@/?".contains(&b)));
    }
    let form: Vec<u8> =
        percent(true, &|b| plain(b) || b == b' ').iter().map(|b| if *b == b' ' { b'+' } else { *b }).collect();
    all.push(Zeroizing::new(form));
    if let Ok(text) = std::str::from_utf8(value)
        && let Ok(quoted) = serde_json::to_string(text)
    {
        let quoted = Zeroizing::new(quoted.into_bytes());
        all.push(Zeroizing::new(quoted[1..quoted.len() - 1].to_vec()));
    }
    all.push(Zeroizing::new(hex::encode(value).into_bytes()));
    all.push(Zeroizing::new(hex::encode_upper(value).into_bytes()));
    for before in 0..3_usize {
        let mut padded = Zeroizing::new(vec![0; before]);
        padded.extend_from_slice(value);
        // Only the characters that the value alone decides.
        let (from, to) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        for engine in [STANDARD, URL_SAFE] {
            let encoded = Zeroizing::new(engine.encode(&*padded).into_bytes());
            all.push(Zeroizing::new(encoded[from..to].to_vec()));
        }
    }
    all
}

/// A body that passes through a scrubber.
pub(super) fn body(inner: Body, scrubber: Arc<Scrubber>) -> Body {
    use http_body_util::BodyExt as _;
    Scrubbed { inner, scrubber, waiting: Zeroizing::new(Vec::new()), ended: false }.boxed_unsync()
}

struct Scrubbed {
    inner: Body,
    scrubber: Arc<Scrubber>,
    /// What has come and may be the beginning of a match.
    waiting: Zeroizing<Vec<u8>>,
    ended: bool,
}

impl http_body::Body for Scrubbed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            if self.ended {
                return Poll::Ready(None);
            }
            let (end, trailers) = match std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        self.waiting.extend_from_slice(&data);
                        (self.waiting.len().saturating_sub(self.scrubber.held()), false)
                    }
                    // Trailers are not passed on: nobody needs them, and they may hold anything.
                    Err(_) => (self.waiting.len(), true),
                },
                None => {
                    self.ended = true;
                    (self.waiting.len(), true)
                }
            };
            let mut out = Vec::with_capacity(end);
            let used = self.scrubber.part(&self.waiting, end, &mut out);
            self.waiting.drain(..used);
            if !out.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from(out)))));
            }
            if trailers && self.ended {
                return Poll::Ready(None);
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || (self.waiting.is_empty() && self.inner.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, StreamBody};
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[&str]) -> Scrubber {
        let mut scrubber = Scrubber::default();
        for value in values {
            scrubber.add(value.as_bytes(), "*");
        }
        scrubber
    }

    #[test]
    fn what_must_not_be_seen_is_replaced_wherever_it_stands() {
        let scrubber = of(&["s3cret"]);
        assert_eq!(scrubber.scrub(b"a s3cret, s3crets3cret."), b"a *, **.");
        assert_eq!(scrubber.scrub(b"ss3cre"), b"ss3cre");
        assert_eq!(scrubber.scrub(b""), b"");
        assert_eq!(of(&["abc"]).scrub(b"abcabc"), b"abcabc", "too short to be looked for");
        assert_eq!(of(&["pass", "password"]).scrub(b"password pass"), b"* *", "the longer one first");
    }

    #[test]
    fn common_spellings_are_found() {
        let secret = "p@ss w\"rd/é+1";
        let scrubber = of(&[secret]);
        let basic = |user: &str| STANDARD.encode(format!("{user}:{secret}"));
        for text in [
            secret.to_owned(),
            "p%40ss%20w%22rd%2F%C3%A9%2B1".to_owned(),
            "p%40ss%20w%22rd%2f%c3%a9%2b1".to_owned(),
            "p%40ss+w%22rd%2F%C3%A9%2B1".to_owned(),
            serde_json::to_string(secret).unwrap(),
            hex::encode(secret),
            hex::encode_upper(secret),
        ] {
            let clean = scrubber.scrub(format!("<{text}>").as_bytes());
            assert!(clean.len() < 8, "{text}: {}", String::from_utf8_lossy(&clean));
        }
        for user in ["a", "ab", "abc", "abcd"] {
            let clean = String::from_utf8(scrubber.scrub(basic(user).as_bytes())).unwrap();
            assert!(clean.contains('*') && clean.len() < 14, "{user}: {clean}");
        }
    }

    proptest! {
        /// However a text is cut into pieces, it comes out as when it is whole,
        /// and the value is nowhere in it.
        #[test]
        fn cuts_do_not_matter(
            parts in prop::collection::vec(prop_oneof!["[a-d]{0,6}", Just("abcdabce".to_owned()), Just("abcd".to_owned())], 0..12),
            cuts in prop::collection::vec(1_usize..9, 0..60),
        ) {
            let text = parts.concat().into_bytes();
            let scrubber = Arc::new(of(&["abcdabce", "abcd"]));
            let whole = scrubber.scrub(&text);
            prop_assert!(memmem::find(&whole, b"abcd").is_none());
            let mut pieces = Vec::new();
            let mut rest = &text[..];
            for cut in cuts {
                let (piece, more) = rest.split_at(cut.min(rest.len()));
                pieces.push(Bytes::copy_from_slice(piece));
                rest = more;
            }
            pieces.push(Bytes::copy_from_slice(rest));
            let inner = StreamBody::new(futures::stream::iter(pieces.into_iter().map(|p| Ok(Frame::data(p)))));
            let scrubbed = body(inner.boxed_unsync(), scrubber).collect();
            let got = futures::executor::block_on(scrubbed).unwrap().to_bytes();
            prop_assert_eq!(got.to_vec(), whole);
        }
    }
}
