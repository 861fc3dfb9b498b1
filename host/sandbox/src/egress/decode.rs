//! Decompressing answers (RFC 9110 §8.4), with bounds: the host asks for
//! `gzip, deflate, br` itself, and plugins and workflows see the plain body.
//! A small answer must not become a large one: what comes out counts against
//! `response_bytes`, and may be only so many times larger than what came in.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use async_compression::tokio::bufread::{BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder};
use bytes::Bytes;
use futures::TryStreamExt as _;
use http::{HeaderMap, header};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt as _, BodyStream};
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};
use tokio_util::io::StreamReader;
use wasmtime_wasi_http::Error;

use super::Body;
use super::traffic::Traffic;
use crate::limits::LimitName;

/// What the host asks for.
pub(super) const ACCEPTED: &str = "gzip, deflate, br";

/// So much may come of any answer, however small it was.
const FREE: u64 = 1 << 20;

/// Read at once.
const PIECE: usize = 16 << 10;

/// The codings that are undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    Brotli,
}

/// The coding of an answer; none where it has none, several, or one that the
/// host does not know: such a body is passed on as it is, with its header.
pub(super) fn coding(headers: &HeaderMap) -> Option<Coding> {
    let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
    let value = values.next()?.to_str().ok()?.trim().to_ascii_lowercase();
    if values.next().is_some() {
        return None;
    }
    match value.as_str() {
        "gzip" | "x-gzip" => Some(Coding::Gzip),
        "deflate" => Some(Coding::Deflate),
        "br" => Some(Coding::Brotli),
        _ => None,
    }
}

/// The body without its coding. `wire` counts what has come in of it.
pub(super) fn body(inner: Body, coding: Coding, wire: Arc<AtomicU64>, traffic: Arc<Traffic>) -> Body {
    // Trailers are not passed on: they speak of the coded body.
    let data = BodyStream::new(inner)
        .try_filter_map(|frame| std::future::ready(Ok(frame.into_data().ok())))
        .map_err(std::io::Error::other);
    let reader = StreamReader::new(data);
    let reader: Pin<Box<dyn AsyncRead + Send>> = match coding {
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(reader);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        Coding::Deflate => Box::pin(Deflate::Unknown(Some(Box::pin(reader)))),
        Coding::Brotli => Box::pin(BrotliDecoder::new(reader)),
    };
    Decoded { reader, wire, out: 0, traffic, ended: false }.boxed_unsync()
}

type Coded = Pin<Box<dyn AsyncBufRead + Send>>;

/// `deflate` is zlib (RFC 9110 §8.4.1.2); some servers send it without zlib's
/// header, which the first byte tells.
enum Deflate {
    Unknown(Option<Coded>),
    Zlib(ZlibDecoder<Coded>),
    Raw(DeflateDecoder<Coded>),
}

impl AsyncRead for Deflate {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        loop {
            match &mut *self {
                Self::Unknown(reader) => {
                    let Some(there) = reader else { return Poll::Ready(Ok(())) };
                    // The method is 8 in the lower half (RFC 1950 §2.2); no block of
                    // RFC 1951 that encoders write begins so.
                    let first = ready!(there.as_mut().poll_fill_buf(cx))?.first().copied();
                    let Some(reader) = reader.take() else { return Poll::Ready(Ok(())) };
                    *self = match first {
                        Some(byte) if byte & 0x8f != 8 => Self::Raw(DeflateDecoder::new(reader)),
                        _ => Self::Zlib(ZlibDecoder::new(reader)),
                    };
                }
                Self::Zlib(reader) => return Pin::new(reader).poll_read(cx, buf),
                Self::Raw(reader) => return Pin::new(reader).poll_read(cx, buf),
            }
        }
    }
}

struct Decoded {
    reader: Pin<Box<dyn AsyncRead + Send>>,
    wire: Arc<AtomicU64>,
    out: u64,
    traffic: Arc<Traffic>,
    ended: bool,
}

impl Decoded {
    /// Too much for what came in?
    fn weigh(&mut self, more: u64) -> Result<(), Error> {
        self.traffic.count_decoded_bytes(more)?;
        self.out += more;
        let allowed = self.traffic.limits.decode_ratio;
        let ratio = self.out / self.wire.load(Ordering::Relaxed).max(1);
        if self.out > FREE && ratio > allowed {
            self.traffic.over(LimitName::DecodeRatio, allowed, Some(ratio));
            return Err(Error::HttpResponseBodySize(None));
        }
        Ok(())
    }
}

impl http_body::Body for Decoded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let mut piece = vec![0; PIECE];
        let mut buffer = ReadBuf::new(&mut piece);
        let read = ready!(self.reader.as_mut().poll_read(cx, &mut buffer));
        let filled = buffer.filled().len();
        let outcome = match read {
            Ok(()) if filled == 0 => None,
            Ok(()) => Some(self.weigh(filled as u64)),
            Err(error) => match error.into_inner().and_then(|inner| inner.downcast::<Error>().ok()) {
                Some(error) => Some(Err(*error)),
                // An empty body is no broken one.
                None if self.wire.load(Ordering::Relaxed) == 0 => None,
                None => Some(Err(Error::HttpResponseContentCoding(None))),
            },
        };
        match outcome {
            Some(Ok(())) => {
                piece.truncate(filled);
                Poll::Ready(Some(Ok(Frame::data(Bytes::from(piece)))))
            }
            Some(Err(error)) => {
                self.ended = true;
                Poll::Ready(Some(Err(error)))
            }
            None => {
                self.ended = true;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
