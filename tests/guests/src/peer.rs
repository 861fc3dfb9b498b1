//! A place on loopback that does what a test tells it, byte for byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A server whose every connection is handled by a function on its own thread.
pub struct Peer {
    /// Where it listens, on 127.0.0.1.
    pub address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// Listens on a free port.
    ///
    /// # Panics
    /// When there is none.
    #[allow(clippy::expect_used)] // it serves tests alone
    pub fn start(each: impl Fn(&mut TcpStream, &Peer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let address = listener.local_addr().expect("its number");
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
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
        Some(head)
    }

    /// The heads of all requests so far.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The URL of a path there.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A proxy (RFC 9110 §9.3.6) that connects to this place whatever it is
    /// asked for, and lets in whoever logs in like this, where it wants a login.
    pub fn proxy(to: SocketAddr, login: Option<&'static str>) -> Self {
        Self::start(move |stream, peer| {
            let Some(head) = peer.head(stream) else { return };
            if let Some(login) = login
                && !head
                    .to_ascii_lowercase()
                    .contains(&format!("proxy-authorization: {login}\r\n").to_ascii_lowercase())
            {
                drop(stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"));
                return;
            }
            let (Ok(mut there), Ok(mut from)) = (TcpStream::connect(to), stream.try_clone()) else { return };
            let Ok(mut back) = there.try_clone() else { return };
            let begun = if head.starts_with("CONNECT ") {
                // What the other side says first may come with the answer.
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            } else {
                there.write_all(head.as_bytes())
            };
            if begun.is_err() {
                return;
            }
            std::thread::spawn(move || {
                drop(std::io::copy(&mut from, &mut there));
                drop(there.shutdown(std::net::Shutdown::Write));
            });
            drop(std::io::copy(&mut back, stream));
        })
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
