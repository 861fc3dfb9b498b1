//! The manifest section of a package.

use huiyin_sandbox::{Manifest, PackageError};

use super::{files, project};
use huiyin_guests::manifest_of;

/// A manifest that is taken says the same when it is written and read again;
/// one that is refused is refused with a reason.
pub fn fuzz_manifest(bytes: &[u8]) {
    match Manifest::from_json(bytes) {
        Ok(manifest) => {
            let written = manifest.to_json();
            let again = written.as_deref().map(Manifest::from_json);
            assert_eq!(again, Ok(Ok(manifest)), "what was taken is not taken again");
        }
        Err(PackageError::BadManifest(why)) => assert!(!why.is_empty()),
        Err(PackageError::ContractVersion { .. }) => {}
        Err(other) => unreachable!("a manifest is refused as something else: {other}"),
    }
}

pub(super) fn seeds() -> Vec<Vec<u8>> {
    let carried = files(&project().join("build/plugins"), ".wasm");
    let mut seeds: Vec<_> = carried.iter().filter_map(|package| manifest_of(package).ok()).collect();
    seeds.push(
        br#"{"contract":"0.1","name":"a-b","version":"1.2.3","kind":"step","summary":"Does.","config_schema":{"type":
        "object"},"input_schema":true,"output_schema":{},"capabilities":[{"http":{"origin":"https://*.example.cn:*",
        "methods":["GET"],"path_prefix":"/a"}},{"secret":{"name":"t","purpose":"p"}},"spool",{"kv":4096}],
        "idempotent":false}"#
            .to_vec(),
    );
    seeds
}
