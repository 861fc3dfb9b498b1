//! The plugins of the simulated house: real components for what the engine
//! asks of a plugin (its kind, whether it is pure, whether it may be
//! repeated). The pure one really runs in the sandbox; what the others would
//! do outside is scripted by [`crate::world`], so they are never called.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use huiyin_engine::catalog::RegistryCatalog;
use huiyin_engine::house::House;
use huiyin_flow::{Definition, Evaluator, ExprError};
use huiyin_sandbox::package::componentize;
use huiyin_sandbox::{Limits, PoolConfig, Sandbox, SandboxConfig};
use serde_json::Value;
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Gives back its input; pure. There are two versions, which do the same.
pub(crate) const ECHO: &str = "echo";
/// Does something outside that may be repeated under the same key.
pub(crate) const REPEATABLE: &str = "repeatable";
/// Does something outside that must not be repeated.
pub(crate) const ONCE: &str = "once";

/// Where a guest's own data begins.
const BASE: usize = 0x1000;

/// jq within this thread: the same evaluator that runs in the sandbox otherwise.
struct Jq;

impl Evaluator for Jq {
    fn compile(&self, program: &str, vars: &[&str]) -> Result<(), ExprError> {
        huiyin_plugin_jq::compile(program, vars).map_err(|e| ExprError::new(e.0))
    }

    fn eval(&self, program: &str, input: &Value, vars: &[(&str, &Value)]) -> Result<Value, ExprError> {
        huiyin_plugin_jq::evaluate(program, input, vars).map_err(|e| ExprError::new(e.0))
    }
}

/// The house that all simulations of this process share; nothing of it changes.
///
/// # Errors
/// When a component cannot be made or loaded.
pub(crate) fn house() -> Result<Arc<House>, String> {
    static HOUSE: LazyLock<Result<Arc<House>, String>> = LazyLock::new(build);
    HOUSE.clone()
}

/// Compiles a workflow.
///
/// # Errors
/// What is wrong with it, with its text.
pub(crate) fn parse(name: &str, text: &str, house: &House) -> Result<Definition, String> {
    Definition::parse(text, name, &RegistryCatalog(house), &*house.evaluator).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        format!("{}\n{text}", problems.join("\n"))
    })
}

fn build() -> Result<Arc<House>, String> {
    // Two threads may be in it at once, so not the one instance of `small`.
    let pool = PoolConfig { pooling: false, ..PoolConfig::default() };
    let sandbox = Sandbox::new(SandboxConfig { pool, ..SandboxConfig::default() }).map_err(|e| e.to_string())?;
    let sandbox = Arc::new(sandbox);
    let house = House::new(
        Arc::clone(&sandbox),
        Arc::new(Jq),
        &Limits { wall_ms: Limits::ceiling().wall_ms, ..Limits::default() },
    );
    for (name, version, outward, idempotent) in [
        (ECHO, "1.0.0", false, true),
        (ECHO, "2.0.0", false, true),
        (REPEATABLE, "1.0.0", true, true),
        (ONCE, "1.0.0", true, false),
    ] {
        let bytes = component(name, version, outward, idempotent)?;
        let package = sandbox.load(&bytes).map_err(|e| format!("{name}: {e}"))?;
        house.install(package).map_err(|e| e.to_string())?;
    }
    Ok(Arc::new(house))
}

/// A step that gives back its input, in Wasm's text format after the canonical ABI.
fn component(name: &str, version: &str, outward: bool, idempotent: bool) -> Result<Vec<u8>, String> {
    const SPOOL: &str = r#"(import "huiyin:plugin/spool@0.1.0" "put" (func $put (param i32 i32 i32 i32 i32)))"#;
    let mut data = Vec::new();
    let manifest = manifest(&mut data, name, version, outward, idempotent);
    let bytes = data.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "\\{byte:02x}");
        text
    });
    let import = if outward { SPOOL } else { "" };
    let text = format!(
        r#"(module
  {import}
  (memory (export "memory") 4)
  (global $heap (mut i32) (i32.const 0x20000))
  (data (i32.const {BASE}) "{bytes}")
  (func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $new i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
    (global.set $heap (i32.add (local.get $at) (local.get $new)))
    (local.get $at))
  (func (export "huiyin:plugin/info@0.1.0#describe") (result i32) (i32.const {manifest}))
  (func (export "huiyin:plugin/step@0.1.0#run")
    (param $call i32) (param $call_n i32) (param $attempt i32) (param $unit i32) (param $unit_n i32) (param $now i64)
    (param $key i32) (param $key_n i32) (param $config i32) (param $config_n i32) (param $in i32) (param $in_n i32)
    (result i32)
    (i32.store (i32.const 0x100) (i32.const 0)) (i32.store (i32.const 0x104) (local.get $in))
    (i32.store (i32.const 0x108) (local.get $in_n)) (i32.const 0x100))
)"#
    );
    let mut core = wat::parse_str(&text).map_err(|e| e.to_string())?;
    let contract = include_str!("../../../sdk/wit/0.1/plugin.wit");
    let mut resolve = Resolve::default();
    let package = resolve.push_str("plugin.wit", contract).map_err(|e| e.to_string())?;
    let world = resolve.select_world(&[package], Some("step-plugin")).map_err(|e| e.to_string())?;
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).map_err(|e| e.to_string())?;
    componentize(&core).map_err(|e| e.to_string())
}

/// Lays out the record that `describe` gives; where it begins.
fn manifest(data: &mut Vec<u8>, name: &str, version: &str, outward: bool, idempotent: bool) -> usize {
    const STEP: usize = 4;
    let mut put = |bytes: &[u8]| {
        data.resize(data.len().next_multiple_of(8), 0);
        let at = BASE + data.len();
        data.extend_from_slice(bytes);
        at
    };
    let mut words = Vec::new();
    for (n, text) in [name, version, "A plugin of the simulation.", "{}", "{}", "{}"].into_iter().enumerate() {
        if n == 2 {
            words.push(STEP);
        }
        words.extend([put(text.as_bytes()), text.len()]);
    }
    // One capability at most: `spool`, which has no payload.
    let mut spool = [0_u8; 32];
    spool[0] = 2;
    words.extend([put(&spool), usize::from(outward), usize::from(idempotent)]);
    let record: Vec<u8> =
        words.into_iter().flat_map(|word| u32::try_from(word).unwrap_or_default().to_le_bytes()).collect();
    put(&record)
}
