//! `huiyin plugin build`: plugin crates into packages. One cargo invocation a
//! workspace; what did not change since the last build is said to be so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use huiyin_sandbox::CONTRACT;
use huiyin_sandbox::signed::split;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::component::imports;
use super::guest::{self, Guest};
use super::output::{keep, there};
use super::toolchain::{self, Toolchain};
use crate::folders::write_whole;
use crate::host::{sandbox, sandbox_config};
use crate::output::{Failure, Output, note, print, print_json};
use crate::sdk;

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
    /// Folders of plugins: Rust crates, or what `plugin new` made in another language; this one unless given.
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
    /// SHA-256 of the core module, or of the sources in another language; and with what it was wrapped.
    core: String,
    huiyin: String,
    file: String,
    digest: String,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Failure> {
    let here = [PathBuf::from(".")];
    let dirs = if args.dirs.is_empty() { &here[..] } else { &args.dirs };
    let built = build(dirs, &args.out)?;
    let answers = built.iter().map(|one| describe(&one.file, one.fresh)).collect::<Result<Vec<_>, _>>()?;
    match output {
        Output::Text => print(answers.into_iter().map(|(line, _)| line).collect::<String>()),
        Output::Json => print_json(&answers.into_iter().map(|(_, value)| value).collect::<Vec<_>>()),
    }
}

/// A package that was built of a folder.
pub(super) struct Built {
    pub(super) file: PathBuf,
    /// It is not what lay there before.
    pub(super) fresh: bool,
}

/// Builds each folder's package into `out`; in the order of the folders.
///
/// # Errors
/// What is wrong with the first that cannot be built.
pub(super) fn build(dirs: &[PathBuf], out: &Path) -> Result<Vec<Built>, Failure> {
    let (mut crates, mut guests) = (Vec::new(), Vec::new());
    for (at, dir) in dirs.iter().enumerate() {
        match guest::find(dir)? {
            Some(found) => guests.push((at, found)),
            None => crates.push((at, find_crate(dir)?)),
        }
    }
    std::fs::create_dir_all(out).map_err(|error| Failure::failed(format_args!("{}: {error}", out.display())))?;
    let mut marks = Marks::read(out);
    let mut all = Vec::new();
    for (at, found) in guests {
        all.push((at, build_guest(&found, out, &mut marks)?));
    }
    if !crates.is_empty() {
        build_crates(&crates, out, &mut marks, &mut all)?;
    }
    marks.write()?;
    all.sort_by_key(|(at, _)| *at);
    Ok(all.into_iter().map(|(_, built)| built).collect())
}

/// Builds a project in another language, unless its sources, its SDK and its tool are as before.
fn build_guest(found: &Guest, out: &Path, marks: &mut Marks) -> Result<Built, Failure> {
    let source = found.source()?;
    let name = found.name();
    let shown = found.dir.display().to_string();
    if let Some(mark) = unchanged(marks.of.get(&name), &source, out) {
        return Ok(Built { file: out.join(&mark.file), fresh: false });
    }
    note(format_args!("building {shown}"));
    let component = found.component(&source)?;
    let (mark, fresh) = wrap(&shown, &component, source, out, marks.of.get(&name))?;
    let file = out.join(&mark.file);
    marks.of.insert(name, mark);
    Ok(Built { file, fresh })
}

/// Builds the crates, workspace by workspace.
fn build_crates(
    crates: &[(usize, Crate)],
    out: &Path,
    marks: &mut Marks,
    all: &mut Vec<(usize, Built)>,
) -> Result<(), Failure> {
    let toolchain = toolchain::find()?;
    note(format_args!(
        "building {} with the {} toolchain",
        crates.iter().map(|(_, c)| c.name.as_str()).collect::<Vec<_>>().join(", "),
        toolchain.how
    ));
    let mut workspaces: BTreeMap<&Path, Vec<(usize, &Crate)>> = BTreeMap::new();
    for (at, found) in crates {
        workspaces.entry(&found.workspace).or_default().push((*at, found));
    }
    for (workspace, crates) in workspaces {
        let here: Vec<&Crate> = crates.iter().map(|(_, found)| *found).collect();
        for ((name, wasm), (at, _)) in cargo_build(workspace, &here, &toolchain)?.into_iter().zip(&crates) {
            let (mark, fresh) = package(&name, &wasm, out, marks.of.get(&name))?;
            all.push((*at, Built { file: out.join(&mark.file), fresh }));
            marks.of.insert(name, mark);
        }
    }
    Ok(())
}

