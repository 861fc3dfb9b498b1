//! `huiyin plugin build`: plugin crates into packages. One cargo invocation a
//! workspace; what did not change since the last build is said to be so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use huiyin_sandbox::CONTRACT;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::component::imports;
use super::output::{keep, there};
use super::toolchain::{self, Toolchain};
use crate::folders::write_whole;
use crate::host::{sandbox, sandbox_config};
use crate::output::{Failure, Output, note, print, print_json};

/// Cargo's profile for guests: whole-program, fast, a panic is a trap.
const PROFILE: &[(&str, &str)] = &[
    ("inherits", "\"release\""),
    ("opt-level", "3"),
    ("lto", "\"fat\""),
    ("codegen-units", "1"),
    ("panic", "\"abort\""),
    ("strip", "true"),
];

/// Room for the guest's heap in the memory it starts with, in bytes: growing a
/// memory costs every fresh instance system calls.
const HEAP: u32 = 1 << 20;

/// What was built, kept beside the packages.
const MARKS: &str = ".built.json";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folders of plugin crates; this one unless given.
    #[arg(value_name = "DIR")]
    dirs: Vec<PathBuf>,
    /// Where the packages go.
    #[arg(long, value_name = "DIR", default_value = "build/plugins")]
    out: PathBuf,
}

/// A crate to build.
struct Crate {
    name: String,
    id: String,
    workspace: PathBuf,
}

/// What a package was made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Mark {
    /// SHA-256 of the core module, and with what it was wrapped.
    core: String,
    huiyin: String,
    file: String,
    digest: String,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let here = [PathBuf::from(".")];
    let dirs = if args.dirs.is_empty() { &here[..] } else { &args.dirs };
    let crates = dirs.iter().map(|dir| find_crate(dir)).collect::<Result<Vec<_>, _>>()?;
    let toolchain = toolchain::find()?;
    note(format_args!(
        "building {} with the {} toolchain",
        crates.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", "),
        toolchain.how
    ));
    let mut workspaces: BTreeMap<&Path, Vec<&Crate>> = BTreeMap::new();
    for found in &crates {
        workspaces.entry(&found.workspace).or_default().push(found);
    }
    std::fs::create_dir_all(&args.out)
        .map_err(|error| Failure::failed(format_args!("{}: {error}", args.out.display())))?;
    let marks_file = args.out.join(MARKS);
    let mut marks: BTreeMap<String, Mark> =
        std::fs::read(&marks_file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let mut answers = Vec::new();
    for (workspace, crates) in workspaces {
        for (name, wasm) in cargo_build(workspace, &crates, &toolchain)? {
            let (mark, fresh) = package(&name, &wasm, &args.out, marks.get(&name))?;
            let answer = describe(&args.out, &mark, fresh)?;
            marks.insert(name, mark);
            answers.push(answer);
        }
    }
    let text = serde_json::to_vec_pretty(&marks).map_err(Failure::failed)?;
    if std::fs::read(&marks_file).ok().as_deref() != Some(&text) {
        write_whole(&marks_file, &text)
            .map_err(|error| Failure::failed(format_args!("{}: {error}", marks_file.display())))?;
    }
    match output {
        Output::Text => print(answers.into_iter().map(|(line, _)| line).collect::<String>()),
        Output::Json => print_json(&answers.into_iter().map(|(_, value)| value).collect::<Vec<_>>()),
    }
}

/// What cargo knows of the crate in a folder.
fn find_crate(dir: &Path) -> Result<Crate, Failure> {
    if dir.is_file() {
        return Err(Failure::invalid(format_args!(
            "{}: it is a file, not the folder of a plugin crate; a package is made of a ready component by `huiyin plugin package {}`",
            dir.display(),
            dir.display()
        )));
    }
    let manifest = dir
        .join("Cargo.toml")
        .canonicalize()
        .map_err(|error| Failure::invalid(format_args!("{}: no plugin crate: Cargo.toml: {error}", dir.display())))?;
    let mut cargo = cargo();
    cargo
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(&manifest)
        .stderr(Stdio::inherit());
    let ran = cargo.output().map_err(|error| {
        Failure::failed(format_args!("cargo: {error}; install Rust from https://rustup.rs or Debian's cargo-web"))
    })?;
    if !ran.status.success() {
        return Err(Failure::invalid(format_args!("{}: cargo cannot read this crate", dir.display())));
    }
    let metadata: Value = serde_json::from_slice(&ran.stdout)
        .map_err(|error| Failure::failed(format_args!("cargo metadata: {error}")))?;
    let own = |package: &&Value| {
        package
            .get("manifest_path")
            .and_then(Value::as_str)
            .is_some_and(|path| Path::new(path).canonicalize().is_ok_and(|path| path == manifest))
    };
    let found = metadata.get("packages").and_then(Value::as_array).and_then(|packages| packages.iter().find(own));
    let text = |value: Option<&Value>, name: &str| {
        value.and_then(|value| value.get(name)).and_then(Value::as_str).map(str::to_owned)
    };
    match (text(found, "name"), text(found, "id"), text(Some(&metadata), "workspace_root")) {
        (Some(name), Some(id), Some(workspace)) => {
            let libraries = found.and_then(|p| p.get("targets")).and_then(Value::as_array).into_iter().flatten();
            let kinds = libraries.filter_map(|target| target.get("crate_types").and_then(Value::as_array)).flatten();
            if !kinds.into_iter().any(|kind| kind == "cdylib") {
                return Err(Failure::invalid(format_args!(
                    "{}: a plugin is a library; write `crate-type = [\"cdylib\", \"rlib\"]` under [lib]",
                    dir.display()
                )));
            }
            Ok(Crate { name, id, workspace: workspace.into() })
        }
        _ => Err(Failure::invalid(format_args!("{}: Cargo.toml has no [package]", dir.display()))),
    }
}

