//! Servers on loopback that answer as no good server does.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How a server answers.
#[derive(Debug, Clone, Copy)]
pub enum Behaviour {
    /// `200` and two bytes.
    Fine,
    /// These bytes, then the end.
    Says(&'static [u8]),
    /// Never anything.
    Silent,
    /// The first bytes, then the second again and again, with this pause, until the other side is gone.
    Drips(&'static [u8], &'static [u8], Duration),
    /// The first bytes, then the second as fast as they are taken, until the other side is gone.
    Pours(&'static [u8], &'static [u8]),
    /// The connection ends as soon as the request has come.
    HangsUp,
    /// The end comes before the request.
    ShutsAtOnce,
}

/// A server that runs until its process ends.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    asked: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
}

/// Heads of requests that a server keeps; there may be thousands.
const HEADS: usize = 16;

impl Server {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When there is none.
    pub fn start(behaviour: Behaviour) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let asked = Arc::new(AtomicUsize::new(0));
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (counted, noted) = (asked.clone(), heads.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                // Small stacks: there may be hundreds that wait.
                let noted = noted.clone();
                let serve = move || drop(serve(stream, behaviour, &noted));
                let _ = std::thread::Builder::new().stack_size(64 << 10).spawn(serve);
            }
        });
        Ok(Self { address, asked, heads })
    }

    /// How many connections it has seen.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// The heads of the first requests.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(mut stream: TcpStream, behaviour: Behaviour, heads: &Mutex<Vec<String>>) -> std::io::Result<()> {
    // Nobody waits for ever, not even a server of the tests.
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.set_write_timeout(Some(Duration::from_secs(20)))?;
    if matches!(behaviour, Behaviour::ShutsAtOnce) {
        return Ok(());
    }
    let mut head = Vec::new();
    let mut part = [0_u8; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut part)? {
            0 => return Ok(()),
            n => head.extend_from_slice(&part[..n]),
        }
    }
    {
        let mut heads = heads.lock().unwrap_or_else(PoisonError::into_inner);
        if heads.len() < HEADS {
            heads.push(String::from_utf8_lossy(&head).into_owned());
        }
    }
    match behaviour {
        Behaviour::Fine => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"),
        Behaviour::Says(answer) => stream.write_all(answer),
        Behaviour::Silent => {
            while stream.read(&mut part)? > 0 {}
            Ok(())
        }
        Behaviour::Drips(first, again, pause) => {
            stream.write_all(first)?;
            loop {
                stream.write_all(again)?;
                std::thread::sleep(pause);
            }
        }
        Behaviour::Pours(first, again) => {
            stream.write_all(first)?;
            let many = again.repeat(1 + 8192 / again.len().max(1));
            loop {
                stream.write_all(&many)?;
            }
        }
        Behaviour::HangsUp | Behaviour::ShutsAtOnce => Ok(()),
    }
}
