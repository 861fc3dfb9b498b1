//! A DNS server on loopback (RFC 1035 over UDP) that says what a test wants.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a name is said to be: the name without its last dot, and how often its
/// IPv4 address was asked for before. None: there is no such name.
pub type Says = dyn Fn(&str, usize) -> Option<Vec<IpAddr>> + Send + Sync;

/// Names whose count is kept: tests may ask for any number of them.
const NAMES: usize = 1_024;

/// A server that runs until its process ends.
pub struct Dns {
    /// Where it listens.
    pub address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Dns {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When there is none.
    pub fn start(says: impl Fn(&str, usize) -> Option<Vec<IpAddr>> + Send + Sync + 'static) -> std::io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let address = socket.local_addr()?;
        let asked = Arc::new(AtomicUsize::new(0));
        let mut counts = Counts { all: asked.clone(), ..Counts::default() };
        std::thread::spawn(move || {
            let mut buffer = [0_u8; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                if let Some(answer) = answer(&buffer[..length], &says, &mut counts) {
                    drop(socket.send_to(&answer, from));
                }
            }
        });
        Ok(Self { address, asked })
    }

    /// How often an IPv4 address was asked for.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// How often IPv4 addresses were asked for, by name.
#[derive(Default)]
struct Counts {
    all: Arc<AtomicUsize>,
    of: HashMap<String, usize>,
    order: VecDeque<String>,
}

impl Counts {
    /// How often before; it is counted now.
    fn count(&mut self, name: &str) -> usize {
        self.all.fetch_add(1, Ordering::SeqCst);
        if let Some(count) = self.of.get_mut(name) {
            *count += 1;
            return *count - 1;
        }
        if self.order.len() >= NAMES
            && let Some(oldest) = self.order.pop_front()
        {
            self.of.remove(&oldest);
        }
        self.order.push_back(name.to_owned());
        self.of.insert(name.to_owned(), 1);
        0
    }
}

const A: u16 = 1;
const AAAA: u16 = 28;

fn answer(query: &[u8], says: &Says, counts: &mut Counts) -> Option<Vec<u8>> {
    let mut at = 12;
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes([*query.get(at)?, *query.get(at + 1)?]);
    let question = query.get(12..at + 4)?;
    let name = labels.join(".");
    let before = if kind == A { counts.count(&name) } else { counts.of.get(&name).copied().unwrap_or_default() };
    let found = says(&name, before);
    let addresses: Vec<IpAddr> = found
        .iter()
        .flatten()
        .copied()
        .filter(|address| (kind == A && address.is_ipv4()) || (kind == AAAA && address.is_ipv6()))
        .collect();
    let code = if found.is_none() { 3 } else { 0 };
    let mut out = query[..2].to_vec();
    out.extend([0x81, 0x80 | code, 0, 1]);
    out.extend(u16::try_from(addresses.len()).ok()?.to_be_bytes());
    out.extend([0; 4]);
    out.extend(question);
    for address in addresses {
        // The name of the question, class IN, to be forgotten at once.
        out.extend([0xc0, 12]);
        out.extend(kind.to_be_bytes());
        out.extend([0, 1, 0, 0, 0, 0]);
        match address {
            IpAddr::V4(address) => {
                out.extend([0, 4]);
                out.extend(address.octets());
            }
            IpAddr::V6(address) => {
                out.extend([0, 16]);
                out.extend(address.octets());
            }
        }
    }
    Some(out)
}
