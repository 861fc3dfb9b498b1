//! One request on one connection to one checked address: TCP, the proxy where
//! there is one, TLS where the scheme says so, HTTP/1.1. Knows nothing of grants.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{DnsName, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, timeout, timeout_at};
use wasmtime_wasi_http::{Error, RequestOptions};

use super::pace::Turn;
use super::scrub::{self, Scrubber};
use super::traffic::{Traffic, Wait};
use super::way::{Route, Way};
use super::{Body, Driver, decode, proxy, smtp};
use crate::grant::{Effective, Host, Origin, Scheme};
use crate::limits::LimitName;

/// hyper's own lower bound for its buffer, in bytes.
const LEAST_BUFFER: u64 = 8 << 10;

/// An admitted request and what belongs to it.
pub(super) struct Outgoing {
    pub(super) request: Request<Body>,
    pub(super) origin: Origin,
    pub(super) options: RequestOptions,
    /// What must not come back.
    pub(super) scrubber: Option<Arc<Scrubber>>,
    pub(super) turn: Turn,
}

/// Sends the request and gives the head of the answer, its body (counted,
/// decompressed, scrubbed), and the future that drives the connection.
pub(super) async fn send(
    outgoing: Outgoing,
    effective: &Effective,
    way: &Way,
    traffic: Arc<Traffic>,
) -> Result<(Response<Body>, Driver), Error> {
    if matches!(outgoing.origin.scheme, Scheme::Smtp | Scheme::Smtps) {
        return smtp::send(outgoing, effective, way, traffic).await;
    }
    let Outgoing { mut request, origin, options, scrubber, turn } = outgoing;
    let limits = &traffic.limits;
    let connect = Wait::new(LimitName::ConnectMs, limits.connect_ms, options.connect_timeout);
    let first = Wait::new(LimitName::FirstByteMs, limits.first_byte_ms, options.first_byte_timeout);
    let idle = Wait::new(LimitName::IdleMs, limits.idle_ms, options.between_bytes_timeout);
    let whole = Wait::new(LimitName::RequestMs, limits.request_ms, None);
    let end = Instant::now() + whole.time;

    let by = Instant::now() + connect.time;
    let opening = open(&mut request, &origin, by, effective, way, &traffic);
    let stream = timeout(connect.time, opening).await.map_err(|_| {
        traffic.late(&connect);
        Error::ConnectionTimeout
    })??;
    let stream = Touching { inner: stream, traffic: traffic.clone() };
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_headers(usize::try_from(limits.headers).unwrap_or(usize::MAX))
        .max_buf_size(usize::try_from(limits.header_bytes.max(LEAST_BUFFER)).unwrap_or(usize::MAX))
        .handshake(TokioIo::new(stream))
        .await?;
    let asks_head = request.method() == http::Method::HEAD;
    // The connection is driven here until the head has come, by the caller after.
    let mut connection = Some(Box::pin(connection));
    let head = {
        let mut answer = Box::pin(timeout(first.time, sender.send_request(request)));
        let answered = std::future::poll_fn(|cx| {
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
        });
        match timeout_at(end, answered).await {
            Ok(Ok(Ok(head))) => head,
            Ok(Ok(Err(error))) => return Err(head_fault(error, &traffic)),
            Ok(Err(_)) => {
                traffic.late(&first);
                return Err(Error::ConnectionReadTimeout);
            }
            Err(_) => {
                traffic.late(&whole);
                return Err(Error::ConnectionReadTimeout);
            }
        }
    };
    let (mut head, body) = head.into_parts();
    // hyper reads a little further than it is told to before it looks.
    let size: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if size as u64 > traffic.limits.header_bytes {
        return Err(head_too_large(&traffic));
    }
    // Without a body it is over already.
    let turn = (!http_body::Body::is_end_stream(&body)).then_some(turn);
    let coding = if asks_head || http_body::Body::is_end_stream(&body) { None } else { decode::coding(&head.headers) };
    let wire = Arc::new(AtomicU64::new(0));
    let answer = Answer {
        inner: body,
        traffic: traffic.clone(),
        wire: wire.clone(),
        idle,
        whole,
        end: Box::pin(tokio::time::sleep_until(end)),
        waiting: None,
        turn,
    };
    let mut body = answer.boxed_unsync();
    if let Some(coding) = coding {
        head.headers.remove(header::CONTENT_ENCODING);
        head.headers.remove(header::CONTENT_LENGTH);
        body = decode::body(body, coding, wire, traffic);
    }
    if let Some(scrubber) = scrubber {
        scrubber.headers(&mut head.headers);
        if !asks_head {
            // What is taken out changes the length.
            head.headers.remove(header::CONTENT_LENGTH);
        }
        body = scrub::body(body, scrubber);
    }
    let driver: Driver = Box::new(async move {
        match connection {
            Some(connection) => connection.await.map_err(Error::from),
            None => Ok(()),
        }
    });
    Ok((Response::from_parts(head, body), driver))
}

