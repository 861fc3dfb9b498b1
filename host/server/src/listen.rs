//! Listening: on this machine only, unless told otherwise in so many words;
//! with time-outs on whoever connects and says nothing; stopping cleanly.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use crate::connections::{Bounds, Connections, Known, Peer};
use crate::spoken::Spoken;

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
        "{0} can be reached from other machines, and the API speaks plain HTTP: put a TLS proxy before a loopback address, or pass --listen-publicly to accept this"
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

/// Serves until `stop` resolves; then lets what is under way end, for a while.
pub async fn serve(listener: TcpListener, service: Router, stop: impl Future<Output = ()>) {
    serve_within(listener, service, Bounds::default(), stop).await;
}

/// The same with other bounds than the usual.
pub async fn serve_within(listener: TcpListener, service: Router, bounds: Bounds, stop: impl Future<Output = ()>) {
    let open = GracefulShutdown::new();
    let connections = Connections::new(bounds);
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES);
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
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
        let service = infallible(service.clone(), place.caller(), Peer(peer));
        let connection = http.serve_connection(TokioIo::new(Spoken::new(stream)), TowerToHyperService::new(service));
        let connection = open.watch(connection);
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ended badly");
                    }
                }
                () = place.wanted() => tracing::debug!("a connection of nobody known was closed for another"),
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(GRACE, open.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way after {GRACE:?} and were broken off");
    }
}

/// Hyper hands bodies in as its own type; axum wants its own. Each request says whose connection it came by.
fn infallible(
    service: Router,
    caller: Known,
    peer: Peer,
) -> impl tower::Service<
    hyper::Request<hyper::body::Incoming>,
    Response = axum::response::Response,
    Error = Infallible,
    Future: Send,
> + Clone
+ Send {
    tower::ServiceExt::map_request(service, move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(caller.clone());
        request.extensions_mut().insert(peer);
        request.map(axum::body::Body::new)
    })
}
