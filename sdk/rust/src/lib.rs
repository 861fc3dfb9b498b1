//! Write Huiyin plugins in Rust.
//!
//! A plugin implements one of five traits over plain Rust types, and one macro
//! makes a component of it:
//!
//! ```
//! use huiyin_sdk::{About, Context, Error, Step};
//! use huiyin_sdk::schemars::{self, JsonSchema};
//! use huiyin_sdk::serde::{self, Deserialize, Serialize};
//!
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(crate = "huiyin_sdk::serde", deny_unknown_fields)]
//! #[schemars(crate = "huiyin_sdk::schemars")]
//! struct Config { greeting: String }
//!
//! struct Greet;
//!
//! impl Step for Greet {
//!     type Config = Config;
//!     type Input = String;
//!     type Output = String;
//!
//!     fn about() -> About {
//!         About::new("greet", env!("CARGO_PKG_VERSION"), "Greets by name.").idempotent()
//!     }
//!
//!     fn run(_: &Context, config: Config, name: String) -> Result<String, Error> {
//!         Ok(format!("{}, {name}!", config.greeting))
//!     }
//! }
//!
//! huiyin_sdk::export!(step: Greet);
//! ```
//!
//! Everything compiles natively too: there the macro only checks the trait,
//! and [`http`], [`log`], [`secrets`], [`kv`] and [`spool`] are answered by
//! fakes that a test sets up, so `cargo test` tests a plugin without a host.
//!
//! This crate must never offer a clock, randomness or an unseeded hash map:
//! a classifier's or reporter's call, repeated, gives the same result.

pub mod charset;
mod collections;
mod contract;
mod count;
mod dispatch;
pub mod http;
pub mod intake;
mod json;
mod kinds;
pub mod known;
pub mod kv;
mod link;
pub mod log;
pub mod mail;
mod manifest;
pub mod markup;
pub mod outcome;
pub mod poll;
pub mod quiet;
#[cfg(feature = "reports")]
pub mod reports;
pub mod robot;
pub mod secrets;
pub mod spool;
pub mod template;
pub mod terms;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod text;
pub mod time;

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod bindings;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod glue;
#[cfg(target_family = "wasm")]
mod heap;

pub use collections::{BTreeMap, BTreeSet, HashMap, HashSet};
pub use contract::{Context, Document, Error, Factor, Item, Level, Message, Outcome, Page, Receipt, Verdict};
pub use count::count;
pub use json::{mended as parse_json_mended, parse as parse_json};
pub use kinds::{Classifier, Collector, Notifier, Reporter, Step};
pub use manifest::{About, Capability, Kind, Manifest};

pub use schemars;
pub use serde;
pub use serde_json;

/// Exports a type as the crate's plugin: `huiyin_sdk::export!(collector: Feed);`
///
/// The kind is one of `collector`, `classifier`, `reporter`, `notifier`,
/// `step`; the type implements the trait of that name. Use it once a crate, in
/// a library with `crate-type = ["cdylib", "rlib"]`. In a native build it only
/// checks that the trait is implemented.
#[macro_export]
macro_rules! export {
    (collector: $plugin:ty) => {
        $crate::__export!($plugin, Collector, collector, export_collector);
    };
    (classifier: $plugin:ty) => {
        $crate::__export!($plugin, Classifier, classifier, export_classifier);
    };
    (reporter: $plugin:ty) => {
        $crate::__export!($plugin, Reporter, reporter, export_reporter);
    };
    (notifier: $plugin:ty) => {
        $crate::__export!($plugin, Notifier, notifier, export_notifier);
    };
    (step: $plugin:ty) => {
        $crate::__export!($plugin, Step, step, export_step);
    };
}

#[cfg(target_family = "wasm")]
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($plugin:ty, $kind:ident, $module:ident, $export:ident) => {
        const _: () = {
            type Component = $crate::glue::$kind<$plugin>;
    $crate::bindings::info::export_info!(Component with_types_in $crate::bindings::info);
    $crate::bindings::$module::$export!(Component with_types_in $crate::bindings::$module);
        };
    };
}

#[cfg(not(target_family = "wasm"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($plugin:ty, $kind:ident, $module:ident, $export:ident) => {
        const _: fn() = || {
            fn implements<T: $crate::$kind>() {}
            implements::<$plugin>();
        };
    };
}
