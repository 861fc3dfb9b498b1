//! Mail (RFC 5321) by the same way out as a request: `POST smtps://mail.example.cn/` (TLS at once, port 465,
//! RFC 8314) or `smtp://…` (STARTTLS, port 587; without it nothing is sent). A plugin asks for it as for any
//! place, so grants, secrets, pace, checked addresses, limits and the stand-in of tests hold for mail, too.
//!
//! Headers: `smtp-from`, `smtp-to` (one for each recipient), `smtp-user` and `smtp-password` where the server wants
//! them; the body is the message (RFC 5322), at most as large as a request may be. The answer's status: 200 taken,
//! 400 no such message can be sent, 401 the login was refused, 422 refused for good, 503 refused for now; its header
//! `smtp-code` has the server's code, its body the server's words. Either every recipient is taken or nobody.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::{BodyExt as _, Full};
use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, MailBodyParameter, MailParameter};
use sync_wrapper::SyncWrapper;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader, ReadBuf,
};
use tokio::time::{Duration, Instant, timeout, timeout_at};
use wasmtime_wasi_http::Error;

use super::traffic::{Refusal, Traffic, Wait};
use super::way::Way;
use super::wire::{self, Outgoing, Stream};
use super::{Body, Driver};
use crate::grant::{Effective, Scheme};
use crate::limits::LimitName;

/// The most recipients of one message; servers take at least this many (RFC 5321 §4.5.3.1.8).
const MAX_RECIPIENTS: usize = 100;

/// The most that a server may say before TLS stands, in bytes.
const MAX_REPLY: u64 = 8 << 10;

/// How long the farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// A message and its way.
struct Letter {
    from: Address,
    to: Vec<Address>,
    login: Option<Credentials>,
    message: Bytes,
}

/// What the server said, or what is said in its place.
struct Said {
    status: u16,
    code: Option<u16>,
    words: String,
}

impl Said {
    fn invalid(words: impl Into<String>) -> Said {
        Said { status: 400, code: None, words: words.into() }
    }
}

/// Sends one message on one connection.
pub(super) async fn send(
    outgoing: Outgoing,
    effective: &Effective,
    way: &Way,
    traffic: Arc<Traffic>,
) -> Result<(Response<Body>, Driver), Error> {
    let Outgoing { request, origin, options, scrubber, turn } = outgoing;
    let limits = &traffic.limits;
    let connect = Wait::new(LimitName::ConnectMs, limits.connect_ms, options.connect_timeout);
    let whole = Wait::new(LimitName::RequestMs, limits.request_ms, None);
    let end = Instant::now() + whole.time;
    let (head, body) = request.into_parts();
    let message = body.collect().await?.to_bytes();
    let letter = match letter(&head.headers, message) {
        Ok(letter) => letter,
        Err(said) => return answer(&said, None, &traffic),
    };
    let by = Instant::now() + connect.time;
    let stream = timeout(connect.time, wire::reach(&origin, by, effective, way, &traffic)).await.map_err(|_| {
        traffic.late(&connect);
        Error::ConnectionTimeout
    })??;
    // From the message's first byte on nobody knows what the server has done (rule 3 of the design).
    let begun = AtomicBool::new(false);
    let submitting = async {
        let stream = match origin.scheme {
            Scheme::Smtp => {
                let plain = ready_for_tls(stream, &letter, &traffic).await?;
                Transport::new(b"220 tls\r\n", wire::secured(plain, &origin, way).await?)
            }
            _ => Transport::new(b"", stream),
        };
        submit(stream, &letter, &begun, &traffic).await
    };
    let said = timeout_at(end, submitting).await.map_err(|_| {
        traffic.late(&whole);
        if begun.load(Ordering::Relaxed) { Error::ConnectionReadTimeout } else { Error::ConnectionTimeout }
    })??;
    drop(turn);
    answer(&said, scrubber.as_deref(), &traffic)
}

/// Reads what is to be sent.
fn letter(headers: &HeaderMap, message: Bytes) -> Result<Letter, Said> {
    let text =
        |value: &HeaderValue| value.to_str().map(str::to_owned).map_err(|_| Said::invalid("a header is no text"));
    let address = |value: &HeaderValue| {
        let text = text(value)?;
        text.parse::<Address>()
            .map_err(|why| Said::invalid(format!("`{}` is no mail address: {why}", text.escape_debug())))
    };
    let from = headers.get("smtp-from").ok_or_else(|| Said::invalid("`smtp-from` is missing"))?;
    let to = headers.get_all("smtp-to").iter().map(address).collect::<Result<Vec<_>, _>>()?;
    if to.is_empty() || to.len() > MAX_RECIPIENTS {
        return Err(Said::invalid(format!("{} recipients; from 1 to {MAX_RECIPIENTS} can be named", to.len())));
    }
    let login = match (headers.get("smtp-user"), headers.get("smtp-password")) {
        (Some(user), Some(password)) => Some(Credentials::new(text(user)?, text(password)?)),
        (None, None) => None,
        _ => return Err(Said::invalid("`smtp-user` and `smtp-password` go together")),
    };
    Ok(Letter { from: address(from)?, to, login, message })
}

