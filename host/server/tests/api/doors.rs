//! TLS, the port that shows the way there, and what a proxy says.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use huiyin_engine::config::{ForwardedBy, ProxiesConfig};
use huiyin_engine::{Engine, Options};
use huiyin_server::{Accounts, Bounds, Door, Proxies, SignIn, Tls, Token};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const GOOD: &str = "correct horse battery";

/// Puts a fresh certificate and its key in place; gives what a client trusts then.
fn certificate(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    huiyin_files::write_private(&folder.join("key.pem"), made.signing_key.serialize_pem().as_bytes()).unwrap();
    huiyin_files::write_private(&folder.join("cert.pem"), made.cert.pem().as_bytes()).unwrap();
    made.cert.der().clone()
}

struct Host {
    plain: SocketAddr,
    secure: SocketAddr,
    redirect: SocketAddr,
    tls: Arc<Tls>,
    token: String,
    engine: Arc<Engine>,
    stop: CancellationToken,
    folder: tempfile::TempDir,
}

impl Host {
    async fn start() -> (Host, CertificateDer<'static>) {
        let folder = tempfile::tempdir().unwrap();
        let trusted = certificate(folder.path());
        let tls = Arc::new(Tls::load(&folder.path().join("cert.pem"), &folder.path().join("key.pem")).unwrap());
        Accounts::of(folder.path()).add("xu-ming", false, GOOD, false).unwrap();
        let token = Token::load_or_create(folder.path()).unwrap();
        let revealed = token.reveal().to_owned();
        let sign_in = Arc::new(SignIn::of(folder.path(), &token));
        let stop = CancellationToken::new();
        let engine = Arc::new(Engine::start(Options::in_memory()).await.unwrap());
        let router = huiyin_server::router_with(Arc::clone(&engine), token, sign_in, stop.clone());
        let config = ProxiesConfig { trusted: vec!["127.0.0.0/8".to_owned()], header: ForwardedBy::XForwarded };
        let believed = Arc::new(Proxies::read(&config).unwrap());
        let listen = async || huiyin_server::bind("127.0.0.1:0".parse().unwrap(), false).await.unwrap();
        let (plain, secure, redirect) = (listen().await, listen().await, listen().await);
        let at = |listener: &tokio::net::TcpListener| listener.local_addr().unwrap();
        let (plain_at, secure_at, redirect_at) = (at(&plain), at(&secure), at(&redirect));
        let doors = vec![
            (plain, Door::Plain(believed)),
            (secure, Door::Tls { tls: Arc::clone(&tls), proxies: Arc::default(), hsts_seconds: 31_536_000 }),
            (redirect, Door::Redirect { port: secure_at.port() }),
        ];
        tokio::spawn(huiyin_server::serve_doors(doors, router, Bounds::default(), stop.clone().cancelled_owned()));
        let host = Host {
            plain: plain_at,
            secure: secure_at,
            redirect: redirect_at,
            tls,
            token: revealed,
            engine,
            stop,
            folder,
        };
        (host, trusted)
    }

    async fn end(self) {
        self.stop.cancel();
        self.engine.stop().await.unwrap();
    }
}

fn text(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{text}\r\n{body}")
}

async fn plainly(at: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(text(method, path, headers, body).as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).to_ascii_lowercase()
}

/// Asks by TLS, trusting this certificate alone.
async fn securely(
    at: SocketAddr,
    trusted: &CertificateDer<'static>,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(at).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(text(method, path, headers, body).as_bytes()).await?;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    Ok(String::from_utf8_lossy(&answer).to_ascii_lowercase())
}

