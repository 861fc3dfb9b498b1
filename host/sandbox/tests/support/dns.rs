//! A DNS server on loopback (RFC 1035 over UDP) that says what a test wants.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a name is said to be: the name without its last dot, and how often
/// addresses of it were asked for before. None: there is no such name.
pub type Says = dyn Fn(&str, usize) -> Option<Vec<IpAddr>> + Send + Sync;

pub struct Dns {
    pub address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Dns {
    pub fn start(says: impl Fn(&str, usize) -> Option<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        std::thread::spawn(move || {
            let mut buffer = [0_u8; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                if let Some(answer) = answer(&buffer[..length], &says, &count) {
                    drop(socket.send_to(&answer, from));
                }
            }
        });
        Self { address, asked }
    }

    /// How often an IPv4 address was asked for.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

const A: u16 = 1;
const AAAA: u16 = 28;

fn answer(query: &[u8], says: &Says, count: &AtomicUsize) -> Option<Vec<u8>> {
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
    let question = &query[12..at + 4];
    let before = if kind == A { count.fetch_add(1, Ordering::SeqCst) } else { count.load(Ordering::SeqCst) };
    let found = says(&labels.join("."), before);
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
