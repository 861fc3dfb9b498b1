//! A place on loopback that does what a test tells it, byte for byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use huiyin_sandbox::egress::pace::Asker;
use huiyin_sandbox::egress::request::{Answer, Ask, RequestError};
use huiyin_sandbox::egress::way::EgressSettings;
use huiyin_sandbox::{Grant, Limits, NoSecrets, Sandbox, SandboxConfig, SecretSource, SecretValue};
use serde_json::{Value, json};

/// A server whose every connection is handled by a function on its own thread.
pub struct Peer {
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    pub fn start(each: impl Fn(&mut TcpStream, &Peer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let noted = heads.clone();
        let each = Arc::new(each);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let (each, peer) = (each.clone(), Peer { address, heads: noted.clone() });
                std::thread::spawn(move || each(&mut stream, &peer));
            }
        });
        Self { address, heads }
    }

    /// Reads a request's head, answers with these bytes and closes.
    pub fn answers(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::start(move |stream, peer| {
            if peer.head(stream).is_some() {
                drop(stream.write_all(&bytes));
            }
        })
    }

    /// Answers with the request's head as a text, after these header lines.
    pub fn echoes(more: &'static str) -> Self {
        Self::start(move |stream, peer| {
            if let Some(head) = peer.head(stream) {
                let text = format!("HTTP/1.1 200 OK\r\n{more}content-length: {}\r\n\r\n{head}", head.len());
                drop(stream.write_all(text.as_bytes()));
            }
        })
    }

    /// Reads the head of a request and notes it; none when the other side went away.
    pub fn head(&self, stream: &mut TcpStream) -> Option<String> {
        let mut head = Vec::new();
        let mut byte = [0_u8];
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return None,
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        self.heads.lock().unwrap().push(head.clone());
        Some(head)
    }

    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// A plain answer.
pub fn ok(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Longer than any limit of these tests.
pub fn silence() {
    std::thread::sleep(Duration::from_secs(30));
}

pub fn grant(value: &Value) -> Grant {
    Grant::from_json(&value.to_string()).unwrap()
}

/// Everything on loopback.
pub fn loopback() -> Grant {
    grant(&json!({
        "http": [{"origin": "http://*:*"}, {"origin": "https://*:*"}],
        "allow_addresses": ["127.0.0.0/8"],
    }))
}

/// Secrets by name.
pub struct Known(pub Vec<(&'static str, &'static str)>);

impl SecretSource for Known {
    fn secret(&self, name: &str) -> Option<SecretValue> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_bytes().to_vec().into())
    }
}

/// A small host with these settings of the way out.
pub fn host(egress: EgressSettings) -> Sandbox {
    Sandbox::new(SandboxConfig { egress, ..SandboxConfig::small() }).unwrap()
}

pub fn get(url: String) -> Ask {
    Ask { method: "GET".into(), uri: url, headers: Vec::new(), body: Vec::new() }
}

pub fn post(url: String) -> Ask {
    Ask { method: "POST".into(), uri: url, headers: Vec::new(), body: b"{}".to_vec() }
}

pub fn asker() -> Asker {
    Asker { name: "tests/ask".into(), unit: "440100".into() }
}

/// A workflow's one request.
pub async fn send(host: &Sandbox, grant: &Grant, limits: &Limits, ask: &Ask) -> Result<Answer, RequestError> {
    host.requester(asker(), grant, None, Arc::new(NoSecrets), limits).send(ask).await
}
