//! A connection on which no error is mute. A head that is no HTTP, or too long,
//! never reaches a handler: hyper itself answers it, with a status and nothing
//! else. Such an answer is given the problem details (RFC 9457) that every
//! other error of the API has, on its way out.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::problem::Problem;

/// A stream that watches what goes out.
pub(crate) struct Spoken<S> {
    stream: S,
    /// What goes out instead of a mute answer, as far as it has not yet.
    instead: Vec<u8>,
    sent: usize,
}

impl<S> Spoken<S> {
    pub(crate) fn new(stream: S) -> Spoken<S> {
        Spoken { stream, instead: Vec::new(), sent: 0 }
    }
}

impl<S: AsyncWrite + Unpin> Spoken<S> {
    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.instead.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += written;
        }
        self.instead.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

/// What to say instead of these bytes, if they are a whole answer that is mute.
fn instead(bytes: &[u8]) -> Option<Vec<u8>> {
    let rest = bytes.strip_prefix(b"HTTP/1.1 4").or_else(|| bytes.strip_prefix(b"HTTP/1.0 4"))?;
    if rest.len() > 512 || !rest.ends_with(b"\r\n\r\n") {
        return None;
    }
    let head = std::str::from_utf8(bytes).ok()?.to_ascii_lowercase();
    if !head.contains("\r\ncontent-length: 0\r\n") || head.contains("\r\ncontent-type:") {
        return None;
    }
    let problem = match head.get(9..12)? {
        "431" => Problem::of_head(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the head of the request is too long; docs/reference/api.md says how long it may be",
        ),
        "414" => Problem::of_head(StatusCode::URI_TOO_LONG, "the path of the request is too long"),
        "400" => Problem::of_head(
            StatusCode::BAD_REQUEST,
            "the head of the request is not HTTP/1.1: a request line, header lines `name: value`, an empty line",
        ),
        _ => return None,
    };
    let status = problem.code();
    let body = serde_json::to_vec(&problem).ok()?;
    let mut all = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        body.len()
    )
    .into_bytes();
    all.extend(body);
    Some(all)
}

impl<S: AsyncRead + Unpin> AsyncRead for Spoken<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Spoken<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(cx))?;
        if let Some(instead) = instead(buf) {
            // It goes out with the flush that follows.
            self.instead = instead;
            return Poll::Ready(Ok(buf.len()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(cx))?;
        // A mute answer is one piece: it has no body.
        let mut pieces = bufs.iter().filter(|piece| !piece.is_empty());
        if let (Some(only), None) = (pieces.next(), pieces.next())
            && let Some(instead) = instead(only)
        {
            let length = only.len();
            self.instead = instead;
            return Poll::Ready(Ok(length));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
