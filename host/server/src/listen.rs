//! Listening: on this machine only, unless told otherwise in so many words;
//! with time-outs on whoever connects and says nothing; stopping cleanly.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::connections::{Bounds, Connections, Known};
use crate::proxies::Proxies;
use crate::spoken::Spoken;
use crate::tls::Tls;

/// From a connection to the end of a request's headers.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// From being asked to stop to breaking off what is still under way.
const GRACE: Duration = Duration::from_secs(5);

/// The most header lines of a request.
const MAX_HEADERS: usize = 100;

/// The largest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// Why the API does not listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address is open to others and that was not asked for.
    #[error(
        "{0} can be reached from other machines, and the API speaks plain HTTP there: serve TLS beside a loopback address (`tls` in huiyin.json), put a TLS proxy before it, or pass --listen-publicly to accept this"
    )]
    Public(SocketAddr),
    /// The system refuses the address.
    #[error("cannot listen on {address}: {error}")]
    Io {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
}

/// Takes the address. Port 0 takes a free one.
///
/// # Errors
/// When the address is not of this machine alone and `publicly` is false, or the system refuses it.
pub async fn bind(address: SocketAddr, publicly: bool) -> Result<TcpListener, ListenError> {
    if !address.ip().is_loopback() && !publicly {
        return Err(ListenError::Public(address));
    }
    TcpListener::bind(address).await.map_err(|error| ListenError::Io { address, error })
}

/// What a listener serves, and how.
#[derive(Debug, Clone)]
pub enum Door {
    /// Plain HTTP; what proxies say counts where they are named.
    Plain(Arc<Proxies>),
    /// TLS.
    Tls {
        /// By which certificate.
        tls: Arc<Tls>,
        /// The proxies that are believed.
        proxies: Arc<Proxies>,
        /// For how many seconds browsers are told to ask by TLS alone; 0 tells them nothing.
        hsts_seconds: u64,
    },
    /// Plain HTTP that serves nothing, and shows pages the way to TLS.
    Redirect {
        /// The port of TLS.
        port: u16,
    },
}

impl Default for Door {
    fn default() -> Door {
        Door::Plain(Arc::default())
    }
}

/// Serves until `stop` resolves; then lets what is under way end, for a while.
pub async fn serve(listener: TcpListener, service: Router, stop: impl Future<Output = ()>) {
    serve_doors(vec![(listener, Door::default())], service, Bounds::default(), stop).await;
}

/// The same at several doors: so many may be connected at all of them together.
pub async fn serve_doors(
    doors: Vec<(TcpListener, Door)>,
    service: Router,
    bounds: Bounds,
    stop: impl Future<Output = ()>,
) {
    let open = Arc::new(GracefulShutdown::new());
    let connections = Arc::new(Connections::new(bounds));
    let accepting: Vec<_> = doors
        .into_iter()
        .map(|(listener, door)| {
            let keeper = Keeper::of(door, &service);
            tokio::spawn(accept(listener, keeper, Arc::clone(&connections), Arc::clone(&open)))
        })
        .collect();
    stop.await;
    for one in accepting {
        one.abort();
        // The listener is closed when this has ended.
        let _ = one.await;
    }
    let Some(open) = Arc::into_inner(open) else { return };
    if tokio::time::timeout(GRACE, open.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way after {GRACE:?} and were broken off");
    }
}

/// Takes connections at one door, for ever.
async fn accept(listener: TcpListener, keeper: Keeper, connections: Arc<Connections>, open: Arc<GracefulShutdown>) {
    let keeper = Arc::new(keeper);
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Mostly too many open files: others must close theirs first.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        // Without a place it is closed at once: whoever holds the others has shown the token.
        let Some(place) = connections.place() else { continue };
        let _ = stream.set_nodelay(true);
        let (keeper, watcher) = (Arc::clone(&keeper), open.watcher());
        tokio::spawn(async move {
            tokio::select! {
                () = keeper.attend(stream, address, place.caller(), watcher) => {}
                () = place.wanted() => tracing::debug!("a connection of nobody known was closed for another"),
            }
        });
    }
}

/// What is done with the connections of a door.
struct Keeper {
    service: Router,
    proxies: Arc<Proxies>,
    tls: Option<TlsAcceptor>,
}

impl Keeper {
    fn of(door: Door, service: &Router) -> Keeper {
        match door {
            Door::Plain(proxies) => Keeper { service: service.clone(), proxies, tls: None },
            Door::Tls { tls, proxies, hsts_seconds } => {
                let mut service = service.clone();
                if let Ok(value) = HeaderValue::from_str(&format!("max-age={hsts_seconds}; includeSubDomains"))
                    && hsts_seconds > 0
                {
                    service = service.layer(map_response(move |mut response: Response| {
                        let value = value.clone();
                        async move {
                            response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
                            response
                        }
                    }));
                }
                Keeper { service, proxies, tls: Some(tls.acceptor()) }
            }
            Door::Redirect { port } => {
                Keeper { service: crate::redirect::router(port), proxies: Arc::default(), tls: None }
            }
        }
    }

    /// From the first byte of a connection to its end.
    async fn attend(&self, stream: TcpStream, address: SocketAddr, caller: Known, watcher: Watcher) {
        let Some(tls) = &self.tls else { return self.converse(stream, address, caller, watcher).await };
        match tokio::time::timeout(HEADER_TIME, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.converse(stream, address, caller, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, "a connection speaks no TLS that is spoken here"),
            Err(_) => tracing::debug!("a connection began TLS and said no more"),
        }
    }

    async fn converse<S>(&self, stream: S, address: SocketAddr, caller: Known, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIME)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD_BYTES);
        let service = self.infallible(address, caller);
        let connection = http.serve_connection(TokioIo::new(Spoken::new(stream)), TowerToHyperService::new(service));
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%error, "a connection ended badly");
        }
    }

    /// Hyper hands bodies in as its own type; axum wants its own. Each request says by whose connection it came.
    fn infallible(
        &self,
        address: SocketAddr,
        caller: Known,
    ) -> impl tower::Service<
        hyper::Request<hyper::body::Incoming>,
        Response = Response,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + use<> {
        let (proxies, tls) = (Arc::clone(&self.proxies), self.tls.is_some());
        tower::ServiceExt::map_request(
            self.service.clone(),
            move |mut request: hyper::Request<hyper::body::Incoming>| {
                let peer = proxies.admit(request.headers_mut(), address, tls);
                request.extensions_mut().insert(caller.clone());
                request.extensions_mut().insert(peer);
                request.map(axum::body::Body::new)
            },
        )
    }
}
