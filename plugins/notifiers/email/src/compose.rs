//! The mail itself (RFC 5322, MIME). Pure: the same call gives the same bytes.

use huiyin_sdk::{Context, Error, Message};
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::message_id::MessageId;
use mail_builder::mime::MimePart;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::Config;

/// An address as it may stand in the envelope: `name@place`, in ASCII.
pub(crate) fn address(text: &str) -> Result<&str, String> {
    let plain = |c: char| {
        c.is_ascii_graphic() && !matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | ':' | '\\' | '"' | '[' | ']')
    };
    let fine = text.len() <= 254
        && text.rsplit_once('@').is_some_and(|(name, place)| {
            !name.is_empty()
                && name.len() <= 64
                && place.contains('.')
                && !name.contains('@')
                && text.chars().all(plain)
        });
    if fine { Ok(text) } else { Err(format!("{text:?} is no mail address such as duty@example.cn")) }
}

/// The mail's own id without its brackets: the same on every try.
pub(crate) fn message_id(ctx: &Context, from: &str) -> String {
    format!("{}@{}", short(&[&ctx.unit, &ctx.idempotency_key]), place(from))
}

fn place(from: &str) -> &str {
    from.rsplit_once('@').map_or("localhost", |(_, place)| place)
}

fn short(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..16])
}

/// The whole mail. What belongs to a case names the case's own id as the one it answers, which nobody ever sent:
/// mail programs show such mails as one thread.
pub(crate) fn message(
    ctx: &Context,
    config: &Config,
    message: &Message,
    to: &[String],
    id: &str,
) -> Result<Vec<u8>, Error> {
    let text = MimePart::new("text/plain; charset=utf-8", message.text.clone());
    let body = if message.attachments.is_empty() {
        text
    } else {
        let mut parts = vec![text];
        for document in &message.attachments {
            let kind = document.media_type.split(';').next().unwrap_or_default().trim().to_owned();
            let kind = if kind.is_empty() { "application/octet-stream".to_owned() } else { one_line(&kind) };
            parts.push(
                MimePart::new(ContentType::new(kind), document.bytes.clone()).attachment(one_line(&document.filename)),
            );
        }
        let boundary = format!("=_{}", short(&["boundary", id]));
        MimePart::new(ContentType::new("multipart/mixed").attribute("boundary", boundary), parts)
    };
    let named = |address: &str| Address::new_address(None::<&str>, address.to_owned());
    let mut mail = MessageBuilder::new()
        .from(Address::new_address(config.from_name.as_deref().map(one_line), config.from.clone()))
        .to(Address::new_list(to.iter().map(|address| named(address)).collect()))
        .subject(one_line(&message.subject))
        .date(i64::try_from(ctx.now / 1000).unwrap_or_default())
        .message_id(id.to_owned())
        .body(body);
    if let Some(reply_to) = &config.reply_to {
        let reply_to = address(reply_to).map_err(|why| Error::InvalidConfig(format!("at /replyTo: {why}")))?;
        mail = mail.reply_to(named(reply_to));
    }
    if let Some(case) = message.data.get("case").and_then(Value::as_str) {
        let thread = format!("{}@{}", short(&["case", case]), place(&config.from));
        mail = mail.in_reply_to(MessageId::new(thread.clone())).references(MessageId::new(thread));
    }
    mail.write_to_vec().map_err(|why| Error::InvalidInput(format!("no mail can be made of it: {why}")))
}

/// A header is one line, whatever comes.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
