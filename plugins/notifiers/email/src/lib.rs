//! Notifier `email`: the message and its attachments as mail. The mails of one case make one thread. A try after an
//! unknown outcome would reach people twice, so the plugin is not idempotent; its `Message-ID` is the same on every
//! try, by which mail systems drop doubles.

mod compose;

use std::collections::BTreeMap;

use huiyin_sdk::mail::Submission;
use huiyin_sdk::{About, Context, Error, Message, Notifier, Receipt, http};
use schemars::JsonSchema;
use serde::Deserialize;

/// By which server, as whom, and to whom.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// `smtps://mail.example.cn` (TLS at once, port 465) or `smtp://mail.example.cn` (STARTTLS, port 587).
    pub server: String,
    /// The sender's address.
    pub from: String,
    /// The sender's name, as readers see it.
    #[serde(default)]
    pub from_name: Option<String>,
    /// Where answers go, if not to the sender.
    #[serde(default)]
    pub reply_to: Option<String>,
    /// The user of the login, whose password is the secret `email-password`; none for a server that wants no login.
    #[serde(default)]
    pub user: Option<String>,
    /// Addresses by the names that workflows use. A recipient that is none of these is an address itself.
    #[serde(default)]
    pub addresses: BTreeMap<String, String>,
    /// How long to wait for the server's connection, in seconds: 1 to 300.
    #[serde(default = "thirty")]
    #[schemars(range(min = 1, max = 300))]
    pub timeout_seconds: u32,
}

fn thirty() -> u32 {
    30
}

/// The secret that is the password.
const PASSWORD: &str = "email-password";

/// The most recipients of one mail.
const MAX_RECIPIENTS: usize = 100;

/// The plugin.
#[derive(Debug)]
pub struct Email;

impl Notifier for Email {
    type Config = Config;

    fn about() -> About {
        About::new("email", env!("CARGO_PKG_VERSION"), "Sends the message as mail, one thread for each case.")
            .http("smtps://*:*", &["POST"], "/")
            .http("smtp://*:*", &["POST"], "/")
            .secret(PASSWORD, "signs in to the mail server, where it wants that")
    }

    fn deliver(ctx: &Context, config: Config, message: Message) -> Result<Receipt, Error> {
        http::check_timeout(config.timeout_seconds)?;
        let from = compose::address(&config.from).map_err(|why| Error::InvalidConfig(format!("at /from: {why}")))?;
        let to = recipients(&config, &message)?;
        let id = compose::message_id(ctx, from);
        let submission = Submission {
            server: config.server.clone(),
            login: config.user.clone().map(|user| (user, PASSWORD.to_owned())),
            from: from.to_owned(),
            message: compose::message(ctx, &config, &message, &to, &id)?,
            to,
            timeout_seconds: config.timeout_seconds,
        };
        let detail = submission.send()?;
        Ok(Receipt { id: format!("<{id}>"), detail })
    }
}

huiyin_sdk::export!(notifier: Email);

/// The addresses of all recipients, each once.
fn recipients(config: &Config, message: &Message) -> Result<Vec<String>, Error> {
    let mut to: Vec<String> = Vec::new();
    for (n, name) in message.recipients.iter().enumerate() {
        let address = match config.addresses.get(name) {
            Some(address) => {
                compose::address(address).map_err(|why| Error::InvalidConfig(format!("at /addresses/{name}: {why}")))?
            }
            None => compose::address(name).map_err(|why| {
                Error::InvalidInput(format!("recipient {}: {why}, and no name in `addresses`", n + 1))
            })?,
        };
        if !to.iter().any(|known| known.eq_ignore_ascii_case(address)) {
            to.push(address.to_owned());
        }
    }
    match to.len() {
        0 => Err(Error::InvalidInput("the message has no recipients".to_owned())),
        1..=MAX_RECIPIENTS => Ok(to),
        many => Err(Error::InvalidInput(format!("{many} recipients; one mail can have {MAX_RECIPIENTS}"))),
    }
}
