//! One request on one connection to one checked address: TCP, TLS where the
//! scheme says so, HTTP/1.1. Knows nothing of grants.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use rustls::pki_types::{DnsName, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions};

use super::{Body, CONNECT, Driver, Traffic};
use crate::grant::{Host, Origin, Scheme};

/// How long the first byte of an answer, and each next one, may take; the
/// call's own wall time stands above it.
const ANSWER: Duration = Duration::from_mins(1);

/// Sends the request and gives the head of the answer, its counted body, and
/// the future that drives the connection.
pub(super) async fn send(
    request: Request<Body>,
    origin: &Origin,
    addresses: &[SocketAddr],
    options: Option<RequestOptions>,
    tls: Arc<rustls::ClientConfig>,
    traffic: Arc<Traffic>,
) -> Result<(Response<Body>, Driver), Error> {
    let options = options.unwrap_or_default();
    let connect = options.connect_timeout.unwrap_or(CONNECT).min(CONNECT);
    let first = options.first_byte_timeout.unwrap_or(ANSWER).min(ANSWER);
    let between = options.between_bytes_timeout.unwrap_or(ANSWER).min(ANSWER);

    let stream = timeout(connect, dial(addresses)).await.map_err(|_| Error::ConnectionTimeout)??;
    let stream: Box<dyn Stream> = match origin.scheme {
        Scheme::Http => Box::new(stream),
        Scheme::Https => {
            let connector = tokio_rustls::TlsConnector::from(tls);
            let stream = timeout(connect, connector.connect(server_name(origin)?, stream))
                .await
                .map_err(|_| Error::ConnectionTimeout)?
                .map_err(|error| handshake_fault(&error))?;
            Box::new(stream)
        }
    };
    let stream = Touching { inner: stream, traffic: traffic.clone() };
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_headers(100)
        .max_buf_size(64 * 1024)
        .handshake(TokioIo::new(stream))
        .await?;
    // The connection is driven here until the head has come, by the caller after.
    let mut connection = Some(Box::pin(connection));
    let head = {
        let mut answer = Box::pin(timeout(first, sender.send_request(request)));
        std::future::poll_fn(|cx| {
            if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                return Poll::Ready(answer);
            }
            if let Some(running) = connection.as_mut()
                && let Poll::Ready(ended) = running.as_mut().poll(cx)
            {
                connection = None;
                if let Err(error) = ended {
                    return Poll::Ready(Ok(Err(error)));
                }
            }
            answer.as_mut().poll(cx)
        })
        .await
        .map_err(|_| Error::ConnectionReadTimeout)??
    };
    let response = head.map(|body| Answer { inner: body, traffic, between, waiting: None }.boxed_unsync());
    let driver: Driver = Box::new(async move {
        match connection {
            Some(connection) => connection.await.map_err(Error::from),
            None => Ok(()),
        }
    });
    Ok((response, driver))
}

async fn dial(addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
    let mut last = Error::DestinationNotFound;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Small requests should not wait for more of them (RFC 896).
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = Error::Connect(error),
        }
    }
    Err(last)
}

fn server_name(origin: &Origin) -> Result<ServerName<'static>, Error> {
    match &origin.host {
        Host::Address(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::Name(name) => {
            DnsName::try_from(name.clone()).map(ServerName::DnsName).map_err(|_| Error::HttpRequestUriInvalid)
        }
    }
}

/// A handshake that failed: nothing of the request has gone out, and the code
/// the guest sees must say so.
fn handshake_fault(error: &std::io::Error) -> Error {
    let certificate = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        .is_some_and(|error| matches!(error, rustls::Error::InvalidCertificate(_)));
    if certificate { Error::TlsCertificateError } else { Error::DestinationUnavailable }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Notes when the first byte of a request is handed to the connection: from
/// then on nobody knows what the other side has done (rule 3 of the design).
struct Touching {
    inner: Box<dyn Stream>,
    traffic: Arc<Traffic>,
}

impl AsyncRead for Touching {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Touching {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        if !buf.is_empty() {
            self.traffic.touch();
        }
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// The body of an answer: counted, and never silent for too long.
struct Answer {
    inner: hyper::body::Incoming,
    traffic: Arc<Traffic>,
    between: Duration,
    waiting: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(Some(Ok(frame))) => {
                self.waiting = None;
                let size = frame.data_ref().map_or(0, |data| data.len() as u64);
                Poll::Ready(Some(self.traffic.count_response_bytes(size).map(|()| frame)))
            }
            Poll::Pending => {
                let between = self.between;
                let sleep = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(between)));
                match sleep.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(Error::ConnectionReadTimeout))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Counts what a request's body sends.
pub(super) fn count_request(body: Body, traffic: Arc<Traffic>) -> Body {
    Counted { body, traffic }.boxed_unsync()
}

struct Counted {
    body: Body,
    traffic: Arc<Traffic>,
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let size = frame.data_ref().map_or(0, |data| data.len() as u64);
                Poll::Ready(Some(self.traffic.count_request_bytes(size).map(|()| frame)))
            }
            other => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
