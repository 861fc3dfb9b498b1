//! Mail by the notifier `email` in the sandbox, to servers on loopback that speak SMTP over real TLS.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::sync::{Arc, Mutex};

use huiyin_sandbox::egress::way::{EgressSettings, Mapping};
use huiyin_sandbox::{
    CallError, Effect, HostAccess, Limits, Message, Operation, Output, PluginError, Receipt, Sandbox,
};
use serde_json::{Value, json};

use super::support::context;
use super::support::peer::{Known, Peer, grant, host};
use super::support::tls::Place;

const NAME: &str = "mail.example.cn";
const PASSWORD: &str = "s3cret-pass";

/// What a server heard, command by command; the message is one of them.
type Heard = Arc<Mutex<Vec<String>>>;

/// What a server says instead of what it usually does: to a command that begins so.
type Instead = &'static [(&'static str, &'static str)];

fn say(stream: &mut BufReader<impl Read + Write>, text: &str) -> bool {
    let stream = stream.get_mut();
    stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).is_ok()
}

/// Speaks SMTP until the client goes; a reply of nothing cuts the connection.
fn serve(stream: impl Read + Write, heard: &Heard, greets: bool, tls: bool, instead: Instead) {
    let mut stream = BufReader::new(stream);
    if greets && !say(&mut stream, "220 mail.example.cn ready\r\n") {
        return;
    }
    let mut line = String::new();
    let mut in_message = false;
    let mut message = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let asked = if in_message {
            message.push_str(&line);
            if !message.ends_with("\r\n.\r\n") {
                continue;
            }
            std::mem::take(&mut message)
        } else {
            line.clone()
        };
        let is_message = asked.ends_with("\r\n.\r\n");
        heard.lock().unwrap().push(asked.clone());
        let word = if is_message { "message" } else { asked.split([' ', ':', '\r']).next().unwrap_or_default() };
        let usual = match word {
            "EHLO" if tls => "250-mail.example.cn\r\n250-8BITMIME\r\n250 STARTTLS\r\n",
            "EHLO" => "250-mail.example.cn\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n",
            "AUTH" => "235 2.7.0 welcome\r\n",
            "DATA" => "354 go on\r\n",
            "QUIT" => "221 bye\r\n",
            "STARTTLS" => "220 go ahead\r\n",
            _ => "250 2.0.0 Ok\r\n",
        };
        let reply = instead.iter().find(|(known, _)| *known == word).map_or(usual, |(_, reply)| *reply);
        in_message = word == "DATA" && reply.starts_with("354");
        if reply.is_empty() || !say(&mut stream, reply) || word == "STARTTLS" {
            return;
        }
    }
}

/// A server with TLS from the first byte.
fn at_once(instead: Instead) -> (Place, Heard) {
    let heard = Heard::default();
    let there = Arc::clone(&heard);
    (Place::with(NAME, move |stream| serve(stream, &there, true, false, instead)), heard)
}

/// A server that begins in the clear; gives what it heard before and after TLS.
fn by_starttls(instead: Instead) -> (std::net::SocketAddr, String, Heard, Heard) {
    let (plain, safe) = (Heard::default(), Heard::default());
    let (before, after) = (Arc::clone(&plain), Arc::clone(&safe));
    let key = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    let config = super::support::tls::server(&key);
    let peer = Peer::start(move |stream, _| {
        serve(&*stream, &before, true, true, instead);
        if before.lock().unwrap().last().is_some_and(|last| last.starts_with("STARTTLS")) {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let stream = rustls::StreamOwned::new(connection, stream.try_clone().unwrap());
            serve(stream, &after, false, false, &[]);
        }
    });
    (peer.address, key.cert.pem(), plain, safe)
}

/// A host that takes the server for the one of that name, and trusts its certificate.
fn knowing(address: std::net::SocketAddr, pem: &str) -> Sandbox {
    let mut egress = EgressSettings {
        resolve: vec![Mapping::parse(NAME, &address.to_string()).unwrap()],
        ..EgressSettings::default()
    };
    egress.trust_pem(pem.as_bytes()).unwrap();
    host(egress)
}

/// Delivers one mail by the server of that URL.
async fn deliver(host: &Sandbox, server: &str, allowed: &Value) -> Result<Receipt, CallError> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../build/plugins/email-0.1.0.wasm");
    let package = host.load(&std::fs::read(file).unwrap()).unwrap();
    let config = json!({"server": server, "from": "huiyin@example.cn", "user": "huiyin"}).to_string();
    let message = Message {
        subject: "快报".to_owned(),
        text: "老鹰岩起火。\n.\n请核实。".to_owned(),
        recipients: vec!["duty@example.cn".to_owned(), "hu@example.cn".to_owned()],
        attachments: Vec::new(),
        data: json!({"case": "1"}).to_string(),
    };
    let access = HostAccess { secrets: Arc::new(Known(vec![("email-password", PASSWORD)])), ..HostAccess::default() };
    let operation = Operation::Deliver { config, message };
    match host.call(&package, &context(), &operation, &grant(allowed), &access, &Limits::default()).await?.output {
        Output::Receipt(receipt) => Ok(receipt),
        other => panic!("{other:?}"),
    }
}