/// The package that a folder was built into before.
///
/// # Errors
/// When it never was, or that file is gone.
pub(super) fn built_before(dir: &Path, out: &Path) -> Result<PathBuf, Failure> {
    let name = guest::find(dir)?.map_or_else(|| find_crate(dir).map(|found| found.name), |found| Ok(found.name()))?;
    let file = Marks::read(out).of.get(&name).map(|mark| out.join(&mark.file)).filter(|file| file.exists());
    file.ok_or_else(|| {
        Failure::invalid(format_args!(
            "{}: there is no package of it in {}; build it with `huiyin plugin build {}`",
            dir.display(),
            out.display(),
            dir.display()
        ))
    })
}

/// What lies in a folder of packages, by the name of what it was built of.
struct Marks {
    file: PathBuf,
    of: BTreeMap<String, Mark>,
}

impl Marks {
    fn read(out: &Path) -> Marks {
        let file = out.join(MARKS);
        let of = std::fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Marks { file, of }
    }

    fn write(&self) -> Result<(), Failure> {
        let text = serde_json::to_vec_pretty(&self.of).map_err(Failure::failed)?;
        if std::fs::read(&self.file).ok().as_deref() == Some(&text) {
            return Ok(());
        }
        write_whole(&self.file, &text)
            .map_err(|error| Failure::failed(format_args!("{}: {error}", self.file.display())))
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
    // A project of `plugin new` names the SDK that this program carries.
    if std::fs::read_to_string(&manifest).is_ok_and(|text| text.contains(&format!("\"{}/rust\"", sdk::FOLDER))) {
        sdk::write_out(dir)?;
    }
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
    match unchanged(before, &core_digest, out) {
        Some(mark) => Ok((mark.clone(), false)),
        None => wrap(name, core, core_digest, out, before),
    }
}

/// What was built before, where it was made of the same by the same program, and lies there still.
fn unchanged<'a>(before: Option<&'a Mark>, made_of: &str, out: &Path) -> Option<&'a Mark> {
    before.filter(|mark| {
        mark.core == made_of
            && mark.huiyin == maker()
            && there(&out.join(&mark.file)).is_some_and(|(digest, _)| digest == mark.digest)
    })
}

fn maker() -> String {
    format!("{} contract {CONTRACT}", env!("CARGO_PKG_VERSION"))
}

/// Makes a package of a core module or a component.
fn wrap(name: &str, wasm: &[u8], made_of: String, out: &Path, before: Option<&Mark>) -> Result<(Mark, bool), Failure> {
    let bytes = huiyin_sandbox::package::componentize_in(wasm, sandbox_config())
        .map_err(|error| Failure::failed(format_args!("{name}: {error}")))?;
    let sandbox = sandbox()?;
    let package = sandbox.load(&bytes).map_err(|error| Failure::failed(format_args!("{name}: {error}")))?;
    let file = format!("{}-{}.wasm", package.manifest.name, package.manifest.version);
    let fresh = keep(out, &file, &bytes, &package.digest)?;
    if let Some(old) = before.filter(|mark| mark.file != file && out.join(&mark.file).exists()) {
        note(format_args!("{}: stays; {name} is now {file}", old.file));
    }
    Ok((Mark { core: made_of, huiyin: maker(), file, digest: package.digest.clone() }, fresh))
}

fn describe(path: &Path, fresh: bool) -> Result<(String, Value), Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::failed(format_args!("{}: {error}", path.display())))?;
    let digest = split(&bytes).map_err(|error| Failure::failed(format_args!("{}: {error}", path.display())))?.digest();
    let imports = imports(&bytes)?;
    let shown = if imports.is_empty() { "none".to_owned() } else { imports.join(" ") };
    let state = if fresh { "built" } else { "unchanged" };
    let path = path.display().to_string();
    let line = format!("{path}  {state}  sha256:{digest}  {} bytes  imports: {shown}\n", bytes.len());
    Ok((line, json!({"file": path, "state": state, "digest": digest, "size": bytes.len(), "imports": imports})))
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
