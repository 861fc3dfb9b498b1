//! The paths of the API, and what all of them share.

use std::sync::Arc;
use std::time::Duration;

use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use axum::{Extension, Router};
use huiyin_engine::Engine;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::account::{SignIn, routes};
use crate::body::{self, BodyLimit, Room};
use crate::finder::Finder;
use crate::problem::Problem;
use crate::token::Token;
use crate::{
    activity, bindings, caller, calls, catalog, clocks, console, desk, events, intake, log, logs, messages, plugins,
    policy, publishers, records, responses, runs, schedules, search, sources, watch, workflows,
};

/// The longest pause between two parts of a request's body.
const BODY_PAUSE: Duration = Duration::from_secs(10);

/// What handlers work with.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) engine: Arc<Engine>,
    pub(crate) token: Arc<Token>,
    pub(crate) sign_in: Arc<SignIn>,
    /// Packages that may be sent at once.
    pub(crate) uploads: Arc<Semaphore>,
    /// What searches go through.
    pub(crate) finder: Finder,
    /// Cancelled when the server stops: ends streams that would go on for ever.
    pub(crate) stop: CancellationToken,
}

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
    let guarded = Router::new()
        .merge(routes::guarded())
        .route("/v1/host", get(catalog::host))
        .route("/v1/commands", get(desk::commands))
        .route("/v1/records", get(records::list))
        .route("/v1/records/{index}", get(records::show))
        .route("/v1/workflows", get(workflows::list).post(workflows::deploy))
        .route("/v1/workflows/{namespace}/{name}", get(workflows::show))
        .route("/v1/workflows/{namespace}/{name}/withdraw", post(workflows::withdraw))
        .route("/v1/schemas/workflow.json", get(workflows::schema))
        .route("/v1/plugins", get(plugins::list).post(plugins::install))
        .route("/v1/plugins/{plugin}/remove", post(plugins::remove))
        .route("/v1/plugins/{plugin}/grant", post(plugins::grant))
        .route("/v1/plugins/{plugin}/revoke", post(plugins::revoke))
        .route("/v1/publishers", get(publishers::list))
        .route("/v1/publishers/trust", post(publishers::trust))
        .route("/v1/publishers/distrust", post(publishers::distrust))
        .route("/v1/bindings", get(bindings::list).post(bindings::bind))
        .route("/v1/bindings/lift", post(bindings::lift))
        .route("/v1/canaries", post(bindings::start_canary))
        .route("/v1/canaries/promote", post(bindings::promote_canary))
        .route("/v1/canaries/drop", post(bindings::drop_canary))
        .route("/v1/canaries/differences", get(bindings::differences))
        .route("/v1/sources", get(sources::list))
        .route("/v1/sources/rewind", post(sources::rewind))
        .route("/v1/coverage", get(watch::coverage))
        .route("/v1/roster", get(watch::roster))
        .route("/v1/patrols", get(watch::patrols))
        .route("/v1/warnings", get(watch::warnings))
        .route("/v1/shared", get(watch::shared))
        .route("/v1/items/{item}", get(watch::item))
        .route("/v1/runs", get(runs::list).post(runs::start))
        .route("/v1/runs/{id}", get(runs::show))
        .route("/v1/runs/{id}/records", get(runs::records))
        .route("/v1/runs/{id}/cancel", post(runs::cancel))
        .route("/v1/runs/{id}/suspend", post(runs::suspend))
        .route("/v1/runs/{id}/resume", post(runs::resume))
        .route("/v1/runs/{id}/retry", post(runs::retry))
        .route("/v1/runs/{id}/restart", post(runs::restart))
        .route("/v1/runs/{id}/resolve", post(runs::resolve))
        .route("/v1/units/{unit}/commands", post(desk::command))
        .route("/v1/units/{unit}/clocks.ics", get(clocks::calendar))
        .route("/v1/units/{unit}/items", post(intake::items))
        .route("/v1/units/{unit}/messages", post(messages::receive))
        .route("/v1/units/{unit}/calls", post(calls::import))
        .route("/v1/hotline", get(calls::rate))
        .route("/v1/logs", get(logs::list))
        .route("/v1/units/{unit}/events", post(events::of_unit))
        .route("/v1/events", post(events::any))
        .route("/v1/lifecycle", get(catalog::lifecycle))
        .route("/v1/schedules", get(schedules::list))
        .route("/v1/schedules/pause", post(schedules::pause))
        .route("/v1/schedules/resume", post(schedules::resume))
        .route("/v1/items", get(desk::items))
        .route("/v1/tasks", get(desk::tasks))
        .route("/v1/approvals", get(desk::approvals))
        .route("/v1/reports", get(desk::reports))
        .route("/v1/responses", get(responses::responses))
        .route("/v1/disclosures", get(responses::disclosures))
        .route("/v1/policy", get(desk::policy).post(policy::deploy))
        .route("/v1/policy/versions", get(policy::versions))
        .route("/v1/schemas/policy.json", get(policy::schema))
        .route("/v1/search", get(search::search))
        .route("/v1/cases", get(desk::cases))
        .route("/v1/cases/{number}", get(desk::case))
        .route("/v1/activity", get(activity::stream))
        .route("/v1/checkpoint", get(log::checkpoint))
        .route("/v1/log/key", get(log::key))
        .route("/v1/proofs", get(log::proof_of))
        .route("/v1/proofs/{index}", get(log::proof))
        .route_layer(from_fn_with_state(app.clone(), caller::check));
    Router::new()
        .route("/healthz", get(catalog::health))
        .merge(routes::open())
        .merge(guarded)
        .fallback(console::file)
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .layer(RequestBodyTimeoutLayer::new(BODY_PAUSE))
        .layer(from_fn(body::share))
        .layer(Extension(limit))
        .layer(Extension(Room::new()))
        .layer(CatchPanicLayer::custom(|_| {
            use axum::response::IntoResponse as _;
            Problem::internal("a handler failed; this is a fault of Huiyin, please report it").into_response()
        }))
        .with_state(app)
}
