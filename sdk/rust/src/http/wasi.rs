//! `wasi:http@0.2` through the bindings of `wasip2`.

use wasip2::http::outgoing_handler::{self, OutgoingRequest};
use wasip2::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

use super::{Error, Request, Response, split_url};

/// The contract of `blocking-write-and-flush`: at most this many bytes at once.
const WRITE_AT_MOST: usize = 4096;
const READ_AT_MOST: u64 = 64 * 1024;

pub(super) fn send(request: &Request) -> Result<Response, Error> {
    let (outgoing, body) = prepare(request)?;
    let options = RequestOptions::new();
    let nanoseconds = u64::from(request.timeout_seconds) * 1_000_000_000;
    // A host that supports none of these has limits of its own.
    let _ = options.set_connect_timeout(Some(nanoseconds));
    let _ = options.set_first_byte_timeout(Some(nanoseconds));
    let _ = options.set_between_bytes_timeout(Some(nanoseconds));

    let future = outgoing_handler::handle(outgoing, Some(options)).map_err(|code| before(&code))?;
    // A peer may answer without taking the whole body: the answer decides.
    let _ = write(body, &request.body);
    future.subscribe().block();
    let answer = match future.get() {
        Some(Ok(Ok(answer))) => answer,
        Some(Ok(Err(code))) => return Err(after(&code)),
        Some(Err(())) | None => {
            return Err(Error::Lost("the host gave no answer for the request".to_owned()));
        }
    };
    read(&answer)
}

fn prepare(request: &Request) -> Result<(OutgoingRequest, OutgoingBody), Error> {
    let url = split_url(&request.url)?;
    let mut entries = request.headers.clone();
    if !request.body.is_empty() && !request.has_header("content-length") {
        entries.push(("content-length".to_owned(), request.body.len().to_string().into_bytes()));
    }
    let headers = Fields::from_list(&entries).map_err(|why| Error::Invalid(format!("headers: {why:?}")))?;
    let outgoing = OutgoingRequest::new(headers);
    let method = match request.method.as_str() {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    };
    let scheme = match url.scheme {
        super::Scheme::Http => Scheme::Http,
        super::Scheme::Https => Scheme::Https,
        super::Scheme::Smtp => Scheme::Other("smtp".to_owned()),
        super::Scheme::Smtps => Scheme::Other("smtps".to_owned()),
    };
    outgoing
        .set_method(&method)
        .and_then(|()| outgoing.set_scheme(Some(&scheme)))
        .and_then(|()| outgoing.set_authority(Some(url.authority)))
        .and_then(|()| outgoing.set_path_with_query(Some(&url.path_with_query)))
        .map_err(|()| Error::Invalid(format!("{} {}", request.method, request.url)))?;
    let body = outgoing.body().map_err(|()| Error::Invalid("the host gives the request no body".to_owned()))?;
    Ok((outgoing, body))
}

fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), ()> {
    {
        let stream = body.write()?;
        for chunk in bytes.chunks(WRITE_AT_MOST) {
            stream.blocking_write_and_flush(chunk).map_err(|_| ())?;
        }
    }
    OutgoingBody::finish(body, None).map_err(|_| ())
}

fn read(answer: &IncomingResponse) -> Result<Response, Error> {
    let lost = |what: &str| Error::Lost(what.to_owned());
    let status = answer.status();
    let headers = answer.headers().entries();
    let incoming = answer.consume().map_err(|()| lost("the answer has no body to read"))?;
    let mut body = Vec::new();
    {
        let stream = incoming.stream().map_err(|()| lost("the answer has no body to read"))?;
        loop {
            match stream.blocking_read(READ_AT_MOST) {
                Ok(bytes) => body.extend_from_slice(&bytes),
                Err(StreamError::Closed) => break,
                Err(StreamError::LastOperationFailed(why)) => {
                    return Err(Error::Lost(format!(
                        "the answer (status {status}) broke off after {} bytes: {}",
                        body.len(),
                        why.to_debug_string()
                    )));
                }
            }
        }
    }
    drop(IncomingBody::finish(incoming));
    Ok(Response { status, headers, body })
}

/// The host refused the request when it was handed over: nothing was sent.
fn before(code: &ErrorCode) -> Error {
    match after(code) {
        Error::Lost(why) => Error::NotSent(why),
        other => other,
    }
}

/// Sorts what went wrong by what is certain: not allowed, never connected, or
/// anything else, which may have reached the other end.
fn after(code: &ErrorCode) -> Error {
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => Error::Denied(words(code)),
        ErrorCode::HttpRequestMethodInvalid
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestUriTooLong
        | ErrorCode::HttpRequestHeaderSectionSize(_)
        | ErrorCode::HttpRequestHeaderSize(_)
        | ErrorCode::ConfigurationError => Error::Invalid(words(code)),
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsCertificateError => Error::NotSent(words(code)),
        _ => Error::Lost(words(code)),
    }
}

fn words(code: &ErrorCode) -> String {
    match code {
        ErrorCode::InternalError(Some(why)) => why.clone(),
        code => format!("{code:?}"),
    }
}
