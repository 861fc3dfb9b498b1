//! The way to a registry out of a closed network: the proxy that a host's
//! configuration names.

use std::path::Path;
use std::sync::Arc;

use huiyin_engine::config::ProxyConfig;
use huiyin_engine::secrets::Secrets;
use huiyin_sandbox::SecretSource;
use huiyin_sandbox::egress::proxy::ProxySettings;
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
/// the configuration's own folder unless given. `registry` is who is asked,
/// `host` or `host:port`.
///
/// # Errors
/// What is wrong with the configuration.
pub(super) fn of(file: &Path, data: Option<&Path>, registry: &str) -> Result<Option<Proxy>, Failure> {
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
    Ok(Some(Proxy { url, direct: direct(proxy, registry) }))
}

/// The configuration's `noProxy` as the registry's client takes it. The client
/// reads a name with and without those below it as one, whatever the spelling,
/// so what would mean the registry by that alone is left out.
fn direct(proxy: &ProxyConfig, registry: &str) -> String {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host).to_ascii_lowercase();
    let meant = |place: &str| {
        let settings = ProxySettings::parse(&proxy.url).and_then(|mut settings| {
            settings.direct(place)?;
            Ok(settings)
        });
        settings.is_ok_and(|settings| settings.spares(registry))
    };
    let read = |place: &str| {
        let name = place.trim_start_matches(['*', '.']).to_ascii_lowercase();
        host.strip_suffix(&name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let places = proxy.no_proxy.iter().filter(|place| meant(place) || !read(place));
    places.map(|place| place.strip_prefix('*').unwrap_or(place)).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_spared_the_proxy_by_its_own_name_only() {
        for (places, registry, given) in [
            (vec!["example.cn"], "registry.example.cn", ""),
            (vec!["registry.example.cn"], "registry.example.cn", "registry.example.cn"),
            (vec!["Registry.Example.cn"], "registry.example.cn:5000", "Registry.Example.cn"),
            (vec!["*.example.cn"], "registry.example.cn", ".example.cn"),
            (vec!["*.example.cn", ".registry.example.cn"], "registry.example.cn:5000", ".example.cn"),
            (vec![".example.cn"], "example.cn:5000", ""),
            (vec!["ample.cn"], "example.cn", "ample.cn"),
            // What the registry may send on to is told as it stands.
            (vec!["store.lan", "10.0.0.0/8", "::1"], "registry.example.cn", "store.lan,10.0.0.0/8,::1"),
            (vec!["127.0.0.0/8", "example.cn"], "127.0.0.1:5000", "127.0.0.0/8,example.cn"),
            (vec!["::1"], "[::1]:5000", "::1"),
        ] {
            let config = serde_json::json!({"url": "http://proxy.example.cn:3128", "noProxy": places});
            let proxy: ProxyConfig = serde_json::from_value(config).unwrap();
            assert_eq!(direct(&proxy, registry), given, "{places:?} {registry}");
        }
    }
}
