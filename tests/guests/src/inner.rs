//! Changes to a finished component: its manifest section taken, replaced or
//! doubled, and further components put inside, whose core modules run when the
//! plugin is instantiated.

use huiyin_sandbox::SECTION;
use wasm_encoder::{
    ComponentExportKind, ComponentInstanceSection, ComponentSection, ComponentSectionId, CustomSection, Encode as _,
};
use wasmparser::{Parser, Payload};

/// The bytes of the manifest section.
///
/// # Errors
/// When there is none.
pub fn manifest_of(package: &[u8]) -> Result<Vec<u8>, String> {
    for payload in Parser::new(0).parse_all(package) {
        if let Payload::CustomSection(section) = payload.map_err(|error| error.to_string())?
            && section.name() == SECTION
        {
            return Ok(section.data().to_vec());
        }
    }
    Err("the package has no manifest section".to_owned())
}

/// With a manifest section of these bytes at its end.
#[must_use]
pub fn append_section(mut component: Vec<u8>, manifest: &[u8]) -> Vec<u8> {
    CustomSection { name: SECTION.into(), data: manifest.into() }.append_to_component(&mut component);
    component
}

/// Without its manifest section, which is its last.
///
/// # Errors
/// When there is none.
pub fn without_manifest(package: &[u8]) -> Result<Vec<u8>, String> {
    let manifest = manifest_of(package)?;
    let mut tail = Vec::new();
    CustomSection { name: SECTION.into(), data: manifest.as_slice().into() }.append_to_component(&mut tail);
    package.strip_suffix(tail.as_slice()).map(<[u8]>::to_vec).ok_or_else(|| "it is not the last section".to_owned())
}

/// With a component of this text put inside and instantiated so many times.
///
/// # Errors
/// When the text does not assemble.
pub fn append_inner(mut component: Vec<u8>, inner: &str, times: usize) -> Result<Vec<u8>, String> {
    let inner = wat::parse_str(inner).map_err(|error| format!("{error}\n{inner}"))?;
    append_binary(&mut component, &inner, times)?;
    Ok(component)
}

/// The same with a component that is assembled already.
///
/// # Errors
/// When the outer one cannot be read.
pub fn append_binary(component: &mut Vec<u8>, inner: &[u8], times: usize) -> Result<(), String> {
    // Its index is the number of components that the outer one has by now.
    let mut depth = 0_u32;
    let mut index = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| error.to_string())? {
            Payload::ModuleSection { .. } => depth += 1,
            Payload::ComponentSection { .. } => {
                index += u32::from(depth == 0);
                depth += 1;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    component.push(ComponentSectionId::Component.into());
    inner.encode(component);
    let mut instances = ComponentInstanceSection::new();
    for _ in 0..times {
        instances.instantiate(index, std::iter::empty::<(&str, ComponentExportKind, u32)>());
    }
    instances.append_to_component(component);
    Ok(())
}
