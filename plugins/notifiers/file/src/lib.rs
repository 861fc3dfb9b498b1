//! Notifier `file`: writes the message and its attachments into the granted
//! folder. The names follow from the idempotency key and the contents from the
//! message alone, so that a second try changes nothing. The message is written
//! last: where it is, the delivery is whole.

use std::fmt::Write as _;

use huiyin_sdk::markup::file_stem;
use huiyin_sdk::{About, Context, Error, Message, Notifier, Receipt, spool};
use schemars::JsonSchema;
use serde::Deserialize;

/// How files are named.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Config {
    /// Begins each file name: letters, digits, `-` and `_`.
    pub prefix: String,
}

/// The plugin.
#[derive(Debug)]
pub struct File;

impl Notifier for File {
    type Config = Config;

    fn about() -> About {
        About::new("file", env!("CARGO_PKG_VERSION"), "Writes the message and its attachments as files.")
            .spool()
            .idempotent()
    }

    fn deliver(ctx: &Context, config: Config, message: Message) -> Result<Receipt, Error> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if config.prefix.len() > 40 || !config.prefix.chars().all(plain) {
            return Err(Error::InvalidConfig(format!(
                "at /prefix: {:?} is not up to 40 letters, digits, `-` and `_`",
                config.prefix
            )));
        }
        let stem = format!("{}{}", config.prefix, file_stem(&ctx.idempotency_key));
        let mut written = Vec::new();
        for (n, document) in message.attachments.iter().enumerate() {
            let name = format!("{stem}-{}-{}", n + 1, attachment_name(&document.filename));
            written.push(spool::put(&name, &document.bytes)?);
        }
        if !message.data.is_null() {
            let data = format!("{:#}\n", message.data);
            written.push(spool::put(&format!("{stem}.json"), data.as_bytes())?);
        }
        let path = spool::put(&format!("{stem}.txt"), text(&message, &written).as_bytes())?;
        Ok(Receipt { detail: format!("{} files written", written.len() + 1), id: path })
    }
}

huiyin_sdk::export!(notifier: File);

fn text(message: &Message, written: &[String]) -> String {
    let mut out = format!("主题：{}\n", message.subject.replace(['\r', '\n'], " "));
    if !message.recipients.is_empty() {
        let recipients = message.recipients.join("、").replace(['\r', '\n'], " ");
        let _ = writeln!(out, "收件：{recipients}");
    }
    for name in written {
        let _ = writeln!(out, "附件：{name}");
    }
    out.push('\n');
    out.push_str(message.text.trim_end());
    out.push('\n');
    out
}

/// An attachment's name without what a folder or a terminal would mistake.
fn attachment_name(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| {
            let kept = c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
            if kept { c } else { '_' }
        })
        .take(60)
        .collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "attachment".to_owned() } else { name.to_owned() }
}
