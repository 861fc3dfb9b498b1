//! What goes on, as server-sent events: each event's name is a CloudEvent's
//! type, its data the activity as JSON.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::{Stream, StreamExt as _, stream};
use huiyin_engine::Activity;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::caller::Caller;
use crate::readers;
use crate::state::App;

/// A comment is sent when nothing else was for so long, so that proxies keep the stream open.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Ends with the host, and with the session that it was asked for by.
pub(crate) async fn stream(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let stop = app.stop.clone();
    let over = caller.session.as_ref().map(|session| session.over.clone()).unwrap_or_default();
    let ended = async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = over.cancelled() => {}
        }
    };
    let events = stream::unfold((app.engine.activity(), app, caller), next).map(Ok).take_until(Box::pin(ended));
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

type Feed = (Receiver<Activity>, App, Caller);

/// The next event that the asker may see.
async fn next((mut feed, app, caller): Feed) -> Option<(Event, Feed)> {
    let heard = loop {
        match feed.recv().await {
            Ok(activity) if !caller.sees(activity.unit.as_deref()) => {}
            Ok(activity) if !readers::may_hear(&app, &caller, &activity).await => {}
            heard => break heard,
        }
    };
    let event = match heard {
        Ok(activity) => {
            Event::default().event(activity.kind.replace(['\r', '\n'], " ")).json_data(&activity).unwrap_or_else(
                |error| Event::default().event("huiyin.stream.fault").data(error.to_string().replace('\r', " ")),
            )
        }
        Err(RecvError::Lagged(missed)) => {
            Event::default().event("huiyin.stream.lagged").data(json!({"missed": missed}).to_string())
        }
        Err(RecvError::Closed) => return None,
    };
    Some((event, (feed, app, caller)))
}
