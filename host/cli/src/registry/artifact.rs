//! The CNCF Wasm OCI artifact: an OCI image manifest with a config of type
//! `application/vnd.wasm.config.v0+json` and one layer `application/wasm`
//! (TAG Runtime, "Wasm OCI Artifact layout"). Pure; nothing is asked here.

use std::collections::BTreeMap;

use bytes::Bytes;
use oci_client::manifest::{OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::text::plain;

/// The media type of the config.
const CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// The media type of the layer.
const LAYER: &str = "application/wasm";
/// The only architecture there is.
const ARCHITECTURE: &str = "wasm";
/// What a component is for.
const OS: &str = "wasip2";
/// The same package always makes the same artifact, so it is of no particular time.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// The config blob.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WasmConfig {
    created: String,
    architecture: String,
    os: String,
    layer_digests: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    component: Option<Component>,
}

/// A component's outside.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    exports: Vec<String>,
    imports: Vec<String>,
}

/// A package ready to be pushed.
pub(crate) struct Artifact {
    /// The layer.
    pub(crate) package: Bytes,
    /// Its digest, `sha256:…`.
    pub(crate) package_digest: String,
    /// The config.
    pub(crate) config: Bytes,
    /// Its digest.
    pub(crate) config_digest: String,
    annotations: BTreeMap<String, String>,
}

impl Artifact {
    /// Of a package and what it says of itself.
    pub(crate) fn of(
        package: Vec<u8>,
        manifest: &huiyin_sandbox::Manifest,
        exports: Vec<String>,
        imports: Vec<String>,
    ) -> Result<Artifact, serde_json::Error> {
        let package_digest = sha256(&package);
        let config = WasmConfig {
            created: CREATED.to_owned(),
            architecture: ARCHITECTURE.to_owned(),
            os: OS.to_owned(),
            layer_digests: vec![package_digest.clone()],
            component: Some(Component { exports, imports }),
        };
        let config = serde_json::to_vec(&config)?;
        let annotations = [
            ("title", manifest.name.clone()),
            ("version", manifest.version.to_string()),
            ("description", manifest.summary.clone()),
        ];
        Ok(Artifact {
            config_digest: sha256(&config),
            config: config.into(),
            package: package.into(),
            package_digest,
            annotations: annotations
                .into_iter()
                .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value))
                .collect(),
        })
    }

    /// The manifest's bytes.
    pub(crate) fn manifest(&self) -> Vec<u8> {
        let descriptor = |kind: &str, digest: &str, bytes: &Bytes| OciDescriptor {
            media_type: kind.to_owned(),
            digest: digest.to_owned(),
            size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            ..OciDescriptor::default()
        };
        let manifest = OciImageManifest {
            media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
            config: descriptor(CONFIG, &self.config_digest, &self.config),
            layers: vec![descriptor(LAYER, &self.package_digest, &self.package)],
            annotations: Some(self.annotations.clone()),
            ..OciImageManifest::default()
        };
        // Plain data: it always encodes.
        serde_json::to_vec(&manifest).unwrap_or_default()
    }
}

/// The most manifests of an index that are named.
const NAMED: usize = 10;

/// Refuses an index: a list of manifests, of which one has to be chosen.
pub(super) fn no_index(manifest: &[u8]) -> Result<(), String> {
    let Ok(index) = serde_json::from_slice::<serde_json::Value>(manifest) else { return Ok(()) };
    let text = |value: &serde_json::Value, pointer: &str| {
        value
            .pointer(pointer)
            .and_then(serde_json::Value::as_str)
            .map(|text| plain(&text.chars().take(100).collect::<String>()))
    };
    let Some(manifests) = index.get("manifests").and_then(serde_json::Value::as_array) else { return Ok(()) };
    let mut listed = Vec::new();
    for one in manifests.iter().take(NAMED) {
        let digest = text(one, "/digest").unwrap_or_else(|| "one without a digest".to_owned());
        let system = [text(one, "/platform/os"), text(one, "/platform/architecture")];
        let system: Vec<_> = system.into_iter().flatten().collect();
        listed.push(if system.is_empty() { digest } else { format!("{digest} ({})", system.join("/")) });
    }
    if manifests.len() > NAMED {
        listed.push(format!("{} more", manifests.len() - NAMED));
    }
    Err(format!(
        "it is an index of {} manifests, not one artifact; pull one of them by its digest, as REPOSITORY@sha256:…: {}",
        manifests.len(),
        listed.join(", ")
    ))
}

/// The layer of a Wasm artifact.
pub(super) fn only_layer(manifest: &OciImageManifest) -> Result<&OciDescriptor, String> {
    if manifest.schema_version != 2 {
        return Err(format!("its manifest has schema {}, not 2", manifest.schema_version));
    }
    if manifest.config.media_type != CONFIG {
        return Err(format!("it is no Wasm artifact: its config is `{}`, not `{CONFIG}`", manifest.config.media_type));
    }
    match manifest.layers.as_slice() {
        [layer] if layer.media_type == LAYER => Ok(layer),
        [layer] => Err(format!("it is no Wasm artifact: its layer is `{}`, not `{LAYER}`", layer.media_type)),
        layers => Err(format!("it is no Wasm artifact: it has {} layers, not one", layers.len())),
    }
}

/// Whether the config speaks of this layer.
pub(super) fn check_config(config: &[u8], layer: &str) -> Result<(), String> {
    let config: WasmConfig =
        serde_json::from_slice(config).map_err(|error| format!("its config is not a Wasm config: {error}"))?;
    if config.architecture != ARCHITECTURE || config.os != OS {
        return Err(format!(
            "it is for {}/{}; a plugin is a component, {ARCHITECTURE}/{OS}",
            config.architecture, config.os
        ));
    }
    if config.layer_digests != [layer] {
        return Err("its config speaks of another layer".to_owned());
    }
    Ok(())
}

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}
