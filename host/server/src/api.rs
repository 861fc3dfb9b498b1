//! The API as a service: every route of the table, behind what all of them share.

use std::sync::Arc;
use std::time::Duration;

use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::{Extension, Router};
use huiyin_engine::Engine;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::account::SignIn;
use crate::body::{self, BodyLimit, Room};
use crate::finder::Finder;
use crate::openapi::{Document, Right};
use crate::problem::Problem;
use crate::state::App;
use crate::token::Token;
use crate::{caller, console, etag, headers, paging, plugins, routes};

/// The longest pause between two parts of a request's body.
const BODY_PAUSE: Duration = Duration::from_secs(10);

/// The largest body of somebody who has not signed in yet, in bytes.
const SMALL: BodyLimit = BodyLimit { bytes: 8 << 10, memory: 64 << 10 };

/// The API as a service where nobody signs in: all is done with the token. `stop` ends what streams.
pub fn router(engine: Arc<Engine>, token: Token, stop: CancellationToken) -> Router {
    let sign_in = Arc::new(SignIn::nowhere(&token));
    router_with(engine, token, sign_in, stop)
}

/// The API and the console as a service, for whoever bears the token or has signed in.
pub fn router_with(engine: Arc<Engine>, token: Token, sign_in: Arc<SignIn>, stop: CancellationToken) -> Router {
    let limit = BodyLimit::of(engine.payload());
    let uploads = Arc::new(Semaphore::new(plugins::UPLOADS));
    let finder = Finder::default();
    finder.follow(&engine, stop.clone());
    let app = App { engine, token: Arc::new(token), sign_in, uploads, finder, stop };
    let routes = routes::all();
    let document = Arc::new(Document::of(&routes));
    let mut router = Router::new();
    for mut route in routes {
        if let Some(paged) = route.paged {
            let page = move |request, next| paging::page(paged, request, next);
            route.handler = route.handler.layer(from_fn(page));
        }
        if route.tagged == Some(true) {
            route.handler = route.handler.layer(from_fn(etag::tag));
        }
        let handler = match route.right {
            Right::Public => route.handler.layer(Extension(SMALL)),
            _ => route.handler.route_layer(from_fn_with_state((app.clone(), route.right), caller::check)),
        };
        router = router.route(route.path, handler);
    }
    router
        .fallback(console::file)
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
        .layer(from_fn(body::share))
        .layer(Extension(document))
        .layer(Extension(limit))
        .layer(Extension(Room::new()))
        .layer(map_response(headers::guard))
        .layer(CatchPanicLayer::custom(|_| {
            use axum::response::IntoResponse as _;
            Problem::internal("a handler failed; this is a fault of Huiyin, please report it").into_response()
        }))
        .with_state(app)
}
