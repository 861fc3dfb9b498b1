//! The five kinds of plugin, one trait each. Functions, not methods: a plugin
//! has no state of its own between calls.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{About, Context, Document, Error, Item, Message, Outcome, Page, Receipt};

/// Brings items in (采集).
pub trait Collector {
    /// The plugin's configuration; its JSON Schema goes into the manifest.
    type Config: DeserializeOwned + JsonSchema;

    /// What the plugin says about itself.
    fn about() -> About;

    /// Fetches one page of at most `limit` items, from where `cursor` (this
    /// function's own, of an earlier page) says.
    fn collect(ctx: &Context, config: Self::Config, cursor: Option<String>, limit: u32) -> Result<Page, Error>;
}

/// Scores items (研判). Pure: no [`http`](crate::http), [`log`](crate::log),
/// [`secrets`](crate::secrets), [`kv`](crate::kv) or [`spool`](crate::spool);
/// a package that imports them is refused.
pub trait Classifier {
    /// The plugin's configuration; its JSON Schema goes into the manifest.
    type Config: DeserializeOwned + JsonSchema;

    /// What the plugin says about itself.
    fn about() -> About;

    /// Judges a batch: exactly one result for each item, in their order. One
    /// bad item gets its own error and does not fail the batch.
    fn classify(
        ctx: &Context,
        config: Self::Config,
        model: &[u8],
        state: Option<Vec<u8>>,
        items: Vec<Item>,
    ) -> Result<Outcome, Error>;
}

/// Writes documents (报送). Pure, as [`Classifier`] is.
pub trait Reporter {
    /// The plugin's configuration; its JSON Schema goes into the manifest.
    type Config: DeserializeOwned + JsonSchema;
    /// What a report is made from.
    type Data: DeserializeOwned;

    /// What the plugin says about itself.
    fn about() -> About;

    /// Renders one report, in one or several forms.
    fn render(ctx: &Context, config: Self::Config, data: Self::Data) -> Result<Vec<Document>, Error>;
}

/// Delivers outward (通知、发布).
pub trait Notifier {
    /// The plugin's configuration; its JSON Schema goes into the manifest.
    type Config: DeserializeOwned + JsonSchema;

    /// What the plugin says about itself.
    fn about() -> About;

    /// Delivers one message, or says why not: [`Error::Transient`] and
    /// [`Error::RateLimited`] promise that nothing was delivered,
    /// [`Error::Unknown`] is for everything less sure.
    fn deliver(ctx: &Context, config: Self::Config, message: Message) -> Result<Receipt, Error>;
}

/// Turns JSON into JSON.
pub trait Step {
    /// The plugin's configuration; its JSON Schema goes into the manifest.
    type Config: DeserializeOwned + JsonSchema;
    /// What a call takes; its JSON Schema goes into the manifest.
    type Input: DeserializeOwned + JsonSchema;
    /// What a call gives; its JSON Schema goes into the manifest.
    type Output: Serialize + JsonSchema;

    /// What the plugin says about itself.
    fn about() -> About;

    /// Does the step once.
    fn run(ctx: &Context, config: Self::Config, input: Self::Input) -> Result<Self::Output, Error>;
}
