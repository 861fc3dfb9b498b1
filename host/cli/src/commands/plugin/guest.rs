//! Plugins in other languages than Rust: their own tools, pinned and brought into the project's folder on first
//! use, make a component, which becomes a package like any other.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use huiyin_sandbox::{CONTRACT, Kind};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::output::{Failure, note, read_bytes, read_json, shown};
use crate::sdk;

/// Says in a project's folder that it is one of these, and which.
pub(super) const FILE: &str = "huiyin-plugin.json";

/// The custom section that says what a package was built of.
const SECTION: &str = "huiyin:build";

/// componentize-js (npm), pinned, and what it takes on the disk with all that it needs.
const JS_TOOL: (&str, &str, &str) = ("@bytecodealliance/componentize-js", "0.23.0", "380 MB");
/// componentize-py (PyPI), pinned, and what it takes on the disk.
const PYTHON_TOOL: (&str, &str, &str) = ("componentize-py", "0.25.1", "50 MB");

/// Where Python's tool lies in a project.
const PYTHON_FOLDER: &str = ".huiyin/python";

/// The largest source file, in bytes.
const MAX_SOURCE: u64 = 16 << 20;

/// A project in another language.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) dir: PathBuf,
    says: Says,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Says {
    language: Language,
    kind: Kind,
    /// The source file that exports the plugin, below the project's folder.
    main: PathBuf,
    /// An SPDX expression.
    licence: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Language {
    Js,
    Python,
}

/// The folder of the WIT, and the world in it. A step of these languages is pure: their tools import all that a world has.
fn world(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Collector => ("wit/0.1", "collector-plugin"),
        Kind::Classifier => ("wit/0.1", "classifier-plugin"),
        Kind::Reporter => ("wit/0.1", "reporter-plugin"),
        Kind::Notifier => ("wit/0.1", "notifier-plugin"),
        Kind::Step => ("wit/pure-step", "pure-step-plugin"),
    }
}

/// Kinds that are of no use without a way to the network, which Python does not have here yet.
pub(super) fn asks_the_network(kind: Kind) -> bool {
    matches!(kind, Kind::Collector | Kind::Notifier)
}

/// The project in a folder; none where it is not one of these.
///
/// # Errors
/// When it says wrongly what it is.
pub(super) fn find(dir: &Path) -> Result<Option<Guest>, Failure> {
    let file = dir.join(FILE);
    if !file.exists() {
        return Ok(None);
    }
    let wrong = |why: &dyn std::fmt::Display| Failure::invalid(format_args!("{}: {why}", shown(&file)));
    let says: Says = serde_path_to_error::deserialize(read_json(&file, MAX_SOURCE)?)
        .map_err(|error| wrong(&format_args!("at `{}`: {}", error.path(), error.inner())))?;
    let below = says.main.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if !below || !dir.join(&says.main).is_file() {
        return Err(wrong(&format_args!("at `main`: {} is no file of this project", says.main.display())));
    }
    if says.language == Language::Python && asks_the_network(says.kind) {
        return Err(wrong(&"at `kind`: Python has no way to the network here yet; write it in Rust or JavaScript"));
    }
    Ok(Some(Guest { dir: dir.to_owned(), says }))
}

impl Guest {
    /// The name under which its package is remembered: no crate is called so.
    pub(super) fn name(&self) -> String {
        let dir = self.dir.canonicalize().unwrap_or_else(|_| self.dir.clone());
        format!("{}:{}", FILE, dir.display())
    }

    /// SHA-256 of all that the component is made of: the same sources, SDK and tool.
    pub(super) fn source(&self) -> Result<String, Failure> {
        let mut files = Vec::new();
        let root = self.dir.join(&self.says.main);
        sources(root.parent().unwrap_or(&self.dir), &mut files)?;
        files.sort();
        let mut hash = Sha256::new();
        let (tool, version, _) = self.tool();
        hash.update(format!("{tool} {version} contract {CONTRACT}\n"));
        hash.update(std::fs::read(self.dir.join(FILE)).unwrap_or_default());
        for (name, bytes) in sdk::files().iter().filter(|(name, _)| !name.starts_with("rust/")) {
            hash.update(name.as_bytes());
            hash.update(Sha256::digest(bytes));
        }
        for file in files {
            hash.update(file.strip_prefix(&self.dir).unwrap_or(&file).as_os_str().as_encoded_bytes());
            hash.update(Sha256::digest(read_bytes(&file, MAX_SOURCE)?));
        }
        Ok(hex::encode(hash.finalize()))
    }

    fn tool(&self) -> (&'static str, &'static str, &'static str) {
        match self.says.language {
            Language::Js => JS_TOOL,
            Language::Python => PYTHON_TOOL,
        }
    }

