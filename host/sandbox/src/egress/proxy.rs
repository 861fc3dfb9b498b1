//! The way out of a closed network: an HTTP proxy of the admin's choice.
//!
//! TLS goes end to end through `CONNECT`: the proxy sees the place and the
//! amount, nothing else. Plain HTTP is forwarded. What the proxy looks up by
//! itself the host cannot check: see [`super::names::check_unresolved`].

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use tokio::net::TcpStream;
use wasmtime_wasi_http::Error;
use zeroize::Zeroizing;

use super::traffic::{Refusal, Traffic};
use super::wire::Stream;
use crate::grant::{Host, Origin, Scheme};
use crate::host::SecretSource;

/// A place that is reached without the proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Direct {
    /// This name.
    Name(String),
    /// Every name below this one.
    Below(String),
    /// Addresses, where they are written out in the URL.
    Net(IpNet),
}

/// The admin's proxy.
#[derive(Clone)]
pub struct ProxySettings {
    host: Host,
    port: u16,
    direct: Vec<Direct>,
    resolve_here: bool,
    login: Option<(String, String, Arc<dyn SecretSource>)>,
}

impl std::fmt::Debug for ProxySettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProxySettings").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl ProxySettings {
    /// A proxy at `http://host:port`.
    ///
    /// # Errors
    /// What is wrong, and how it is written.
    pub fn parse(url: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!("`{}` is no proxy: {why}; write it as http://proxy.example.cn:3128", url.escape_debug())
        };
        let Some(rest) = url.strip_prefix("http://") else {
            return Err(wrong("only proxies that are spoken to in plain HTTP are supported"));
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains('@') {
            return Err(wrong("it holds a user name; give `user` and `password` beside it"));
        }
        let place = Origin::from_authority(Scheme::Http, authority).map_err(|error| wrong(error.why))?;
        Ok(Self { host: place.host, port: place.port, direct: Vec::new(), resolve_here: false, login: None })
    }

    /// A place that is reached without it: a name, `*.example.cn` or
    /// `.example.cn` for every name below, an address or a range.
    ///
    /// # Errors
    /// What is wrong, and how it is written.
    pub fn direct(&mut self, place: &str) -> Result<(), String> {
        let wrong = || {
            format!(
                "`{}` is no place; write a name, *.example.cn for the names below it, an address or a range like 10.0.0.0/8",
                place.escape_debug()
            )
        };
        let name = |text: &str| match Origin::from_authority(Scheme::Http, text) {
            Ok(Origin { host: Host::Name(name), .. }) if !text.contains(':') => Ok(name),
            _ => Err(wrong()),
        };
        let direct = if let Ok(net) = place.parse::<IpNet>() {
            Direct::Net(net)
        } else if let Ok(address) = place.parse::<IpAddr>() {
            Direct::Net(address.into())
        } else if let Some(parent) = place.strip_prefix("*.").or_else(|| place.strip_prefix('.')) {
            Direct::Below(name(parent)?)
        } else {
            Direct::Name(name(place)?)
        };
        self.direct.push(direct);
        Ok(())
    }

    /// Whether a place, `host` or `host:port`, is reached without it.
    pub fn spares(&self, place: &str) -> bool {
        Origin::from_authority(Scheme::Http, place).is_ok_and(|origin| self.passes_by(&origin.host))
    }

    /// Look names up here, check their addresses, and have the proxy connect
    /// to the checked one.
    pub fn resolve_here(&mut self) {
        self.resolve_here = true;
    }

    /// Basic authentication (RFC 7617) with the value of a secret, looked up
    /// each time.
    ///
    /// # Errors
    /// A user name with a colon.
    pub fn login(&mut self, user: &str, secret: &str, secrets: Arc<dyn SecretSource>) -> Result<(), String> {
        if user.contains(':') || user.chars().any(char::is_control) {
            return Err("a user name holds no colon and no control characters (RFC 7617)".to_owned());
        }
        self.login = Some((user.to_owned(), secret.to_owned(), secrets));
        Ok(())
    }

    pub(super) fn resolves_here(&self) -> bool {
        self.resolve_here
    }

    /// Whether the place is reached without the proxy.
    pub(super) fn passes_by(&self, host: &Host) -> bool {
        self.direct.iter().any(|direct| match (direct, host) {
            (Direct::Name(mine), Host::Name(name)) => mine == name,
            (Direct::Below(parent), Host::Name(name)) => {
                name.strip_suffix(parent.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            (Direct::Net(net), Host::Address(address)) => net.contains(address),
            _ => false,
        })
    }

    pub(super) fn host(&self) -> (&Host, u16) {
        (&self.host, self.port)
    }

    /// The header that says who asks; none without a login.
    pub(super) fn authorization(&self, traffic: &Traffic) -> Result<Option<HeaderValue>, Error> {
        let Some((user, name, secrets)) = &self.login else { return Ok(None) };
        let fault = |why: String| {
            traffic.refuse(Refusal::Way(why));
            Error::ConfigurationError
        };
        let secret = secrets.secret(name).ok_or_else(|| {
            fault(format!("the secret `{}` of `egress.proxy.password` has no value", name.escape_debug()))
        })?;
        let mut pair = Zeroizing::new(user.as_bytes().to_vec());
        pair.push(b':');
        pair.extend_from_slice(secret.expose());
        let text = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)));
        let mut value =
            HeaderValue::from_str(&text).map_err(|_| fault("the proxy's login cannot stand in a header".to_owned()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    /// Asks the proxy for a connection to `host:port` (RFC 9110 §9.3.6).
    /// Nothing of the plugin's request has gone out when this fails.
    pub(super) async fn tunnel(
        &self,
        stream: TcpStream,
        target: &str,
        traffic: &Traffic,
    ) -> Result<Box<dyn Stream>, Error> {
        let uri: Uri = target.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
        let host = HeaderValue::from_str(target).map_err(|_| Error::HttpRequestUriInvalid)?;
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = uri;
        request.headers_mut().insert(header::HOST, host);
        if let Some(login) = self.authorization(traffic)? {
            request.headers_mut().insert(header::PROXY_AUTHORIZATION, login);
        }
        let failed = |why: String| {
            traffic.refuse(Refusal::Way(why));
            Error::ConnectionRefused
        };
        let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
            .max_headers(100)
            .max_buf_size(16 << 10)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|_| failed("the proxy does not speak HTTP".to_owned()))?;
        let mut connection = Box::pin(connection.with_upgrades());
        let mut connected = false;
        let asking = async {
            let answer = sender
                .send_request(request)
                .await
                .map_err(|_| failed("the proxy closed the connection, or does not speak HTTP".to_owned()))?;
            match answer.status().as_u16() {
                200..300 => {
                    hyper::upgrade::on(answer).await.map_err(|_| failed("the proxy closed the connection".to_owned()))
                }
                407 => Err(failed(
                    "the proxy wants another login (status 407); see `egress.proxy.user` and `password`".to_owned(),
                )),
                status => Err(failed(format!("the proxy made no connection to {target} (status {status})"))),
            }
        };
        let mut asking = Box::pin(asking);
        let upgraded = std::future::poll_fn(|cx| {
            if !connected && connection.as_mut().poll(cx).is_ready() {
                connected = true;
            }
            asking.as_mut().poll(cx)
        })
        .await?;
        Ok(Box::new(TokioIo::new(upgraded)))
    }
}

