//! A component's outside: its imports, as they stand in the file.

use wasmparser::{Parser, Payload};

use crate::output::Failure;

/// The names of a component's imports.
pub(super) fn imports(bytes: &[u8]) -> Result<Vec<String>, Failure> {
    let mut depth = 0_u32;
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(Failure::invalid)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    names.push(import.map_err(Failure::invalid)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}
