//! Packages: one component with its manifest inside, looked at before
//! anything of it is compiled or run, and refused with a reason.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::{Encoding, Parser, Payload};
use wasmtime::component::{ComponentExportIndex, InstancePre};

use crate::effect::Guest;
use crate::error::PackageError;
use crate::limits::Meter;
use crate::manifest::{CONTRACT, Kind, Manifest, SECTION};
use crate::sandbox::{Sandbox, SandboxConfig};

/// A loaded package: checked, compiled, ready to be called.
pub struct Package {
    /// SHA-256 of the package's bytes, in hexadecimal: its identity.
    pub digest: String,
    /// What it says about itself, found to be true.
    pub manifest: Manifest,
    /// It imports nothing: the same call gives the same answer anywhere.
    pub pure: bool,
    /// Its size in bytes.
    pub size: u64,
    pub(crate) code: Code,
}

impl std::fmt::Debug for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Package")
            .field("name", &self.manifest.name)
            .field("version", &self.manifest.version)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

/// What is linked and ready, by engine.
#[derive(Clone)]
pub(crate) enum Code {
    Pure { pre: InstancePre<Meter>, export: ComponentExportIndex },
    Effect { pre: Arc<InstancePre<Guest>>, export: ComponentExportIndex },
}

/// What can be seen of a component from outside.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    /// Full name of the exported kind interface.
    pub(crate) interface: String,
    /// Full name of the exported `info` interface.
    pub(crate) info: String,
    /// It imports nothing but types.
    pub(crate) pure: bool,
    /// The bytes of the manifest section.
    pub(crate) manifest: Option<Vec<u8>>,
}

const OURS: &str = "huiyin:plugin/";

/// The most functions of one package, in all its modules: ten times what an
/// embedded JavaScript or Python engine has.
pub const MAX_FUNCTIONS: u64 = 500_000;
/// The largest function, in bytes of its code: compiling takes more than
/// linear time in it.
pub const MAX_FUNCTION_BYTES: u64 = 8 << 20;
/// The most modules and components inside one package.
pub const MAX_MODULES: u64 = 512;
/// How deep components may lie within each other.
pub const MAX_NESTING: u64 = 16;

/// What a kind may import, without versions.
pub(crate) fn allowed_imports(kind: Kind) -> &'static [&'static str] {
    const COLLECTOR: &[&str] = &[
        "huiyin:plugin/log",
        "huiyin:plugin/secrets",
        "huiyin:plugin/kv",
        "wasi:http/outgoing-handler",
        "wasi:http/types",
        "wasi:io/error",
        "wasi:io/poll",
        "wasi:io/streams",
        "wasi:clocks/monotonic-clock",
        "wasi:clocks/wall-clock",
    ];
    const OUTWARD: &[&str] = &[
        "huiyin:plugin/log",
        "huiyin:plugin/secrets",
        "huiyin:plugin/kv",
        "huiyin:plugin/spool",
        "wasi:http/outgoing-handler",
        "wasi:http/types",
        "wasi:io/error",
        "wasi:io/poll",
        "wasi:io/streams",
        "wasi:clocks/monotonic-clock",
        "wasi:clocks/wall-clock",
    ];
    match kind {
        Kind::Classifier | Kind::Reporter => &[],
        Kind::Collector => COLLECTOR,
        Kind::Notifier | Kind::Step => OUTWARD,
    }
}