    /// Builds the component, with the section that says what of.
    ///
    /// # Errors
    /// When a tool is missing or fails, or the source uses what no plugin has.
    pub(super) fn component(&self, source: &str) -> Result<Vec<u8>, Failure> {
        sdk::write_out(&self.dir)?;
        let out = self.dir.join(format!(".huiyin/{}.wasm", std::process::id()));
        let built = match self.says.language {
            Language::Js => self.javascript(&out),
            Language::Python => self.python(&out),
        };
        let bytes = built.and_then(|()| {
            std::fs::read(&out).map_err(|error| Failure::failed(format_args!("{}: {error}", out.display())))
        });
        let _ = std::fs::remove_file(&out);
        let (tool, version, _) = self.tool();
        let mark = json!({
            "contract": CONTRACT,
            "source": format!("sha256:{source}"),
            "licence": self.says.licence,
            "tool": format!("{tool} {version}"),
            "sdk": env!("CARGO_PKG_VERSION"),
        });
        Ok(with_section(bytes?, SECTION, mark.to_string().as_bytes()))
    }

    fn javascript(&self, out: &Path) -> Result<(), Failure> {
        self.look_for_what_is_not_there()?;
        let (tool, version, size) = JS_TOOL;
        needs("node", "Node.js 20 or newer (https://nodejs.org; on Debian `apt install nodejs npm`)")?;
        let there = self.dir.join("node_modules").join(tool).join("package.json");
        let is = read_json(&there, MAX_SOURCE).ok();
        if is.as_ref().and_then(|package| package.get("version")).and_then(|is| is.as_str()) != Some(version) {
            needs("npm", "npm, which comes with Node.js (on Debian `apt install npm`)")?;
            note(format_args!(
                "bringing {tool} {version} into {} by npm: about {size} on the disk, only this once",
                self.dir.join("node_modules").display()
            ));
            let mut npm = Command::new("npm");
            npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-dev", "--save-exact"]);
            self.run(npm.arg(format!("{tool}@{version}")))?;
        }
        let (wit, world) = world(self.says.kind);
        let mut cli = Command::new("node");
        cli.arg(Path::new("node_modules").join(tool).join("src/cli.js"));
        cli.arg(&self.says.main).arg("-w").arg(Path::new(sdk::FOLDER).join(wit)).args(["-n", world]);
        for feature in ["stdio", "random", "clocks", "fetch-event"] {
            cli.args(["-d", feature]);
        }
        if !asks_the_network(self.says.kind) {
            cli.args(["-d", "http"]);
        }
        self.run(cli.arg("-o").arg(absolute(out)))
    }

    /// What this JavaScript has no tables for gives wrong answers, or none, only when it runs.
    fn look_for_what_is_not_there(&self) -> Result<(), Failure> {
        const NOT_THERE: [(&str, &str); 5] = [
            (r"\p{", r"write the ranges of characters, such as [\u4e00-\u9fff]"),
            (r"\P{", r"write the ranges of characters, such as [^\u4e00-\u9fff]"),
            ("Intl.", "format numbers and dates by hand"),
            (".localeCompare(", "compare with < and >"),
            (".normalize(", "take the texts as they are, or replace what you look for"),
        ];
        let mut files = Vec::new();
        let root = self.dir.join(&self.says.main);
        sources(root.parent().unwrap_or(&self.dir), &mut files)?;
        for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "js" || e == "mjs")) {
            let text = String::from_utf8_lossy(&read_bytes(file, MAX_SOURCE)?).into_owned();
            for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
                if let Some((what, instead)) = NOT_THERE.iter().find(|(what, _)| line.contains(what)) {
                    return Err(Failure::invalid(format_args!(
                        "{}:{}: `{what}` does not work in a plugin, which has no Unicode tables; {instead}",
                        file.display(),
                        number + 1
                    )));
                }
            }
        }
        Ok(())
    }

    fn python(&self, out: &Path) -> Result<(), Failure> {
        let (tool, version, size) = PYTHON_TOOL;
        needs("python3", "Python 3.10 or newer (https://www.python.org; on Debian `apt install python3 python3-pip`)")?;
        let folder = self.dir.join(PYTHON_FOLDER);
        let mark = folder.join(format!("componentize_py-{version}.dist-info"));
        if !mark.exists() {
            note(format_args!(
                "bringing {tool} {version} into {} by pip: about {size} on the disk, only this once",
                folder.display()
            ));
            let has = Command::new("python3").args(["-m", "pip", "--version"]).stdin(Stdio::null()).output();
            if !has.is_ok_and(|ran| ran.status.success()) {
                return Err(Failure::failed("python3 has no pip; install it (on Debian `apt install python3-pip`)"));
            }
            let _ = std::fs::remove_dir_all(&folder);
            let mut pip = Command::new("python3");
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target"]);
            self.run(pip.arg(PYTHON_FOLDER).arg(format!("{tool}=={version}")))?;
        }
        let (wit, world) = world(self.says.kind);
        let main = self.says.main.with_extension("");
        let module = main.file_name().unwrap_or_default();
        let beside = self.says.main.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut cli = Command::new("python3");
        cli.env("PYTHONPATH", absolute(&folder)).arg(Path::new(PYTHON_FOLDER).join("bin/componentize-py"));
        cli.arg("-d").arg(Path::new(sdk::FOLDER).join(wit)).args(["-w", world, "componentize", "--stub-wasi"]);
        cli.arg("-p").arg(beside).arg("-p").arg(Path::new(sdk::FOLDER).join("python"));
        self.run(cli.arg(module).arg("-o").arg(absolute(out)))
    }

    /// Runs a tool in the project's folder; what it says is shown where it fails.
    fn run(&self, command: &mut Command) -> Result<(), Failure> {
        let program = command.get_program().to_string_lossy().into_owned();
        let ran = command.current_dir(&self.dir).stdin(Stdio::null()).output();
        let ran = ran.map_err(|error| Failure::failed(format_args!("{program}: {error}")))?;
        if ran.status.success() {
            return Ok(());
        }
        for text in [&ran.stdout, &ran.stderr] {
            let text = String::from_utf8_lossy(text);
            for line in text.lines() {
                note(crate::text::plain(line));
            }
        }
        Err(Failure::failed(format_args!("{}: {program} failed; its reasons are above", self.dir.display())))
    }
}

