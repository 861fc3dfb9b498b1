//! `huiyin policy deploy`, `list` and `schema`: a pack comes into force while the host runs.

use std::path::Path;

use serde_json::{Value, json};

use super::{MAX_PACK, read};
use crate::client::Client;
use crate::output::{Failure, Output, print, print_json, read_text, shown};
use crate::people::word;
use crate::rows::rows;
use crate::text::{plain, table};

/// Sends a pack to the host; says what changes, for which cases, and what was counted anew.
pub(super) fn deploy(
    file: &Path,
    recompute: Option<&str>,
    dry_run: bool,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    // What is wrong with the text alone is told without a host.
    read(file)?;
    let text = read_text(file, MAX_PACK)?;
    let mut body = json!({"text": text, "file": shown(file), "dry_run": dry_run});
    if let Some(reason) = recompute {
        body["recompute"] = json!(reason);
    }
    let done = client.post("/v1/policy", &body)?;
    if output == Output::Json {
        return print_json(&done);
    }
    for change in rows(&done, "changes") {
        let said = |key: &str| change.pointer(key).and_then(Value::as_str).map(plain).unwrap_or_default();
        print(format_args!("{}\n  {}\n", said("/change/said/zh"), said("/change/said/en")))?;
        let cases: Vec<String> = rows(change, "open_cases").filter_map(Value::as_str).map(plain).collect();
        if !cases.is_empty() {
            print(format_args!("  涉及未办结办件 open cases ({}): {}\n", cases.len(), cases.join(", ")))?;
        }
    }
    let recomputed = done.get("recomputed").filter(|value| !value.is_null());
    match recomputed {
        Some(value) => print(format_args!("重新计时 clocks counted anew: {}\n", word(value, "clocks")))?,
        None => print("已启动的时限照旧计时 (clocks that run go on as they are; --recompute counts them anew)\n")?,
    }
    let what = if dry_run { "未启用 not in force (dry run)" } else { "已启用 in force" };
    print(format_args!("{what}: {}:{}\n", word(&done, "policy"), word(&done, "version")))
}

/// The packs that were in force.
pub(super) fn list(client: &Client, output: Output) -> Result<(), Failure> {
    let answer = client.get("/v1/policy/versions")?;
    if output == Output::Json {
        return print_json(&answer);
    }
    let mark = |row: &Value| if row.get("in_force") == Some(&Value::Bool(true)) { "*" } else { "" }.to_owned();
    let found: Vec<Vec<String>> = rows(&answer, "versions")
        .map(|row| vec![mark(row), word(row, "pack"), word(row, "since"), word(row, "by"), word(row, "open_cases")])
        .collect();
    print(table(&["", "制度包 PACK", "自 SINCE", "启用人 BY", "未办结 OPEN CASES"], &found))
}

/// The JSON Schema of packs, for editors.
pub(super) fn schema() -> Result<(), Failure> {
    print_json(&huiyin_desk::policy::schema())
}