/// Reads the outside of a component. Checks nothing inside: compiling does.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Shape, PackageError> {
    if !bytes.starts_with(b"\0asm") {
        return Err(PackageError::NotWasm);
    }
    let invalid = |error: wasmparser::BinaryReaderError| PackageError::Invalid(crate::error::plain(error.message()));
    let mut depth = 0_u32;
    let (mut functions, mut modules) = (0_u64, 0_u64);
    let most = |what, found: u64, allowed: u64| {
        if found > allowed { Err(PackageError::TooMuch { what, found, allowed }) } else { Ok(()) }
    };
    let mut imports = Vec::new();
    let mut exports = Vec::new();
    let mut manifest = None;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(invalid)? {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                return Err(PackageError::CoreModule);
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                depth += 1;
                modules += 1;
                most("components within components", u64::from(depth), MAX_NESTING)?;
                most("modules and components inside it", modules, MAX_MODULES)?;
            }
            Payload::CodeSectionStart { count, .. } => {
                functions += u64::from(count);
                most("functions", functions, MAX_FUNCTIONS)?;
            }
            Payload::CodeSectionEntry(body) => {
                most("bytes in one function", body.as_bytes().len() as u64, MAX_FUNCTION_BYTES)?;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export.map_err(invalid)?.name.name.to_owned());
                }
            }
            Payload::CustomSection(section)
                if depth == 0 && section.name() == SECTION && manifest.replace(section.data().to_vec()).is_some() =>
            {
                return Err(PackageError::BadManifest("there are two of them".to_owned()));
            }
            _ => {}
        }
    }

    let mut info = None;
    let mut kinds = Vec::new();
    for export in exports {
        let Some(rest) = export.strip_prefix(OURS) else {
            continue;
        };
        let (name, version) = rest.split_once('@').unwrap_or((rest, ""));
        if !speaks_contract(version) {
            return Err(PackageError::ContractVersion { found: crate::error::shown(&export), expected: CONTRACT });
        }
        if name == "info" {
            info = Some(export.clone());
        } else if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == name) {
            kinds.push((kind, export.clone()));
        }
    }
    let Some(info) = info else {
        return Err(PackageError::NoInfo { expected: CONTRACT });
    };
    let (kind, interface) = match kinds.as_slice() {
        [one] => one.clone(),
        _ => {
            return Err(PackageError::Kinds { found: kinds.iter().map(|(kind, _)| kind.name().to_owned()).collect() });
        }
    };

    let allowed = allowed_imports(kind);
    let (mut pure, mut refused) = (true, Vec::new());
    for import in imports {
        let (name, version) = import.split_once('@').unwrap_or((&import, ""));
        let fits = if name.starts_with(OURS) { speaks_contract(version) } else { version.starts_with("0.2.") };
        if fits && name == "huiyin:plugin/types" {
            continue;
        }
        if !fits || !allowed.contains(&name) {
            refused.push(crate::error::shown(&import));
            continue;
        }
        pure = false;
    }
    if !refused.is_empty() {
        return Err(PackageError::Imports {
            kind: kind.name().to_owned(),
            imports: refused,
            allowed: allowed.iter().map(|name| (*name).to_owned()).collect(),
        });
    }
    Ok(Shape { kind, interface, info, pure, manifest })
}

fn speaks_contract(version: &str) -> bool {
    version
        .strip_prefix(CONTRACT)
        .is_some_and(|rest| rest.strip_prefix('.').is_some_and(|patch| patch.parse::<u32>().is_ok()))
}

/// What a package says of itself, read and not believed: nothing of it is
/// compiled or run, and no signature is verified.
///
/// # Errors
/// When it is no package.
pub fn peek(package: &[u8]) -> Result<Manifest, PackageError> {
    let shape = inspect(crate::signed::split(package)?.content)?;
    Manifest::from_json(shape.manifest.as_deref().ok_or(PackageError::NoManifest)?)
}

/// SHA-256 in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Makes a package of a core module that was built with the SDK (or of a
/// component that has no manifest section yet): wraps it as a component, looks
/// at its imports, runs `describe` without any grant, and writes what it says
/// into the manifest section.
pub fn componentize(wasm: &[u8]) -> Result<Vec<u8>, PackageError> {
    componentize_in(wasm, SandboxConfig::small())
}

/// The same in a sandbox of this configuration.
pub fn componentize_in(wasm: &[u8], config: SandboxConfig) -> Result<Vec<u8>, PackageError> {
    if !wasm.starts_with(b"\0asm") {
        return Err(PackageError::NotWasm);
    }
    let mut component = if Parser::is_core_wasm(wasm) {
        wit_component::ComponentEncoder::default()
            .validate(true)
            .module(wasm)
            .and_then(|mut encoder| encoder.encode())
            .map_err(|error| PackageError::Componentize(format!("{error:#}")))?
    } else {
        wasm.to_vec()
    };
    let shape = inspect(&component)?;
    if shape.manifest.is_some() {
        return Err(PackageError::Componentize(
            "it is a package already: it has a `huiyin:manifest` section".to_owned(),
        ));
    }
    let sandbox = Sandbox::new(config).map_err(|error| PackageError::Host(error.to_string()))?;
    let manifest = sandbox.describe(&component, &shape)?.to_json()?;
    CustomSection { name: SECTION.into(), data: manifest.as_slice().into() }.append_to_component(&mut component);
    Ok(component)
}
