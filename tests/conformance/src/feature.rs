//! Folders of `.feature` files, read by the `gherkin` crate and turned into
//! scenarios of [`Step`]s. A step nobody knows is an error with its place.

use std::path::{Path, PathBuf};

use gherkin::GherkinEnv;

use crate::step::Step;

/// One scenario, ready to be done.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// `<file>::<name>`, in small letters and dashes.
    pub name: String,
    /// Its tags and its feature's.
    pub tags: Vec<String>,
    /// Its steps, the background's first; each with its place.
    pub steps: Vec<(String, Step)>,
}

impl Scenario {
    /// Whether it bears a tag.
    pub fn has(&self, tag: &str) -> bool {
        self.tags.iter().any(|t| t == tag)
    }
}

/// Every scenario of every `.feature` file of a folder, in the order of their names.
///
/// # Errors
/// Everything that cannot be read or understood.
pub fn read(folder: &Path) -> Result<Vec<Scenario>, Vec<String>> {
    let listed = std::fs::read_dir(folder).map_err(|e| vec![format!("{}: {e}", folder.display())])?;
    let mut files: Vec<PathBuf> = listed
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "feature"))
        .collect();
    files.sort();
    let mut scenarios = Vec::new();
    let mut problems = Vec::new();
    for file in &files {
        match gherkin::Feature::parse_path(file, GherkinEnv::default()) {
            Ok(feature) => of(&feature, file, &mut scenarios, &mut problems),
            Err(error) => problems.push(format!("{}: {error}", file.display())),
        }
    }
    if files.is_empty() {
        problems.push(format!("{}: holds no .feature file", folder.display()));
    }
    if problems.is_empty() { Ok(scenarios) } else { Err(problems) }
}

fn of(feature: &gherkin::Feature, file: &Path, into: &mut Vec<Scenario>, problems: &mut Vec<String>) {
    let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    for scenario in &feature.scenarios {
        if !scenario.examples.is_empty() {
            problems.push(format!("{}:{}: outlines are not read", file.display(), scenario.position.line));
            continue;
        }
        let mut steps = Vec::new();
        for step in feature.background.iter().flat_map(|b| &b.steps).chain(&scenario.steps) {
            let place = format!("{}:{}: {}", file.display(), step.position.line, step.value);
            match Step::read(&step.value, step.docstring.as_deref()) {
                Ok(read) => steps.push((place, read)),
                Err(why) => problems.push(format!("{place}: {why}")),
            }
        }
        let name = format!("{}::{}", slug(&stem), slug(&scenario.name));
        if into.iter().any(|known| known.name == name) {
            problems.push(format!("{}:{}: another scenario has this name", file.display(), scenario.position.line));
        }
        let tags = feature.tags.iter().chain(&scenario.tags).cloned().collect();
        into.push(Scenario { name, tags, steps });
    }
}

/// A name that test runners take everywhere.
fn slug(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join("-")
}