/// The head of the answer did not come, or not as it should.
fn head_fault(error: hyper::Error, traffic: &Traffic) -> Error {
    if error.is_parse_too_large() {
        // hyper does not tell too many fields from too long ones, nor from a length beyond all bounds.
        return head_too_large(traffic);
    }
    error.into()
}

fn head_too_large(traffic: &Traffic) -> Error {
    traffic.over(LimitName::HeaderBytes, traffic.limits.header_bytes, None);
    Error::HttpResponseHeaderSectionSize(u32::try_from(traffic.limits.header_bytes).ok())
}

/// Opens the way to the place. The request is told where it stands if a proxy
/// forwards it.
async fn open(
    request: &mut Request<Body>,
    origin: &Origin,
    by: Instant,
    effective: &Effective,
    way: &Way,
    traffic: &Traffic,
) -> Result<Box<dyn Stream>, Error> {
    let stream: Box<dyn Stream> = match way.route(origin, effective, traffic).await? {
        Route::Direct(addresses) => Box::new(dial(&addresses, by).await?),
        Route::Tunnel { proxy, addresses, target } => {
            proxy.tunnel(dial(&addresses, by).await?, &target, traffic).await?
        }
        Route::Forward { proxy, addresses } => {
            let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
            let uri = format!("{}://{}{path}", origin.scheme.as_str(), proxy::target(origin));
            *request.uri_mut() = uri.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
            if let Some(login) = proxy.authorization(traffic)? {
                request.headers_mut().insert(header::PROXY_AUTHORIZATION, login);
            }
            Box::new(dial(&addresses, by).await?)
        }
    };
    match origin.scheme {
        Scheme::Http | Scheme::Smtp => Ok(stream),
        Scheme::Https | Scheme::Smtps => secured(stream, origin, way).await,
    }
}

/// Opens the way to a place that no proxy forwards requests to.
pub(super) async fn reach(
    origin: &Origin,
    by: Instant,
    effective: &Effective,
    way: &Way,
    traffic: &Traffic,
) -> Result<Box<dyn Stream>, Error> {
    let nothing = http_body_util::Empty::new().map_err(|never| match never {}).boxed_unsync();
    open(&mut Request::new(nothing), origin, by, effective, way, traffic).await
}

/// TLS over a connection, with the place's name checked.
pub(super) async fn secured(stream: Box<dyn Stream>, origin: &Origin, way: &Way) -> Result<Box<dyn Stream>, Error> {
    let connector = tokio_rustls::TlsConnector::from(way.tls.clone());
    let stream = connector.connect(server_name(origin)?, stream).await.map_err(|error| handshake_fault(&error))?;
    Ok(Box::new(stream))
}

/// Connects to the first address that answers. None but the last may take more
/// than its share of the time, so that a dead one does not stand for all.
async fn dial(addresses: &[SocketAddr], by: Instant) -> Result<TcpStream, Error> {
    let mut last = Error::DestinationNotFound;
    for (at, address) in addresses.iter().enumerate() {
        let left = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        let share = by.saturating_duration_since(Instant::now()) / left;
        let connecting = TcpStream::connect(address);
        let connected = if left == 1 { Ok(connecting.await) } else { timeout(share, connecting).await };
        match connected {
            Ok(Ok(stream)) => {
                // Small requests should not wait for more of them (RFC 896).
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => last = Error::Connect(error),
            Err(_) => last = Error::ConnectionTimeout,
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

/// A connection, whatever it goes through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
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

/// The body of an answer as it comes: counted, and never silent for too long.
struct Answer {
    inner: hyper::body::Incoming,
    traffic: Arc<Traffic>,
    wire: Arc<AtomicU64>,
    idle: Wait,
    whole: Wait,
    end: Pin<Box<Sleep>>,
    waiting: Option<Pin<Box<Sleep>>>,
    /// The request is under way until its answer has been read.
    turn: Option<Turn>,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.end.as_mut().poll(cx).is_ready() {
            self.traffic.late(&self.whole);
            return Poll::Ready(Some(Err(Error::ConnectionReadTimeout)));
        }
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(None) => {
                self.turn = None;
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => {
                self.turn = None;
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(Some(Ok(frame))) => {
                self.waiting = None;
                let size = frame.data_ref().map_or(0, |data| data.len() as u64);
                self.wire.fetch_add(size, Ordering::Relaxed);
                Poll::Ready(Some(self.traffic.count_response_bytes(size).map(|()| frame)))
            }
            Poll::Pending => {
                let idle = self.idle.time;
                let sleep = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
                match sleep.as_mut().poll(cx) {
                    Poll::Ready(()) => {
                        self.traffic.late(&self.idle);
                        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
                    }
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