/// Asks for TLS (RFC 3207). What a server says before it is forgotten; more than its consent is refused.
async fn ready_for_tls(stream: Box<dyn Stream>, letter: &Letter, traffic: &Traffic) -> Result<Box<dyn Stream>, Error> {
    let refused = |why: &str| {
        traffic.refuse(Refusal::Way(why.to_owned()));
        Error::DestinationUnavailable
    };
    let mut reader = BufReader::new(stream);
    let mut offered = false;
    for (command, wanted) in
        [(String::new(), 220), (format!("EHLO {}\r\n", letter.from.domain()), 250), ("STARTTLS\r\n".to_owned(), 220)]
    {
        if wanted == 220 && !command.is_empty() && !offered {
            return Err(refused("the mail server offers no TLS; use one that does, or smtps://"));
        }
        let said = say(&mut reader, command.as_bytes()).await.map_err(|_| Error::DestinationUnavailable)?;
        if !said.starts_with(&wanted.to_string()) {
            return Err(refused("the mail server is not ready for TLS"));
        }
        offered |=
            said.lines().any(|line| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS")));
    }
    if !reader.buffer().is_empty() {
        return Err(refused("the mail server said more than it was asked before TLS stood"));
    }
    Ok(reader.into_inner())
}

/// Says something and reads a whole reply, of as many lines as it has.
async fn say(reader: &mut BufReader<Box<dyn Stream>>, command: &[u8]) -> std::io::Result<String> {
    reader.write_all(command).await?;
    reader.flush().await?;
    let mut said = String::new();
    loop {
        let from = said.len();
        let left = MAX_REPLY.saturating_sub(from as u64);
        let read = (&mut *reader).take(left).read_line(&mut said).await?;
        let line = said.get(from..).unwrap_or_default();
        if read == 0 || !line.ends_with('\n') {
            return Err(std::io::ErrorKind::InvalidData.into());
        }
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok(said);
        }
    }
}

/// The conversation from the greeting on.
async fn submit(stream: Transport, letter: &Letter, begun: &AtomicBool, traffic: &Traffic) -> Result<Said, Error> {
    let hello = ClientId::Domain(letter.from.domain().to_owned());
    let mut server = match AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello).await {
        Ok(server) => server,
        Err(error) => return refusal(&error, false).ok_or(Error::DestinationUnavailable),
    };
    if let Some(login) = &letter.login
        && let Err(error) = server.auth(&[Mechanism::Plain, Mechanism::Login], login).await
    {
        let said = refusal(&error, true);
        server.abort().await;
        return said.ok_or(Error::DestinationUnavailable);
    }
    let options =
        if letter.message.is_ascii() { Vec::new() } else { vec![MailParameter::Body(MailBodyParameter::EightBitMime)] };
    let named = async {
        server.command(Mail::new(Some(letter.from.clone()), options)).await?;
        for to in &letter.to {
            server.command(Rcpt::new(to.clone(), Vec::new())).await?;
        }
        server.command(Data).await
    };
    if let Err(error) = named.await {
        let said = refusal(&error, false);
        let _ = timeout(FAREWELL, server.abort()).await;
        return said.ok_or(Error::DestinationUnavailable);
    }
    begun.store(true, Ordering::Relaxed);
    traffic.touch();
    let said = match server.message(&letter.message).await {
        Ok(reply) => {
            let words = reply.message().collect::<Vec<_>>().join("\n");
            Said { status: 200, code: Some(reply.code().into()), words }
        }
        Err(error) => refusal(&error, false).ok_or(Error::ConnectionTerminated)?,
    };
    let _ = timeout(FAREWELL, server.quit()).await;
    Ok(said)
}

/// What a refusal means; none where the connection failed.
fn refusal(error: &SmtpError, login: bool) -> Option<Said> {
    let words = error.to_string();
    let Some(code) = error.status().map(u16::from) else {
        return error.is_client().then_some(Said { status: if login { 401 } else { 400 }, code: None, words });
    };
    let status = match code {
        400..=499 => 503,
        _ if login => 401,
        _ => 422,
    };
    Some(Said { status, code: Some(code), words })
}

fn answer(
    said: &Said,
    scrubber: Option<&super::Scrubber>,
    traffic: &Traffic,
) -> Result<(Response<Body>, Driver), Error> {
    let words = said.words.as_bytes();
    let words = scrubber.map_or_else(|| words.to_vec(), |scrubber| scrubber.scrub(words));
    traffic.count_response_bytes(words.len() as u64)?;
    let body = Full::new(Bytes::from(words)).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = http::StatusCode::from_u16(said.status).map_err(|_| Error::HttpProtocolError)?;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(http::header::CONTENT_TYPE, text);
    if let Some(code) = said.code {
        response.headers_mut().insert("smtp-code", code.into());
    }
    Ok((response, Box::new(std::future::ready(Ok(())))))
}

/// A connection whose greeting may lie before it: after STARTTLS a server does not greet again.
struct Transport {
    greeting: &'static [u8],
    inner: SyncWrapper<Box<dyn Stream>>,
}

impl Transport {
    fn new(greeting: &'static [u8], inner: Box<dyn Stream>) -> Transport {
        Transport { greeting, inner: SyncWrapper::new(inner) }
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

impl AsyncTokioStream for Transport {
    fn peer_addr(&self) -> std::io::Result<std::net::SocketAddr> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}

impl AsyncRead for Transport {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if self.greeting.is_empty() {
            return Pin::new(self.inner.get_mut()).poll_read(cx, buf);
        }
        let (now, later) = self.greeting.split_at(self.greeting.len().min(buf.remaining()));
        buf.put_slice(now);
        self.greeting = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(self.inner.get_mut()).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(self.inner.get_mut()).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(self.inner.get_mut()).poll_shutdown(cx)
    }
}
