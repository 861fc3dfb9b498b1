//! From a place to the addresses it may be connected at: names are looked up,
//! and **every** address of the answer is checked. The connection then goes to
//! one of those very addresses, so that a second answer can change nothing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, LookupIpStrategy, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use tokio::sync::OnceCell;
use wasmtime_wasi_http::Error;

use super::address;
use super::traffic::{Refusal, Traffic};
use crate::grant::{Effective, Host, Origin};

/// Addresses of one name that are tried.
const TRIED: usize = 8;

/// Who knows where a name is.
#[derive(Default)]
pub(super) struct Names {
    /// The admin's DNS servers; empty: the machine's own way, `/etc/hosts` included.
    servers: Vec<SocketAddr>,
    resolver: OnceCell<TokioResolver>,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Names").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl Names {
    pub(super) fn new(servers: Vec<SocketAddr>) -> Self {
        Self { servers, resolver: OnceCell::new() }
    }

    /// All addresses of a name, as whoever knows it says.
    pub(super) async fn lookup(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
        let unknown = || Error::DnsError { rcode: None, info_code: None };
        let addresses: Vec<SocketAddr> = if self.servers.is_empty() {
            tokio::net::lookup_host((name, port)).await.map_err(|_| unknown())?.collect()
        } else {
            let resolver = self.resolver.get_or_try_init(|| async { resolver(&self.servers) }).await?;
            // The last dot: the name as it stands, below no search domain.
            let found = resolver.lookup_ip(format!("{name}.")).await.map_err(|_| unknown())?;
            found.iter().map(|address| SocketAddr::new(address, port)).collect()
        };
        if addresses.is_empty() { Err(unknown()) } else { Ok(addresses) }
    }
}

/// Answers that are remembered while they hold: a plugin may ask for any number of names.
const REMEMBERED: u64 = 512;

/// Asks these servers and nobody else.
fn resolver(servers: &[SocketAddr]) -> Result<TokioResolver, Error> {
    let servers = servers.iter().map(|server| {
        let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
        for connection in &mut connections {
            connection.port = server.port();
        }
        NameServerConfig::new(server.ip(), true, connections)
    });
    let config = ResolverConfig::from_parts(None, Vec::new(), servers.collect());
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.use_hosts_file = ResolveHosts::Never;
    options.timeout = Duration::from_secs(3);
    options.cache_size = REMEMBERED;
    builder.build().map_err(|error| Error::InternalError(Some(crate::error::plain(&error.to_string()))))
}

/// The addresses of a place, every one of them checked.
pub(super) async fn checked(
    origin: &Origin,
    effective: &Effective,
    traffic: &Traffic,
    names: &Names,
) -> Result<Vec<SocketAddr>, Error> {
    let addresses = match &origin.host {
        Host::Address(address) => vec![SocketAddr::new(*address, origin.port)],
        Host::Name(name) => names.lookup(name, origin.port).await?,
    };
    for address in &addresses {
        check(address.ip(), origin, effective, traffic)?;
    }
    Ok(addresses.into_iter().take(TRIED).collect())
}

/// What can be checked where a proxy looks the name up: addresses written out,
/// and names that always mean the machine itself (RFC 6761 §6.3).
pub(super) fn check_unresolved(origin: &Origin, effective: &Effective, traffic: &Traffic) -> Result<(), Error> {
    match &origin.host {
        Host::Address(address) => check(*address, origin, effective, traffic),
        Host::Name(name) if name == "localhost" || name.ends_with(".localhost") => {
            check(IpAddr::V4(Ipv4Addr::LOCALHOST), origin, effective, traffic)
        }
        Host::Name(_) => Ok(()),
    }
}

fn check(address: IpAddr, origin: &Origin, effective: &Effective, traffic: &Traffic) -> Result<(), Error> {
    let Some(why) = address::not_public(address) else { return Ok(()) };
    effective.address(origin, address, why, |net| address::opens(net, address)).map_err(|denial| {
        traffic.refuse(Refusal::Denied(denial));
        Error::DestinationIpProhibited
    })
}
