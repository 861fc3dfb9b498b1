//! Guests for the tests, written in the text format: a core module laid out by
//! hand after the canonical ABI, wrapped as a component by the same encoder
//! that wraps real plugins.

#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::panic, clippy::format_push_string)]

pub mod dns;
pub mod http;
pub mod peer;
pub mod tls;

use std::fmt::Write as _;
use std::path::Path;

use huiyin_sandbox::{Context, Kind, Sandbox, SandboxConfig};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// What the guest's `describe` says.
#[derive(Clone)]
pub struct Says {
    pub name: &'static str,
    pub version: &'static str,
    pub kind: Kind,
    pub config_schema: &'static str,
    pub capabilities: Vec<Asks>,
}

#[derive(Clone)]
pub enum Asks {
    Http(String, Vec<&'static str>, &'static str),
    Secret(&'static str),
    Spool,
    Kv(u64),
}

impl Says {
    pub fn new(kind: Kind) -> Self {
        Self { name: "test-guest", version: "1.2.3", kind, config_schema: "{}", capabilities: Vec::new() }
    }

    pub fn asks(mut self, capability: Asks) -> Self {
        self.capabilities.push(capability);
        self
    }
}

/// Bytes of the guest's memory from `BASE` on.
pub struct Data {
    bytes: Vec<u8>,
}

const BASE: usize = 0x1000;

impl Data {
    pub fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    pub fn put(&mut self, bytes: &[u8], align: usize) -> u32 {
        while !self.bytes.len().is_multiple_of(align) {
            self.bytes.push(0);
        }
        let at = BASE + self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        u32::try_from(at).unwrap()
    }

    /// Pointer and length of a text.
    pub fn text(&mut self, text: &str) -> (u32, u32) {
        (self.put(text.as_bytes(), 1), u32::try_from(text.len()).unwrap())
    }

    fn pair(&mut self, text: &str) -> Vec<u8> {
        let (at, len) = self.text(text);
        [at.to_le_bytes(), len.to_le_bytes()].concat()
    }

    /// The record `manifest`; gives its address.
    pub fn manifest(&mut self, says: &Says) -> u32 {
        let schema = if says.kind == Kind::Step { "{}" } else { "" };
        let mut capabilities = Vec::new();
        for capability in &says.capabilities {
            let mut one = vec![0_u8; 32];
            match capability {
                Asks::Http(origin, methods, prefix) => {
                    let list: Vec<u8> = methods.iter().flat_map(|method| self.pair(method)).collect();
                    let list = self.put(&list, 4);
                    one[8..16].copy_from_slice(&self.pair(origin));
                    one[16..20].copy_from_slice(&list.to_le_bytes());
                    one[20..24].copy_from_slice(&u32::try_from(methods.len()).unwrap().to_le_bytes());
                    one[24..32].copy_from_slice(&self.pair(prefix));
                }
                Asks::Secret(name) => {
                    one[0] = 1;
                    one[8..16].copy_from_slice(&self.pair(name));
                    one[16..24].copy_from_slice(&self.pair("for a test"));
                }
                Asks::Spool => one[0] = 2,
                Asks::Kv(bytes) => {
                    one[0] = 3;
                    one[8..16].copy_from_slice(&bytes.to_le_bytes());
                }
            }
            capabilities.extend(one);
        }
        let list = self.put(&capabilities, 8);
        let mut record = Vec::new();
        record.extend(self.pair(says.name));
        record.extend(self.pair(says.version));
        let kind = Kind::ALL.iter().position(|kind| *kind == says.kind).unwrap();
        record.extend(u32::try_from(kind).unwrap().to_le_bytes());
        record.extend(self.pair("A guest of the tests."));
        record.extend(self.pair(says.config_schema));
        record.extend(self.pair(schema));
        record.extend(self.pair(schema));
        record.extend(list.to_le_bytes());
        record.extend(u32::try_from(says.capabilities.len()).unwrap().to_le_bytes());
        record.extend(0_u32.to_le_bytes());
        self.put(&record, 8)
    }

