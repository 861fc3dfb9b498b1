//! `huiyin plugin new`: a project that builds. It is made beside its place and put there whole.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use huiyin_sandbox::Kind;

use super::guest;
use crate::output::{Failure, note, print};
use crate::sdk;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its name: lower-case words of letters and digits joined by `-`.
    name: String,
    /// What it does.
    #[arg(long, value_enum)]
    kind: KindName,
    /// What it is written in.
    #[arg(long, value_enum, default_value = "rust")]
    lang: Language,
    /// The folder that is made; its name in this folder unless given.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// The kinds, as they are typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KindName {
    /// 采集: brings items in
    Collector,
    /// 研判: scores items
    Classifier,
    /// 报送: writes documents
    Reporter,
    /// 通知: delivers outward
    Notifier,
    /// JSON to JSON
    Step,
}

impl KindName {
    fn kind(self) -> Kind {
        match self {
            Self::Collector => Kind::Collector,
            Self::Classifier => Kind::Classifier,
            Self::Reporter => Kind::Reporter,
            Self::Notifier => Kind::Notifier,
            Self::Step => Kind::Step,
        }
    }

    fn chinese(self) -> &'static str {
        match self {
            Self::Collector => "采集",
            Self::Classifier => "研判",
            Self::Reporter => "报送",
            Self::Notifier => "通知",
            Self::Step => "步骤",
        }
    }
}

/// The languages, as they are typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    /// As small and as quick as it gets
    Rust,
    /// JavaScript, by componentize-js; needs Node.js
    Js,
    /// Python, by componentize-py, for kinds without a way to the network
    Python,
}

/// Longer names are none of a plugin.
const MAX_NAME: usize = 64;

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    check_name(&args.name)?;
    if args.lang == Language::Python && guest::asks_the_network(args.kind.kind()) {
        return Err(Failure::invalid(format_args!(
            "a {} in Python is not to be had yet: it has no way to the network there; write it in Rust or JavaScript",
            args.kind.kind().name()
        )));
    }
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    // Also a link that leads nowhere.
    if folder.symlink_metadata().is_ok() {
        return Err(Failure::invalid(format_args!(
            "{}: there is something already, and nothing of it is touched; take another name, or another folder with --dir",
            folder.display()
        )));
    }
    let (parent, own) = match (folder.parent(), folder.file_name()) {
        (Some(parent), Some(own)) => (if parent.as_os_str().is_empty() { Path::new(".") } else { parent }, own),
        _ => return Err(Failure::invalid(format_args!("{}: no folder can be made there", folder.display()))),
    };
    if !parent.is_dir() {
        return Err(Failure::invalid(format_args!(
            "{}: there is no such folder to make the project in",
            parent.display()
        )));
    }
    let fresh = parent.join(format!(".{}.{}.tmp", own.to_string_lossy(), std::process::id()));
    let cannot = |error: std::io::Error| Failure::failed(format_args!("{}: {error}", folder.display()));
    let made = fill(args, &fresh).and_then(|()| std::fs::rename(&fresh, &folder).map_err(cannot));
    if made.is_err() {
        let _ = std::fs::remove_dir_all(&fresh);
    }
    made?;
    note(format_args!(
        "a {} in {}; go on with `cd {} && huiyin plugin test`",
        args.kind.kind().name(),
        folder.display(),
        folder.display()
    ));
    print(format_args!("{}\n", folder.display()))
}

/// Like that of a manifest, and what a type can be called after.
fn check_name(name: &str) -> Result<(), Failure> {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let letter = name.starts_with(|c: char| c.is_ascii_lowercase());
    if name.len() <= MAX_NAME && letter && name.split('-').all(word) {
        return Ok(());
    }
    Err(Failure::invalid(format_args!(
        "`{}` is no name of a plugin; write lower-case words of letters and digits joined by `-`, a letter first, at most {MAX_NAME} characters, such as forest-fire",
        name.chars().take(MAX_NAME).flat_map(char::escape_debug).collect::<String>()
    )))
}

/// What is written where, with the SDK.
fn fill(args: &Args, folder: &Path) -> Result<(), Failure> {
    for (path, text) in texts(args)? {
        let file = folder.join(path);
        let cannot = |error: std::io::Error| Failure::failed(format_args!("{}: {error}", file.display()));
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).map_err(cannot)?;
        }
        std::fs::write(&file, text).map_err(cannot)?;
    }
    sdk::write_out(folder).map(drop)
}

/// The files of a project.
fn texts(args: &Args) -> Result<Vec<(String, String)>, Failure> {
    let kind = args.kind.kind().name();
    let missing = |name: &str| Failure::failed(format_args!("this huiyin carries no template {name}"));
    let template = |name: &str| sdk::text(name).ok_or_else(|| missing(name));
    let (language, source, own): (_, _, &[(&str, &str)]) = match args.lang {
        Language::Rust => {
            ("Rust", "src/lib.rs", &[("rust/Cargo.toml", "Cargo.toml"), ("rust/clippy.toml", "clippy.toml")])
        }
        Language::Js => (
            "JavaScript",
            "src/plugin.js",
            &[("js/package.json", "package.json"), ("js/huiyin-plugin.json", guest::FILE)],
        ),
        Language::Python => ("Python", "src/plugin.py", &[("python/huiyin-plugin.json", guest::FILE)]),
    };
    let put_in = |text: &str| {
        text.replace("{{name}}", &args.name)
            .replace("{{Type}}", &type_name(&args.name))
            .replace("{{kind}}", kind)
            .replace("{{kind_zh}}", args.kind.chinese())
            .replace("{{language}}", language)
            .replace("{{source}}", source)
    };
    let mut texts = vec![
        ("README.md".to_owned(), put_in(template("templates/README.md")?)),
        (".gitignore".to_owned(), put_in(template("templates/gitignore")?)),
    ];
    for (from, to) in own {
        texts.push(((*to).to_owned(), put_in(template(&format!("templates/{from}"))?)));
    }
    match args.lang {
        Language::Rust => {
            texts.push((source.to_owned(), put_in(template(&format!("templates/rust/{kind}.rs"))?)));
            // Cargo leaves out what is not needed of it, and keeps the versions of the rest.
            texts.push(("Cargo.lock".to_owned(), template("Cargo.lock")?.to_owned()));
        }
        Language::Js => texts.push((source.to_owned(), put_in(template(&format!("templates/js/{kind}.js"))?))),
        Language::Python => texts.push((source.to_owned(), put_in(template(&format!("templates/python/{kind}.py"))?))),
    }
    let shared = format!("templates/kinds/{kind}/");
    for (name, bytes) in sdk::files() {
        if let (Some(path), Ok(text)) = (name.strip_prefix(&shared), std::str::from_utf8(bytes)) {
            // Answers hold `{{…}}` of their own.
            texts.push((path.to_owned(), text.to_owned()));
        }
    }
    Ok(texts)
}

/// `forest-fire` as `ForestFire`.
fn type_name(name: &str) -> String {
    name.split('-')
        .flat_map(|word| word.chars().take(1).map(|c| c.to_ascii_uppercase()).chain(word.chars().skip(1)))
        .collect()
}
