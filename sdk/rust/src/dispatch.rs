//! From the contract's JSON texts to a trait's typed call and back. Used by
//! the wasm glue and, natively, by [`testing`](crate::testing), so that a test
//! goes the same way as a host's call.
#![cfg_attr(not(target_family = "wasm"), allow(dead_code, reason = "the glue exists in wasm only"))]

use serde::de::DeserializeOwned;

use crate::{
    Classifier, Collector, Context, Document, Error, Item, Kind, Manifest, Message, Notifier, Outcome, Page, Receipt,
    Reporter, Step, json,
};

/// An empty text stands for `{}`: a plugin without configuration.
fn config<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    json::parse(text).map_err(Error::InvalidConfig)
}

pub(crate) fn collect<T: Collector>(
    ctx: &Context,
    config_text: &str,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page, Error> {
    T::collect(ctx, config(config_text)?, cursor, limit)
}

pub(crate) fn classify<T: Classifier>(
    ctx: &Context,
    config_text: &str,
    model: &[u8],
    state: Option<Vec<u8>>,
    items: Vec<Item>,
) -> Result<Outcome, Error> {
    T::classify(ctx, config(config_text)?, model, state, items)
}

pub(crate) fn render<T: Reporter>(ctx: &Context, config_text: &str, data: &str) -> Result<Vec<Document>, Error> {
    let config = config(config_text)?;
    T::render(ctx, config, json::parse(data).map_err(Error::InvalidInput)?)
}

pub(crate) fn deliver<T: Notifier>(ctx: &Context, config_text: &str, message: Message) -> Result<Receipt, Error> {
    T::deliver(ctx, config(config_text)?, message)
}

/// The `data` text of a message; empty for none.
pub(crate) fn message_data(text: &str) -> Result<serde_json::Value, Error> {
    if text.trim().is_empty() {
        return Ok(serde_json::Value::Null);
    }
    json::parse(text).map_err(|why| Error::InvalidInput(format!("the message's data: {why}")))
}

pub(crate) fn run<T: Step>(ctx: &Context, config_text: &str, input: &str) -> Result<String, Error> {
    let config = config(config_text)?;
    let input = json::parse(input).map_err(Error::InvalidInput)?;
    let output = T::run(ctx, config, input)?;
    serde_json::to_string(&output)
        .map_err(|why| Error::InvalidInput(format!("the output cannot be written as JSON: {why}")))
}

pub(crate) fn collector_manifest<T: Collector>() -> Manifest {
    Manifest::new::<T::Config>(Kind::Collector, T::about())
}

pub(crate) fn classifier_manifest<T: Classifier>() -> Manifest {
    Manifest::new::<T::Config>(Kind::Classifier, T::about())
}

pub(crate) fn reporter_manifest<T: Reporter>() -> Manifest {
    Manifest::new::<T::Config>(Kind::Reporter, T::about())
}

pub(crate) fn notifier_manifest<T: Notifier>() -> Manifest {
    Manifest::new::<T::Config>(Kind::Notifier, T::about())
}

pub(crate) fn step_manifest<T: Step>() -> Manifest {
    Manifest::new::<T::Config>(Kind::Step, T::about()).with_io::<T::Input, T::Output>()
}