    fn wat(&self) -> String {
        let mut text = String::new();
        for byte in &self.bytes {
            write!(text, "\\{byte:02x}").unwrap();
        }
        text
    }
}

/// The parameters of the five functions as they arrive in a core module.
const CONTEXT: &str = "(param $call_p i32) (param $call_n i32) (param $attempt i32) \
    (param $unit_p i32) (param $unit_n i32) (param $now i64) (param $key_p i32) (param $key_n i32) \
    (param $cfg_p i32) (param $cfg_n i32)";

pub fn signature(kind: Kind) -> String {
    match kind {
        Kind::Collector => {
            format!("{CONTEXT} (param $cur i32) (param $cur_p i32) (param $cur_n i32) (param $limit i32) (result i32)")
        }
        Kind::Classifier | Kind::Notifier => "(param $args i32) (result i32)".to_owned(),
        Kind::Reporter | Kind::Step => {
            format!("{CONTEXT} (param $in_p i32) (param $in_n i32) (result i32)")
        }
    }
}

/// A whole core module. `body` is the function's code; `more` are imports
/// (first) and further items.
pub fn module(says: &Says, data: &mut Data, imports: &str, more: &str, body: &str) -> String {
    let manifest = data.manifest(says);
    let kind = says.kind.name();
    let function = says.kind.function();
    let signature = signature(says.kind);
    let bytes = data.wat();
    format!(
        r#"(module
  {imports}
  (memory (export "memory") 4)
  (global $heap (mut i32) (i32.const 0x20000))
  (data (i32.const {BASE}) "{bytes}")
  {more}
  (func $alloc (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $new i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
    (global.set $heap (i32.add (local.get $at) (local.get $new)))
    (block $done (loop $more
      (br_if $done (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
      (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
      (br $more)))
    (local.get $at))
  (func (export "huiyin:plugin/info@0.1.0#describe") (result i32) (i32.const {manifest}))
  (func (export "huiyin:plugin/{kind}@0.1.0#{function}") {signature}
    {body})
)"#
    )
}

/// Writes `result::ok(pointer, length)` to 0x100 and returns it.
pub fn ok_text(pointer: &str, length: &str) -> String {
    format!(
        "(i32.store (i32.const 0x100) (i32.const 0))
         (i32.store (i32.const 0x104) {pointer})
         (i32.store (i32.const 0x108) {length})
         (i32.const 0x100)"
    )
}

/// The text of the contract.
pub fn contract() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/wit/0.1/plugin.wit");
    std::fs::read_to_string(path).unwrap()
}

/// The core module with the world's description in it, as wit-bindgen leaves it.
pub fn core(wat: &str, world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("plugin.wit", &contract()).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut wasm = wat::parse_str(wat).unwrap();
    embed_component_metadata(&mut wasm, &resolve, world, StringEncoding::UTF8).unwrap();
    wasm
}

/// A finished package.
pub fn package(wat: &str, kind: Kind) -> Vec<u8> {
    let core = core(wat, &format!("{}-plugin", kind.name()));
    huiyin_sandbox::package::componentize(&core).unwrap()
}

/// A pure step with this body.
pub fn step(body: &str) -> Vec<u8> {
    step_with("", body)
}

pub fn step_with(more: &str, body: &str) -> Vec<u8> {
    let mut data = Data::new();
    let wat = module(&Says::new(Kind::Step), &mut data, "", more, body);
    package(&wat, Kind::Step)
}

/// Answers with its input.
pub fn echo() -> Vec<u8> {
    step(&ok_text("(local.get $in_p)", "(local.get $in_n)"))
}

pub fn sandbox() -> Sandbox {
    Sandbox::new(SandboxConfig::default()).unwrap()
}

pub fn context() -> Context {
    Context {
        call_id: "call-1".into(),
        attempt: 1,
        unit: "440100".into(),
        now: 1_700_000_000_000,
        idempotency_key: "key-1".into(),
    }
}

/// A step that imports the log, and so is not pure, with this body.
pub fn effect_step(body: &str) -> Vec<u8> {
    effect_step_with(&Says::new(Kind::Step), &mut Data::new(), body)
}

/// A step that imports log, spool and kv.
pub fn effect_step_with(says: &Says, data: &mut Data, body: &str) -> Vec<u8> {
    let imports = r#"
      (import "huiyin:plugin/log@0.1.0" "write" (func $log (param i32 i32 i32)))
      (import "huiyin:plugin/spool@0.1.0" "put" (func $put (param i32 i32 i32 i32 i32)))
      (import "huiyin:plugin/kv@0.1.0" "compare-and-set" (func $set (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))"#;
    let wat = module(says, data, imports, "", body);
    package(&wat, says.kind)
}