fn allowed() -> Value {
    json!({
        "http": [{"origin": "smtps://mail.example.cn"}, {"origin": "smtp://mail.example.cn"}],
        "secrets": [{"name": "email-password", "hosts": ["smtps://mail.example.cn", "smtp://mail.example.cn"]}],
    })
}

fn words(heard: &Heard) -> Vec<String> {
    heard.lock().unwrap().iter().map(|asked| asked.trim_end().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_over_tls_with_the_hosts_password_to_every_recipient() {
    let (place, heard) = at_once(&[("message", "250 2.0.0 queued, and your password is s3cret-pass\r\n")]);
    let receipt = deliver(&knowing(place.address, &place.pem), "smtps://mail.example.cn", &allowed()).await.unwrap();
    assert!(receipt.detail.contains("250") && !receipt.detail.contains(PASSWORD), "{}", receipt.detail);
    let words = words(&heard);
    let commands: Vec<&str> = words.iter().map(|asked| asked.lines().next().unwrap()).collect();
    assert_eq!(commands[0], "EHLO example.cn");
    assert!(commands[1].starts_with("AUTH PLAIN "), "{commands:?}");
    assert_eq!(
        commands[2..6],
        ["MAIL FROM:<huiyin@example.cn>", "RCPT TO:<duty@example.cn>", "RCPT TO:<hu@example.cn>", "DATA"]
    );
    assert!(words[6].contains("Subject: =?") && words[6].contains(&receipt.id), "{}", words[6]);
    assert_eq!(commands[7], "QUIT");
}

#[tokio::test(flavor = "multi_thread")]
async fn starttls_comes_before_anything_that_matters_or_nothing_is_sent() {
    let (address, pem, plain, safe) = by_starttls(&[]);
    deliver(&knowing(address, &pem), "smtp://mail.example.cn", &allowed()).await.unwrap();
    assert_eq!(words(&plain), ["EHLO example.cn", "STARTTLS"]);
    assert!(words(&safe).iter().any(|asked| asked.starts_with("AUTH")) && words(&safe).len() == 8);

    for (instead, says) in [
        (&[("EHLO", "250 mail.example.cn\r\n")][..], "offers no TLS"),
        (&[("STARTTLS", "454 not now\r\n")][..], "not ready for TLS"),
        (&[("STARTTLS", "220 go\r\n250 said too early\r\n")][..], "before TLS stood"),
    ] {
        let (address, pem, plain, safe) = by_starttls(instead);
        let error = deliver(&knowing(address, &pem), "smtp://mail.example.cn", &allowed()).await.unwrap_err();
        assert_eq!(error.outcome(), Effect::NotDone, "{says}: {error}");
        assert!(words(&plain).iter().all(|asked| !asked.contains("MAIL") && !asked.contains("AUTH")));
        assert!(words(&safe).is_empty(), "{says}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_is_told_apart_and_a_broken_connection_is_unknown() {
    type Fits = fn(&CallError) -> bool;
    let cases: [(Instead, Fits); 6] = [
        (&[("RCPT", "450 busy\r\n")], |e| matches!(e, CallError::Plugin(PluginError::Transient(_)))),
        (&[("RCPT", "550 nobody\r\n")], |e| matches!(e, CallError::Plugin(PluginError::InvalidInput(_)))),
        (&[("AUTH", "535 wrong\r\n")], |e| matches!(e, CallError::Plugin(PluginError::InvalidConfig(_)))),
        (&[("MAIL", "")], |e| matches!(e, CallError::Plugin(PluginError::Transient(_)))),
        (&[("message", "554 refused\r\n")], |e| matches!(e, CallError::Plugin(PluginError::InvalidInput(_)))),
        (&[("message", "")], |e| matches!(e, CallError::Plugin(PluginError::Unknown(_)))),
    ];
    for (instead, fits) in cases {
        let (place, _) = at_once(instead);
        let host = knowing(place.address, &place.pem);
        let error = deliver(&host, "smtps://mail.example.cn", &allowed()).await.unwrap_err();
        assert!(fits(&error), "{instead:?}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_is_granted_like_any_place() {
    let (place, heard) = at_once(&[]);
    let host = knowing(place.address, &place.pem);
    for (origin, secret, says) in [
        ("https://mail.example.cn", "email-password", "smtps://mail.example.cn"),
        ("smtp://mail.example.cn", "email-password", "smtps://mail.example.cn"),
        ("smtps://mail.example.cn", "another", "email-password"),
    ] {
        let grant = json!({
            "http": [{"origin": origin}],
            "secrets": [{"name": secret, "hosts": ["smtps://mail.example.cn"]}],
        });
        let error = deliver(&host, "smtps://mail.example.cn", &grant).await.unwrap_err();
        assert!(matches!(&error, CallError::Denied { .. }) && error.to_string().contains(says), "{error}");
    }
    // Another's certificate under that name.
    let other = Place::start("other.example.cn", "");
    let error = deliver(&knowing(other.address, &other.pem), "smtps://mail.example.cn", &allowed()).await.unwrap_err();
    assert_eq!(error.outcome(), Effect::NotDone, "{error}");
    assert!(heard.lock().unwrap().is_empty());
}
