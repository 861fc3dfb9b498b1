//! A component's outside: its imports and exports, as they stand in the file.

use wasmparser::{Parser, Payload};

use crate::output::Failure;

/// The names of a component's imports.
pub(super) fn imports(bytes: &[u8]) -> Result<Vec<String>, Failure> {
    outside(bytes).map(|(imports, _)| imports)
}

/// The names of a component's exports.
pub(super) fn exports(bytes: &[u8]) -> Result<Vec<String>, Failure> {
    outside(bytes).map(|(_, exports)| exports)
}

fn outside(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), Failure> {
    let mut depth = 0_u32;
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(Failure::invalid)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import.map_err(Failure::invalid)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export.map_err(Failure::invalid)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}