fn credentials() -> String {
    serde_json::json!({"account": "xu-ming", "password": GOOD}).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn by_tls_a_browser_is_told_to_stay_there_and_the_cookie_is_held_to_it() {
    let (host, trusted) = Host::start().await;
    let answer = securely(host.secure, &trusted, "GET", "/healthz", &[], "").await.unwrap();
    assert!(
        answer.starts_with("http/1.1 200") && answer.contains("strict-transport-security: max-age=31536000"),
        "{answer}"
    );
    let sign_in = [("huiyin-console", "1"), ("x-forwarded-proto", "http")];
    let answer = securely(host.secure, &trusted, "POST", "/v1/session", &sign_in, &credentials()).await.unwrap();
    assert!(answer.contains("set-cookie: __host-") && answer.contains("; secure"), "{answer}");
    // Plain HTTP at that port is no HTTP, and the host goes on.
    assert!(!plainly(host.secure, "GET", "/healthz", &[], "").await.starts_with("http/1.1 200"));
    let page = plainly(host.redirect, "GET", "/today", &[], "").await;
    let to = format!("location: https://localhost:{}/today", host.secure.port());
    assert!(page.starts_with("http/1.1 308") && page.contains(&to), "{page}");
    assert!(plainly(host.redirect, "POST", "/v1/session", &[], &credentials()).await.starts_with("http/1.1 403"));
    // Whoever is mute in the handshake holds nobody else up.
    let _mute = TcpStream::connect(host.secure).await.unwrap();
    securely(host.secure, &trusted, "GET", "/healthz", &[], "").await.unwrap();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_served_and_a_broken_one_never_is() {
    let (host, first) = Host::start().await;
    let asked = Arc::new(Notify::new());
    tokio::spawn(Arc::clone(&host.tls).follow(Duration::from_millis(50), Arc::clone(&asked), host.stop.clone()));
    let second = certificate(host.folder.path());
    let until = async |trusted: &CertificateDer<'static>| {
        while securely(host.secure, trusted, "GET", "/healthz", &[], "").await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), until(&second)).await.unwrap();
    assert!(securely(host.secure, &first, "GET", "/healthz", &[], "").await.is_err());
    std::fs::write(host.folder.path().join("cert.pem"), "no certificate").unwrap();
    let said = host.tls.reload().unwrap_err().to_string();
    assert!(said.contains("cert.pem: holds no `-----BEGIN CERTIFICATE-----`"), "{said}");
    securely(host.secure, &second, "GET", "/healthz", &[], "").await.unwrap();
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_says_counts_where_it_is_named_and_the_hosts_own_token_ends_at_it() {
    let (host, trusted) = Host::start().await;
    let bearer = format!("Bearer {}", host.token);
    let ask = async |more: &[(&str, &str)]| {
        let headers: Vec<_> = [("authorization", bearer.as_str())].into_iter().chain(more.iter().copied()).collect();
        plainly(host.plain, "GET", "/v1/host", &headers, "").await[9..12].to_owned()
    };
    assert_eq!(ask(&[]).await, "200");
    assert_eq!(ask(&[("x-forwarded-for", "127.0.0.1")]).await, "200", "a browser on this machine, by the proxy");
    assert_eq!(ask(&[("x-forwarded-for", "192.0.2.7")]).await, "401");
    assert_eq!(ask(&[("x-forwarded-for", "127.0.0.1, 192.0.2.7")]).await, "401");
    // The door of TLS believes nobody here: who comes through something is not of this machine.
    let headers = [("authorization", bearer.as_str()), ("x-forwarded-for", "127.0.0.1")];
    let answer = securely(host.secure, &trusted, "GET", "/v1/host", &headers, "").await.unwrap();
    assert!(answer.starts_with("http/1.1 401"), "{answer}");
    let sign_in = [("huiyin-console", "1"), ("x-forwarded-proto", "https"), ("x-forwarded-for", "192.0.2.7")];
    let answer = plainly(host.plain, "POST", "/v1/session", &sign_in, &credentials()).await;
    assert!(answer.contains("set-cookie: __host-"), "{answer}");
    let record = std::fs::read_to_string(host.folder.path().join("sign-ins.jsonl")).unwrap();
    assert!(record.contains(r#""forwarded":"192.0.2.7""#), "{record}");
    host.end().await;
}