/// `host:port` of a place, as `CONNECT` wants it.
pub(super) fn target(origin: &Origin) -> String {
    format!("{}:{}", origin.host, origin.port)
}

/// The same of a checked address.
pub(super) fn target_at(address: SocketAddr) -> String {
    address.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_pass_by_the_proxy_as_they_are_written() {
        let mut proxy = ProxySettings::parse("http://proxy.example.cn:3128/").unwrap();
        for place in ["intranet", "*.lan.example.cn", ".corp.example.cn", "10.0.0.0/8", "192.168.1.1", "::1"] {
            proxy.direct(place).unwrap();
        }
        let host = |text: &str| Origin::from_authority(Scheme::Http, text).unwrap().host;
        for (text, passes) in [
            ("intranet", true),
            ("intranet.example.cn", false),
            ("a.lan.example.cn", true),
            ("lan.example.cn", false),
            ("alan.example.cn", false),
            ("b.corp.example.cn", true),
            ("10.1.2.3", true),
            ("11.1.2.3", false),
            ("192.168.1.1", true),
            ("192.168.1.2", false),
            ("[::1]", true),
        ] {
            assert_eq!(proxy.passes_by(&host(text)), passes, "{text}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_with_the_way_to_write_it() {
        for (url, says) in [
            ("https://proxy:1", "plain HTTP"),
            ("socks5://proxy:1", "plain HTTP"),
            ("http://li:geheim@proxy:1", "user name"),
            ("http://proxy:0", "port"),
            ("http://", "missing"),
        ] {
            let error = ProxySettings::parse(url).unwrap_err();
            assert!(error.contains(says) && error.contains("http://proxy.example.cn:3128"), "{error}");
        }
        let mut proxy = ProxySettings::parse("http://proxy:3128").unwrap();
        for place in ["*", "", "a b", "http://x", "x:80", "10.0.0.0/33"] {
            assert!(proxy.direct(place).unwrap_err().contains("is no place"), "{place}");
        }
        let none: Arc<dyn SecretSource> = Arc::new(crate::host::NoSecrets);
        assert!(proxy.login("a:b", "s", none).unwrap_err().contains("colon"));
    }
}
