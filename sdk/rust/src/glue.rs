//! Between the generated bindings and the traits; wasm only, and not part of
//! the API. Moves fields, decides nothing.

use std::marker::PhantomData;

use crate::bindings::host::huiyin::plugin::types as wit;
use crate::bindings::{classifier, collector, info, notifier, reporter, step};
use crate::{Capability, Kind, Manifest, contract, dispatch, manifest};

impl From<wit::Context> for contract::Context {
    fn from(it: wit::Context) -> Self {
        Self {
            call_id: it.call_id,
            attempt: it.attempt,
            unit: it.unit,
            now: it.now,
            idempotency_key: it.idempotency_key,
        }
    }
}

impl From<wit::Item> for contract::Item {
    fn from(it: wit::Item) -> Self {
        Self {
            id: it.id,
            source: it.source,
            url: it.url,
            title: it.title,
            body: it.body,
            published: it.published,
            observed: it.observed,
            fields: it.fields.into_iter().map(|f| (f.name, f.value)).collect(),
        }
    }
}

impl From<contract::Item> for wit::Item {
    fn from(it: contract::Item) -> Self {
        Self {
            id: it.id,
            source: it.source,
            url: it.url,
            title: it.title,
            body: it.body,
            published: it.published,
            observed: it.observed,
            fields: it.fields.into_iter().map(|(name, value)| wit::Field { name, value }).collect(),
        }
    }
}

impl From<contract::Error> for wit::Error {
    fn from(it: contract::Error) -> Self {
        match it {
            contract::Error::Transient(why) => Self::Transient(why),
            contract::Error::RateLimited(seconds) => Self::RateLimited(seconds),
            contract::Error::InvalidInput(why) => Self::InvalidInput(why),
            contract::Error::InvalidConfig(why) => Self::InvalidConfig(why),
            contract::Error::Unknown(why) => Self::Unknown(why),
        }
    }
}

impl From<contract::Level> for wit::Level {
    fn from(it: contract::Level) -> Self {
        match it {
            contract::Level::I => Self::I,
            contract::Level::II => Self::Ii,
            contract::Level::III => Self::Iii,
            contract::Level::IV => Self::Iv,
        }
    }
}

impl From<contract::Document> for wit::Document {
    fn from(it: contract::Document) -> Self {
        Self { media_type: it.media_type, filename: it.filename, bytes: it.bytes }
    }
}

impl From<wit::Document> for contract::Document {
    fn from(it: wit::Document) -> Self {
        Self { media_type: it.media_type, filename: it.filename, bytes: it.bytes }
    }
}

impl From<Manifest> for info::exports::huiyin::plugin::info::Manifest {
    fn from(it: Manifest) -> Self {
        use info::exports::huiyin::plugin::info as wit;
        Self {
            name: it.name,
            version: it.version,
            kind: match it.kind {
                Kind::Collector => wit::Kind::Collector,
                Kind::Classifier => wit::Kind::Classifier,
                Kind::Reporter => wit::Kind::Reporter,
                Kind::Notifier => wit::Kind::Notifier,
                Kind::Step => wit::Kind::Step,
            },
            summary: it.summary,
            config_schema: it.config_schema,
            input_schema: it.input_schema,
            output_schema: it.output_schema,
            capabilities: it
                .capabilities
                .into_iter()
                .map(|capability| match capability {
                    Capability::Http { origin, methods, path_prefix } => {
                        wit::Capability::Http(wit::HttpRequest { origin, methods, path_prefix })
                    }
                    Capability::Secret { name, purpose } => {
                        wit::Capability::Secret(wit::SecretRequest { name, purpose })
                    }
                    Capability::Spool => wit::Capability::Spool,
                    Capability::Kv(bytes) => wit::Capability::Kv(bytes),
                })
                .collect(),
            idempotent: it.idempotent,
        }
    }
}

/// A component around `T`; the name is the kind, for the export macro.
macro_rules! component {
    ($kind:ident, $manifest:ident) => {
        pub struct $kind<T>(PhantomData<T>);

        impl<T: crate::$kind> info::exports::huiyin::plugin::info::Guest for $kind<T> {
            fn describe() -> info::exports::huiyin::plugin::info::Manifest {
                let manifest: manifest::Manifest = dispatch::$manifest::<T>();
                manifest.into()
            }
        }
    };
}

component!(Collector, collector_manifest);
component!(Classifier, classifier_manifest);
component!(Reporter, reporter_manifest);
component!(Notifier, notifier_manifest);
component!(Step, step_manifest);

impl<T: crate::Collector> collector::exports::huiyin::plugin::collector::Guest for Collector<T> {
    fn collect(
        ctx: wit::Context,
        config: String,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<collector::exports::huiyin::plugin::collector::Page, wit::Error> {
        let page = dispatch::collect::<T>(&ctx.into(), &config, cursor, limit)?;
        Ok(collector::exports::huiyin::plugin::collector::Page {
            items: page.items.into_iter().map(Into::into).collect(),
            cursor: page.cursor,
            more: page.more,
        })
    }
}

impl<T: crate::Classifier> classifier::exports::huiyin::plugin::classifier::Guest for Classifier<T> {
    fn classify(
        ctx: wit::Context,
        config: String,
        model: Vec<u8>,
        state: Option<Vec<u8>>,
        items: Vec<wit::Item>,
    ) -> Result<classifier::exports::huiyin::plugin::classifier::Outcome, wit::Error> {
        use classifier::exports::huiyin::plugin::classifier as kind;
        let items = items.into_iter().map(Into::into).collect();
        let outcome = dispatch::classify::<T>(&ctx.into(), &config, &model, state, items)?;
        Ok(kind::Outcome {
            verdicts: outcome
                .verdicts
                .into_iter()
                .map(|verdict| {
                    verdict.map(|it| kind::Verdict {
                        level: it.level.map(Into::into),
                        score: it.score,
                        factors: it
                            .factors
                            .into_iter()
                            .map(|f| kind::Factor { name: f.name, score: f.score })
                            .collect(),
                        labels: it.labels,
                        reasons: it.reasons,
                    })
                })
                .collect(),
            state: outcome.state,
        })
    }
}

impl<T: crate::Reporter> reporter::exports::huiyin::plugin::reporter::Guest for Reporter<T> {
    fn render(ctx: wit::Context, config: String, data: String) -> Result<Vec<wit::Document>, wit::Error> {
        let documents = dispatch::render::<T>(&ctx.into(), &config, &data)?;
        Ok(documents.into_iter().map(Into::into).collect())
    }
}

impl<T: crate::Notifier> notifier::exports::huiyin::plugin::notifier::Guest for Notifier<T> {
    fn deliver(
        ctx: wit::Context,
        config: String,
        msg: notifier::exports::huiyin::plugin::notifier::Message,
    ) -> Result<notifier::exports::huiyin::plugin::notifier::Receipt, wit::Error> {
        let message = contract::Message {
            subject: msg.subject,
            text: msg.text,
            recipients: msg.recipients,
            attachments: msg.attachments.into_iter().map(Into::into).collect(),
            data: dispatch::message_data(&msg.data)?,
        };
        let receipt = dispatch::deliver::<T>(&ctx.into(), &config, message)?;
        Ok(notifier::exports::huiyin::plugin::notifier::Receipt { id: receipt.id, detail: receipt.detail })
    }
}

impl<T: crate::Step> step::exports::huiyin::plugin::step::Guest for Step<T> {
    fn run(ctx: wit::Context, config: String, input: String) -> Result<String, wit::Error> {
        Ok(dispatch::run::<T>(&ctx.into(), &config, &input)?)
    }
}