/// Cargo without what an enclosing `cargo run` set for its own build.
fn cargo() -> Command {
    let mut command = Command::new("cargo");
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_")
            || matches!(&*text, "CARGO_MANIFEST_DIR" | "CARGO_MANIFEST_PATH" | "CARGO_PRIMARY_PACKAGE" | "CARGO")
        {
            command.env_remove(&name);
        }
    }
    command
}

/// Builds crates of one workspace and gives each one's core module.
fn cargo_build(workspace: &Path, crates: &[&Crate], toolchain: &Toolchain) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut cargo = cargo();
    cargo.current_dir(workspace).envs(&toolchain.env).args([
        "build",
        "--lib",
        "--profile",
        "plugin",
        "--message-format",
        "json-render-diagnostics",
    ]);
    cargo.args(&toolchain.args);
    let mut flags = vec![format!("-Clink-arg=--initial-heap={HEAP}")];
    flags.extend(remapped(workspace, toolchain)?);
    // A list of texts is written alike in JSON and in TOML.
    let flags = serde_json::to_string(&flags).map_err(Failure::failed)?;
    cargo.arg("--config").arg(format!("target.wasm32-unknown-unknown.rustflags={flags}"));
    // A workspace may bring its own; a plugin author's usually has none.
    let own = std::fs::read_to_string(workspace.join("Cargo.toml")).is_ok_and(|text| text.contains("[profile.plugin]"));
    if !own {
        for (key, value) in PROFILE {
            cargo.arg("--config").arg(format!("profile.plugin.{key}={value}"));
        }
    }
    for found in crates {
        cargo.arg("--package").arg(&found.name);
    }
    let ran = cargo
        .stderr(Stdio::inherit())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::failed(format_args!("cargo: {error}")))?;
    if !ran.status.success() {
        return Err(Failure::failed("cargo could not build the plugins; its reasons are above"));
    }
    let mut built: BTreeMap<String, PathBuf> = BTreeMap::new();
    for line in ran.stdout.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else { continue };
        let wasm = message
            .get("filenames")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .find(|file| Path::new(file).extension().is_some_and(|e| e == "wasm"));
        if let (Some(id), Some(wasm)) = (message.get("package_id").and_then(Value::as_str), wasm) {
            built.insert(id.to_owned(), wasm.into());
        }
    }
    let core = |found: &&Crate| {
        let file = built
            .get(&found.id)
            .ok_or_else(|| Failure::failed(format_args!("{}: cargo built no .wasm file", found.name)))?;
        let bytes =
            std::fs::read(file).map_err(|error| Failure::failed(format_args!("{}: {error}", file.display())))?;
        Ok((found.name.clone(), bytes))
    };
    crates.iter().map(core).collect()
}

/// Flags that put names in the place of folders, so that the same sources give the same bytes wherever they
/// lie, and nothing of the builder's machine is in them.
fn remapped(workspace: &Path, toolchain: &Toolchain) -> Result<Vec<String>, Failure> {
    let mut metadata = cargo();
    metadata.current_dir(workspace).envs(&toolchain.env).args(["metadata", "--format-version", "1"]);
    let ran = metadata
        .stderr(Stdio::inherit())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::failed(format_args!("cargo: {error}")))?;
    if !ran.status.success() {
        return Err(Failure::failed(format_args!("{}: cargo cannot read the workspace", workspace.display())));
    }
    let metadata: Value = serde_json::from_slice(&ran.stdout)
        .map_err(|error| Failure::failed(format_args!("cargo metadata: {error}")))?;
    let rustc = toolchain.env.get("RUSTC").map_or("rustc", String::as_str);
    let sysroot = Command::new(rustc).args(["--print", "sysroot"]).stdin(Stdio::null()).output();
    let sysroot = sysroot.ok().and_then(|ran| String::from_utf8(ran.stdout).ok()).unwrap_or_default();
    Ok(remaps(&metadata, sysroot.trim()))
}

