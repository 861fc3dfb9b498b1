//! What a workflow may call: the desk's core functions and the installed plugins.

use huiyin_flow::{Catalog, FunctionInfo, FunctionKind};

use crate::house::House;

/// The functions a workflow may call: the desk's core functions and what is installed.
pub struct RegistryCatalog<'a>(pub &'a House);

impl Catalog for RegistryCatalog<'_> {
    fn resolve(&self, name: &str, version: Option<&str>) -> Option<FunctionInfo> {
        if let Some(core) =
            huiyin_desk::core_functions().iter().find(|f| f.name == name && version.is_none_or(|v| v == f.version))
        {
            return Some(FunctionInfo {
                kind: FunctionKind::Core,
                input_schema: Some(core.input_schema.clone()),
                output_schema: Some(core.output_schema.clone()),
            });
        }
        let full = version.map_or_else(|| name.to_owned(), |v| format!("{name}:{v}"));
        let Some((_, package)) = self.0.find(&full) else {
            // It may not be called, and what named it before can still be read.
            let kind = self.0.known(&full)?.kind;
            return Some(FunctionInfo { kind: FunctionKind::Plugin { kind }, input_schema: None, output_schema: None });
        };
        let manifest = &package.manifest;
        Some(FunctionInfo {
            kind: FunctionKind::Plugin { kind: manifest.kind.name().to_owned() },
            // The schema of a step's input says nothing of `config`, which a call carries beside it.
            input_schema: None,
            output_schema: manifest.output_schema.clone(),
        })
    }

    fn names(&self) -> Vec<String> {
        let core = huiyin_desk::core_functions().into_iter().map(|f| format!("{}:{}", f.name, f.version));
        core.chain(self.0.installed().into_iter().map(|(name, _)| name)).collect()
    }
}
