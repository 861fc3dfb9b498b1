//! The way to a registry out of a closed network: the proxy that a host's
//! configuration names.

use std::path::Path;
use std::sync::Arc;

use huiyin_engine::secrets::Secrets;
use huiyin_sandbox::SecretSource;
use zeroize::Zeroizing;

use crate::client::{encoded, segment};
use crate::host::read_config;
use crate::output::Failure;

/// A proxy, as the registry's client takes it.
pub(super) struct Proxy {
    /// With who asks, where the proxy wants to know.
    pub(super) url: Zeroizing<String>,
    /// Places that are reached without it, joined by commas.
    pub(super) direct: String,
}

/// The proxy of `egress` in a configuration, checked as a host checks it; none
/// where it names none. The vault that may keep its password lies in `data`,
/// the configuration's own folder unless given.
///
/// # Errors
/// What is wrong with the configuration.
pub(super) fn of(file: &Path, data: Option<&Path>) -> Result<Option<Proxy>, Failure> {
    let (config, base) = read_config(file)?;
    let wrong = |problems: Vec<String>| {
        let file = file.display();
        Failure::invalid(problems.iter().map(|why| format!("{file}: {why}")).collect::<Vec<_>>().join("\n"))
    };
    let secrets = Secrets::open(&config.secrets, &base, Some(data.unwrap_or(&base))).map_err(wrong)?;
    let source = Arc::new(secrets) as Arc<dyn SecretSource>;
    config.egress.read(&base, &source).map_err(wrong)?;
    let Some(proxy) = &config.egress.proxy else { return Ok(None) };
    let url = match (&proxy.user, &proxy.password) {
        (Some(user), Some(password)) => {
            // It was there a moment ago.
            let value =
                source.secret(password).ok_or_else(|| wrong(vec![format!("there is no secret `{password}`")]))?;
            let place = proxy.url.strip_prefix("http://").unwrap_or(&proxy.url);
            let value = Zeroizing::new(encoded(value.expose()));
            Zeroizing::new(format!("http://{}:{}@{place}", segment(user), *value))
        }
        _ => Zeroizing::new(proxy.url.clone()),
    };
    // Its client knows names with and without those below them by one spelling.
    let direct = proxy.no_proxy.iter().map(|place| place.strip_prefix('*').unwrap_or(place));
    Ok(Some(Proxy { url, direct: direct.collect::<Vec<_>>().join(",") }))
}