/// The same, of what cargo and rustc say. Of two that fit a path the later one counts.
fn remaps(metadata: &Value, sysroot: &str) -> Vec<String> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut folders = Vec::new();
    if !sysroot.is_empty() {
        folders.push((format!("{sysroot}/lib/rustlib/src/rust"), "/rust".to_owned()));
    }
    folders.extend(text(metadata, "workspace_root").map(|root| (root, "/workspace".to_owned())));
    folders.extend(text(metadata, "target_directory").map(|target| (target, "/target".to_owned())));
    for package in metadata.get("packages").and_then(Value::as_array).into_iter().flatten() {
        let manifest = text(package, "manifest_path");
        let folder = manifest.as_deref().and_then(|path| path.strip_suffix("/Cargo.toml"));
        if let (Some(folder), Some(name), Some(version)) = (folder, text(package, "name"), text(package, "version")) {
            folders.push((folder.to_owned(), format!("/{name}-{version}")));
        }
    }
    // Longer ones lie deeper, and count before what they lie in.
    folders.sort_by_key(|(folder, _)| folder.len());
    folders.into_iter().map(|(folder, name)| format!("--remap-path-prefix={folder}={name}")).collect()
}

/// Wraps a core module, unless it and all that wraps it are as before.
fn package(name: &str, core: &[u8], out: &Path, before: Option<&Mark>) -> Result<(Mark, bool), Failure> {
    let core_digest = hex::encode(Sha256::digest(core));
    let huiyin = format!("{} contract {CONTRACT}", env!("CARGO_PKG_VERSION"));
    if let Some(mark) = before.filter(|mark| mark.core == core_digest && mark.huiyin == huiyin)
        && there(&out.join(&mark.file)).is_some_and(|(digest, _)| digest == mark.digest)
    {
        return Ok((mark.clone(), false));
    }
    let bytes = huiyin_sandbox::package::componentize_in(core, sandbox_config())
        .map_err(|error| Failure::failed(format_args!("{name}: {error}")))?;
    let sandbox = sandbox()?;
    let package = sandbox.load(&bytes).map_err(|error| Failure::failed(format_args!("{name}: {error}")))?;
    let file = format!("{}-{}.wasm", package.manifest.name, package.manifest.version);
    let fresh = keep(out, &file, &bytes, &package.digest)?;
    if let Some(old) = before.filter(|mark| mark.file != file && out.join(&mark.file).exists()) {
        note(format_args!("{}: stays; {name} is now {file}", old.file));
    }
    Ok((Mark { core: core_digest, huiyin, file, digest: package.digest.clone() }, fresh))
}

fn describe(out: &Path, mark: &Mark, fresh: bool) -> Result<(String, Value), Failure> {
    let path = out.join(&mark.file);
    let bytes = std::fs::read(&path).map_err(|error| Failure::failed(format_args!("{}: {error}", path.display())))?;
    let imports = imports(&bytes)?;
    let shown = if imports.is_empty() { "none".to_owned() } else { imports.join(" ") };
    let state = if fresh { "built" } else { "unchanged" };
    let path = path.display().to_string();
    let line = format!("{path}  {state}  sha256:{}  {} bytes  imports: {shown}\n", mark.digest, bytes.len());
    Ok((line, json!({"file": path, "state": state, "digest": mark.digest, "size": bytes.len(), "imports": imports})))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::remaps;

    #[test]
    fn plugins_08_folders_of_the_builder_have_names_that_are_the_same_everywhere() {
        let of = |home: &str| {
            let package = |name: &str, at: String| json!({"name": name, "version": "1.2.3", "manifest_path": at});
            let metadata = json!({
                "workspace_root": format!("{home}/src/plugins"),
                "target_directory": format!("{home}/src/plugins/target"),
                "packages": [
                    package("mine", format!("{home}/src/plugins/Cargo.toml")),
                    package("serde", format!("{home}/.cargo/registry/src/mirror-1/serde-1.2.3/Cargo.toml")),
                    package("huiyin-sdk", format!("{home}/huiyin/sdk/rust/Cargo.toml")),
                ],
            });
            remaps(&metadata, &format!("{home}/.rustup/toolchains/stable"))
        };
        let (one, other) = (of("/home/ann"), of("/root"));
        let names = |flags: &[String]| -> Vec<String> {
            flags.iter().map(|flag| flag.rsplit('=').next().unwrap().to_owned()).collect()
        };
        let mut sorted = names(&one);
        sorted.sort();
        assert_eq!(sorted, ["/huiyin-sdk-1.2.3", "/mine-1.2.3", "/rust", "/serde-1.2.3", "/target", "/workspace"]);
        assert_eq!(names(&one), names(&other));
        // The crate in the workspace's root has its own name, and what is built in it another.
        let place = |name: &str| names(&one).iter().position(|there| there == name).unwrap();
        assert!(place("/workspace") < place("/mine-1.2.3") && place("/mine-1.2.3") < place("/target"));
    }

    /// What `make plugins` built holds nothing of the machine on which it was built.
    #[test]
    fn plugins_08_no_package_holds_a_folder_of_its_builder() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
        let folder = root.join("build/plugins");
        let home = std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME")).unwrap();
        let mut seen = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|end| end != "wasm") {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            for place in [root.display().to_string(), home.clone(), "/.cargo/registry/".to_owned()] {
                let found = bytes.windows(place.len()).any(|window| window == place.as_bytes());
                assert!(!found, "{} holds {place}", path.display());
            }
            seen += 1;
        }
        assert!(seen >= 8, "{} holds {seen} packages; run `make plugins`", folder.display());
    }
}
