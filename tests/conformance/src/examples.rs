//! Example documents held against validation: each is accepted, or refused
//! for the very reason that a table gives.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use huiyin_engine::catalog::RegistryCatalog;
use huiyin_engine::house::House;
use huiyin_flow::{Definition, Diagnostic, Severity};
use libtest_mimic::{Failed, Trial};

use crate::project;

/// An example that is refused.
pub struct Refused {
    /// The file's name, without its extension.
    pub file: &'static str,
    /// The JSON pointer at which it is refused.
    pub at: &'static str,
    /// What the message says, in part.
    pub says: &'static str,
    /// Why we refuse it.
    pub why: &'static str,
}

/// Every document of a folder as a test case.
///
/// # Errors
/// What cannot be read.
pub fn of(folder: &Path, prefix: &str, refused: &'static [Refused]) -> Result<Vec<Trial>, String> {
    let listed = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut files: Vec<PathBuf> = listed
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "yaml" || e == "json"))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(format!("{}: holds no example", folder.display()));
    }
    let mut trials: Vec<Trial> = files
        .iter()
        .map(|file| {
            let (file, stem) = (file.clone(), stem(file));
            let row = refused.iter().find(|row| row.file == stem);
            let name = stem.replace(' ', "-");
            Trial::test(format!("{prefix}::{name}"), move || judge(&file, row).map_err(Failed::from))
        })
        .collect();
    let stems: Vec<String> = files.iter().map(|file| stem(file)).collect();
    let unknown: Vec<&str> =
        refused.iter().map(|row| row.file).filter(|file| !stems.iter().any(|s| s == file)).collect();
    trials.push(Trial::test(format!("{prefix}::the-table-names-files-that-are-there"), move || {
        if unknown.is_empty() { Ok(()) } else { Err(Failed::from(format!("not there: {unknown:?}"))) }
    }));
    Ok(trials)
}

fn stem(file: &Path) -> String {
    file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default()
}

fn judge(file: &Path, refused: Option<&Refused>) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let house = house()?;
    let errors: Vec<Diagnostic> =
        match Definition::parse(&text, &file.display().to_string(), &RegistryCatalog(&house), &*house.evaluator) {
            Ok(_) => Vec::new(),
            Err(found) => found.into_iter().filter(|d| d.severity == Severity::Error).collect(),
        };
    let told = || errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    match refused {
        None if errors.is_empty() => Ok(()),
        None => Err(format!("it is refused:\n{}", told())),
        Some(row) if errors.is_empty() => Err(format!("it is accepted, though the table says: {}", row.why)),
        // Nothing else may be wrong with it than what the table names.
        Some(row) => {
            let others = errors.iter().filter(|d| !(d.pointer.starts_with(row.at) && d.message.contains(row.says)));
            if others.count() == 0 {
                Ok(())
            } else {
                Err(format!("refused otherwise than the table says:\n{}", told()))
            }
        }
    }
}

fn house() -> Result<Arc<House>, String> {
    static HOUSE: OnceLock<Result<Arc<House>, String>> = OnceLock::new();
    HOUSE
        .get_or_init(|| {
            let file = project("build/plugins/jq-0.1.0.wasm");
            let bytes = std::fs::read(&file).map_err(|e| format!("{}: {e}; run `make plugins`", file.display()))?;
            let cache = std::env::temp_dir().join("huiyin-conformance-code");
            huiyin_engine::start::open_house(Some(cache), &[("jq".to_owned(), bytes)]).map_err(|e| e.to_string())
        })
        .clone()
}