/// The program's own folder is not the tool's.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Whether a program can be run.
fn needs(program: &str, install: &str) -> Result<(), Failure> {
    let ran = Command::new(program).arg("--version").stdin(Stdio::null()).output();
    if ran.is_ok_and(|ran| ran.status.success()) {
        return Ok(());
    }
    Err(Failure::failed(format_args!("{program} is not on this machine, or not in PATH; install {install}")))
}

/// The files below a folder, without those that are made.
fn sources(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let cannot = |error: std::io::Error| Failure::invalid(format_args!("{}: {error}", folder.display()));
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || matches!(name.as_str(), "node_modules" | "__pycache__" | "build" | "target") {
            continue;
        }
        if path.is_dir() {
            sources(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// A component with one custom section more, at its end (WebAssembly core specification, 5.5.3).
fn with_section(mut component: Vec<u8>, name: &str, data: &[u8]) -> Vec<u8> {
    let mut body = leb128(name.len());
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(data);
    component.push(0);
    component.extend(leb128(body.len()));
    component.extend(body);
    component
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_read_again() {
        let long = vec![b'x'; 300];
        let component = with_section(b"\0asm\x0d\0\x01\0".to_vec(), SECTION, &long);
        let found = wasmparser::Parser::new(0).parse_all(&component).find_map(|payload| match payload.unwrap() {
            wasmparser::Payload::CustomSection(section) => Some((section.name().to_owned(), section.data().to_vec())),
            _ => None,
        });
        assert_eq!(found, Some((SECTION.to_owned(), long)));
    }

    fn project(language: &str, kind: &str, main: &str, text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let says = json!({"language": language, "kind": kind, "main": main, "licence": "Apache-2.0"});
        std::fs::write(folder.path().join(FILE), says.to_string()).unwrap();
        std::fs::write(folder.path().join("plugin.js"), text).unwrap();
        folder
    }

    #[test]
    fn what_javascript_has_no_tables_for_is_named_with_its_place() {
        for wrong in [r"/\p{Script=Han}/u.test(a)", "new Intl.NumberFormat()", "a.localeCompare(b)", "a.normalize()"] {
            let folder = project("js", "step", "plugin.js", &format!("// \\p{{L}} in a comment\n\nlet x = {wrong};\n"));
            let guest = find(folder.path()).unwrap().unwrap();
            let error = guest.look_for_what_is_not_there().unwrap_err();
            assert!(error.message().contains("plugin.js:3: `"), "{error:?}");
        }
        let folder = project("js", "step", "plugin.js", "let x = /[\\u4e00-\\u9fff]/.test(a);\n");
        find(folder.path()).unwrap().unwrap().look_for_what_is_not_there().unwrap();
    }

    #[test]
    fn a_project_that_says_wrongly_what_it_is_is_refused() {
        for (language, kind, main, says) in [
            ("perl", "step", "plugin.js", "perl"),
            ("js", "poet", "plugin.js", "poet"),
            ("js", "step", "../plugin.js", "no file of this project"),
            ("js", "step", "none.js", "no file of this project"),
            ("python", "collector", "plugin.js", "no way to the network"),
        ] {
            let error = find(project(language, kind, main, "").path()).unwrap_err();
            assert!(error.message().contains(says), "{error:?}");
        }
        assert!(find(tempfile::tempdir().unwrap().path()).unwrap().is_none());
    }

    #[test]
    fn what_is_missing_on_the_machine_is_said_with_where_to_get_it() {
        let error = needs("huiyin-no-such-program", "it from somewhere").unwrap_err();
        assert!(error.message().contains("install it from somewhere"), "{error:?}");
    }

    #[test]
    fn other_sources_have_another_digest() {
        let (one, other) = (project("js", "step", "plugin.js", "1"), project("js", "step", "plugin.js", "2"));
        let of = |folder: &tempfile::TempDir| find(folder.path()).unwrap().unwrap().source().unwrap();
        assert_ne!(of(&one), of(&other));
        assert_eq!(of(&one), of(&one));
    }
}
