//! Where a host can be reached: plain HTTP for this machine and for a proxy before it, TLS beside that, and the port
//! that shows the way to TLS.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use huiyin_engine::config::HostConfig;
use huiyin_server::{Door, Proxies, TLS_LOOK, Tls};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Args;
use crate::output::Failure;

/// Browsers ask by TLS alone for a year.
const HSTS_SECONDS: u64 = 365 * 24 * 60 * 60;

/// What is asked for, read and found right.
pub(super) struct Wanted {
    proxies: Arc<Proxies>,
    tls: Option<WantedTls>,
}

struct WantedTls {
    listen: SocketAddr,
    redirect: Option<SocketAddr>,
    tls: Arc<Tls>,
    hsts_seconds: u64,
}

/// What listens.
pub(super) struct Open {
    pub(super) listeners: Vec<(TcpListener, Door)>,
    /// Where the command line finds the host.
    pub(super) url: String,
    /// Where it serves TLS.
    pub(super) secure: Option<String>,
    tls: Option<Arc<Tls>>,
}

/// Reads what the options and the configuration say; an option counts before the configuration.
pub(super) fn wanted(args: &Args, config: &HostConfig, base: &Path) -> Result<Wanted, Failure> {
    let mut proxies = config.proxies.clone();
    proxies.trusted.extend(args.trusted_proxy.iter().cloned());
    let proxies = Arc::new(Proxies::read(&proxies).map_err(Failure::invalid)?);
    let told = config.tls.as_ref();
    let address = |given: Option<SocketAddr>, told: Option<&String>, place: &str| match (given, told) {
        (Some(address), _) => Ok(Some(address)),
        (None, Some(text)) => text
            .parse()
            .map(Some)
            .map_err(|_| Failure::invalid(format_args!("{place}: `{text}` is no address; write it as 0.0.0.0:443"))),
        (None, None) => Ok(None),
    };
    let file =
        |given: &Option<PathBuf>, told: Option<&PathBuf>| given.clone().or_else(|| told.map(|file| base.join(file)));
    let listen = address(args.tls_listen, told.map(|tls| &tls.listen), "/tls/listen")?;
    let redirect = address(args.redirect_listen, told.and_then(|tls| tls.redirect.as_ref()), "/tls/redirect")?;
    let certificate = file(&args.tls_certificate, told.map(|tls| &tls.certificate));
    let key = file(&args.tls_key, told.map(|tls| &tls.key));
    let tls = match (listen, certificate, key) {
        (None, None, None) if redirect.is_none() => None,
        (Some(listen), Some(certificate), Some(key)) => {
            let tls = Arc::new(Tls::load(&certificate, &key).map_err(Failure::invalid)?);
            let hsts_seconds = told.and_then(|tls| tls.hsts_seconds).unwrap_or(HSTS_SECONDS);
            Some(WantedTls { listen, redirect, tls, hsts_seconds })
        }
        _ => {
            return Err(Failure::invalid(
                "TLS needs an address, a certificate and a key: give --tls-listen, --tls-certificate and --tls-key, or `tls` in huiyin.json",
            ));
        }
    };
    Ok(Wanted { proxies, tls })
}

impl Wanted {
    /// Listens; `plain` does so already.
    pub(super) async fn open(self, plain: TcpListener) -> Result<Open, Failure> {
        let url = format!("http://{}", plain.local_addr().map_err(Failure::unreachable)?);
        let mut listeners = vec![(plain, Door::Plain(Arc::clone(&self.proxies)))];
        let Some(WantedTls { listen, redirect, tls, hsts_seconds }) = self.tls else {
            return Ok(Open { listeners, url, secure: None, tls: None });
        };
        let bind = async |address| huiyin_server::bind(address, true).await.map_err(Failure::unreachable);
        let listener = bind(listen).await?;
        let at = listener.local_addr().map_err(Failure::unreachable)?;
        listeners.push((listener, Door::Tls { tls: Arc::clone(&tls), proxies: self.proxies, hsts_seconds }));
        if let Some(redirect) = redirect {
            listeners.push((bind(redirect).await?, Door::Redirect { port: at.port() }));
        }
        Ok(Open { listeners, url, secure: Some(format!("https://{at}")), tls: Some(tls) })
    }
}

impl Open {
    /// Reads the certificate again when it changes, and at SIGHUP, until `stop`.
    pub(super) fn follow(&self, stop: &CancellationToken) -> Result<(), Failure> {
        let Some(tls) = &self.tls else { return Ok(()) };
        let asked = Arc::new(Notify::new());
        tokio::spawn(Arc::clone(tls).follow(TLS_LOOK, Arc::clone(&asked), stop.clone()));
        let mut hangup =
            signal(SignalKind::hangup()).map_err(|error| Failure::unreachable(format_args!("signals: {error}")))?;
        let stop = stop.clone();
        tokio::spawn(async move {
            while stop.run_until_cancelled(hangup.recv()).await.flatten().is_some() {
                asked.notify_one();
            }
        });
        Ok(())
    }
}
