//! Plugins that tests write themselves, in Wasm's text format: a core module
//! laid out by hand after the canonical ABI, wrapped as a component by the
//! encoder that wraps real plugins. Nothing but tests may load them.
//!
//! The code of a guest is short, because the rest is put in for it:
//! * `@"text"` stands for the address and length of a text in its memory,
//!   `@in` for those of its input without the quotes of a JSON text,
//!   `@manifest` for the address of the record that `describe` gives;
//! * every host function and helper whose `$name` occurs is declared
//!   ([`imports`], [`helpers`]);
//! * its `describe` is honest unless told otherwise.

pub mod dns;
mod helpers;
mod imports;
mod inner;
pub mod peer;
mod wit;

use std::fmt::Write as _;

use huiyin_sandbox::package::componentize;
use huiyin_sandbox::{Kind, PackageError};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};

pub use inner::{append_binary, append_inner, append_section, manifest_of, without_manifest};

/// Where a guest's own data begins; what lies below is scratch space:
/// 0x100 its answer, 0x200 to 0xfff for the answers of the host.
const BASE: usize = 0x1000;

/// What a manifest asks for.
#[derive(Debug, Clone)]
pub enum Asks {
    /// Requests to everywhere.
    Http,
    /// Requests to an origin, with methods, below a path.
    HttpTo(String, Vec<&'static str>, &'static str),
    /// A secret.
    Secret(&'static str),
    /// The spool.
    Spool,
    /// So many bytes.
    Kv(u64),
}

/// A guest to be built.
#[derive(Debug, Clone)]
pub struct Guest {
    /// Its name in the manifest.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its kind.
    pub kind: Kind,
    /// The summary in its manifest.
    pub summary: String,
    /// The schema of its configuration.
    pub config_schema: String,
    /// What it asks for.
    pub asks: Vec<Asks>,
    /// The code of its function.
    pub body: String,
    /// Further functions, tables, memories, data.
    pub more: String,
    /// Pages of its first memory: least, and most where there is one.
    pub pages: String,
    /// Another `cabi_realloc` than one that hands out fresh memory.
    pub realloc: Option<String>,
    /// Code of `describe` before it answers.
    pub before_describe: String,
    /// Code that runs after its answer was taken.
    pub post_return: Option<String>,
    /// How its texts are encoded.
    pub encoding: StringEncoding,
    /// The discriminant that its manifest gives as its kind.
    pub said_kind: Option<u8>,
    /// The byte its manifest gives as `idempotent`.
    pub said_idempotent: u8,
}

impl Guest {
    /// A guest of this kind whose function has this code.
    pub fn new(kind: Kind, body: impl Into<String>) -> Self {
        Self {
            name: "hostile-guest".to_owned(),
            version: "0.1.0".to_owned(),
            kind,
            summary: "A guest of the tests.".to_owned(),
            config_schema: "{}".to_owned(),
            asks: Vec::new(),
            body: body.into(),
            more: String::new(),
            pages: "4".to_owned(),
            realloc: None,
            before_describe: String::new(),
            post_return: None,
            encoding: StringEncoding::UTF8,
            said_kind: None,
            said_idempotent: 0,
        }
    }

    /// A step.
    pub fn step(body: impl Into<String>) -> Self {
        Self::new(Kind::Step, body)
    }

    /// With this asked for.
    #[must_use]
    pub fn asks(mut self, asks: Asks) -> Self {
        self.asks.push(asks);
        self
    }

    /// With further items of its module.
    #[must_use]
    pub fn more(mut self, more: impl Into<String>) -> Self {
        self.more = more.into();
        self
    }

    /// With a memory of so many pages at first.
    #[must_use]
    pub fn pages(mut self, pages: &str) -> Self {
        pages.clone_into(&mut self.pages);
        self
    }

    /// With this allocator: its parameters are `$old $had $align $new`.
    #[must_use]
    pub fn realloc(mut self, body: &str) -> Self {
        self.realloc = Some(body.to_owned());
        self
    }

    /// Of another version.
    #[must_use]
    pub fn version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.version);
        self
    }

    /// With another name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// With anything else changed.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// The core module as text.
    ///
    /// # Errors
    /// When the code holds an unclosed text.
    pub fn text(&self) -> Result<String, String> {
        let mut data = Data::new(self.encoding);
        let manifest = data.manifest(self);
        let mut code = |text: &str| data.place(text);
        let body = code(&self.body)?;
        let more = code(&self.more)?;
        let realloc = code(self.realloc.as_deref().unwrap_or(REALLOC))?;
        let describe = code(&self.before_describe)?;
        let post = self.post_return.as_deref().map(&mut code).transpose()?;
        let helpers = code(&helpers::used([body.as_str(), &more, &describe, &realloc]))?;
        let all = [&body, &more, &realloc, &describe, &helpers, post.as_ref().unwrap_or(&body)];
        let imports = imports::used(&all);
        let (kind, function) = (self.kind.name(), self.kind.function());
        let signature = signature(self.kind);
        let post = post.map_or(String::new(), |post| {
            format!("(func (export \"cabi_post_huiyin:plugin/{kind}@0.1.0#{function}\") (param $answer i32) {post})")
        });
        let bytes = data.escaped();
        Ok(format!(
            r#"(module
  {imports}
  (memory (export "memory") {pages})
  (global $heap (mut i32) (i32.const 0x20000))
  (data (i32.const {BASE}) "{bytes}")
  {more}
  {helpers}
  (func $realloc (export "cabi_realloc")
    (param $old i32) (param $had i32) (param $align i32) (param $new i32) (result i32)
    (local $at i32)
    {realloc})
  (func (export "huiyin:plugin/info@0.1.0#describe") (result i32) {describe} (i32.const {manifest}))
  (func (export "huiyin:plugin/{kind}@0.1.0#{function}") {signature}
    (local $i i32) (local $j i32) (local $p i32) (local $n i32) (local $h i32) (local $k i32)
    {body})
  {post}
)"#,
            pages = self.pages,
        ))
    }

    /// The core module with the world's description in it, as a language's
    /// tools leave it.
    ///
    /// # Errors
    /// When the text does not assemble: a mistake in the tests.
    pub fn core(&self) -> Result<Vec<u8>, String> {
        let text = self.text()?;
        let core = wat::parse_str(&text).map_err(|error| format!("{error}\n{text}"))?;
        self.described(core)
    }

    /// A core module of the same outside, with the world's description put in.
    ///
    /// # Errors
    /// When the module does not bear it.
    pub fn described(&self, mut core: Vec<u8>) -> Result<Vec<u8>, String> {
        let (resolve, world) = wit::world(self.kind)?;
        embed_component_metadata(&mut core, &resolve, world, self.encoding).map_err(|error| error.to_string())?;
        Ok(core)
    }

    /// The component without its manifest section.
    ///
    /// # Errors
    /// As [`Guest::core`].
    pub fn component(&self) -> Result<Vec<u8>, String> {
        let core = self.core()?;
        ComponentEncoder::default()
            .module(&core)
            .and_then(|mut encoder| encoder.encode())
            .map_err(|error| format!("{error:#}"))
    }

    /// The finished package, as `huiyin plugin build` makes it.
    ///
    /// # Errors
    /// As [`Guest::core`].
    pub fn package(&self) -> Result<Vec<u8>, String> {
        self.packed()?.map_err(|error| error.to_string())
    }

    /// The finished package, or why it is refused.
    ///
    /// # Errors
    /// As [`Guest::core`].
    pub fn packed(&self) -> Result<Result<Vec<u8>, PackageError>, String> {
        Ok(componentize(&self.core()?))
    }

    /// A package whose section says what an honest guest's would, whatever
    /// its `describe` does: for guests that cannot be looked at.
    ///
    /// # Errors
    /// As [`Guest::core`].
    pub fn smuggled(&self) -> Result<Vec<u8>, String> {
        let honest = Self {
            body: "unreachable".to_owned(),
            more: String::new(),
            before_describe: String::new(),
            pages: "4".to_owned(),
            post_return: None,
            realloc: None,
            said_kind: None,
            said_idempotent: 0,
            ..self.clone()
        };
        let manifest = manifest_of(&honest.package()?)?;
        Ok(append_section(self.component()?, &manifest))
    }
}

/// Hands out fresh memory, growing it where it must.
const REALLOC: &str = "
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
    (global.set $heap (i32.add (local.get $at) (local.get $new)))
    (block $done (loop $grow
      (br_if $done (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
      (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
      (br $grow)))
    (local.get $at)";

/// The parameters of the five functions as they arrive in a core module.
fn signature(kind: Kind) -> String {
    const CONTEXT: &str = "(param $call_p i32) (param $call_n i32) (param $attempt i32) \
        (param $unit_p i32) (param $unit_n i32) (param $now i64) (param $key_p i32) (param $key_n i32) \
        (param $cfg_p i32) (param $cfg_n i32)";
    match kind {
        Kind::Collector => {
            format!("{CONTEXT} (param $cur i32) (param $cur_p i32) (param $cur_n i32) (param $limit i32) (result i32)")
        }
        Kind::Classifier | Kind::Notifier => "(param $args i32) (result i32)".to_owned(),
        Kind::Reporter | Kind::Step => format!("{CONTEXT} (param $in_p i32) (param $in_n i32) (result i32)"),
    }
}

/// A guest's memory from [`BASE`] on.
struct Data {
    bytes: Vec<u8>,
    encoding: StringEncoding,
    /// Where the record of the manifest is.
    manifest: usize,
}

impl Data {
    fn new(encoding: StringEncoding) -> Self {
        Self { bytes: Vec::new(), encoding, manifest: 0 }
    }

    fn put(&mut self, bytes: &[u8], align: usize) -> usize {
        self.bytes.resize(self.bytes.len().next_multiple_of(align), 0);
        let at = BASE + self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        at
    }

    /// Address and length (in the encoding's own measure) of a text.
    fn said(&mut self, text: &str) -> (usize, usize) {
        if self.encoding == StringEncoding::UTF16 {
            let units: Vec<u16> = text.encode_utf16().collect();
            let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            return (self.put(&bytes, 2), units.len());
        }
        // Latin-1 of these texts is ASCII, which UTF-8 is, too.
        (self.put(text.as_bytes(), 2), text.len())
    }

    fn pair(&mut self, text: &str) -> Vec<u8> {
        let (at, len) = self.said(text);
        words(&[at, len])
    }

    /// The record that `describe` gives.
    fn manifest(&mut self, guest: &Guest) -> usize {
        let schema = if guest.kind == Kind::Step { "{}" } else { "" };
        let mut capabilities = Vec::new();
        for asks in &guest.asks {
            let mut one = vec![0_u8; 32];
            let mut http = |data: &mut Self, origin: &str, methods: &[&str], prefix: &str| {
                let list: Vec<u8> = methods.iter().flat_map(|method| data.pair(method)).collect();
                let list = data.put(&list, 4);
                one[8..16].copy_from_slice(&data.pair(origin));
                one[16..24].copy_from_slice(&words(&[list, methods.len()]));
                one[24..32].copy_from_slice(&data.pair(prefix));
            };
            match asks {
                Asks::Http => http(self, "http://*:*", &[], "/"),
                Asks::HttpTo(origin, methods, prefix) => http(self, origin, methods, prefix),
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
        let kind = Kind::ALL.iter().position(|kind| *kind == guest.kind).unwrap_or_default();
        let mut record = Vec::new();
        record.extend(self.pair(&guest.name));
        record.extend(self.pair(&guest.version));
        record.extend(words(&[guest.said_kind.map_or(kind, usize::from)]));
        record.extend(self.pair(&guest.summary));
        record.extend(self.pair(&guest.config_schema));
        record.extend(self.pair(schema));
        record.extend(self.pair(schema));
        record.extend(words(&[list, guest.asks.len()]));
        record.extend([guest.said_idempotent, 0, 0, 0]);
        self.manifest = self.put(&record, 8);
        self.manifest
    }

    /// The code with its texts put into memory.
    fn place(&mut self, code: &str) -> Result<String, String> {
        const INPUT: &str = "(i32.add (local.get $in_p) (i32.const 1)) (i32.sub (local.get $in_n) (i32.const 2))";
        let mut out = String::with_capacity(code.len());
        let mut rest = code;
        while let Some(at) = rest.find('@') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(text) = rest.strip_prefix('"') {
                let end = text.find('"').ok_or_else(|| format!("a text is not closed: {text}"))?;
                let (at, len) = self.said(&unescaped(&text[..end]));
                let _ = write!(out, "(i32.const {at}) (i32.const {len})");
                rest = &text[end + 1..];
            } else if let Some(more) = rest.strip_prefix("manifest") {
                let _ = write!(out, "(i32.const {})", self.manifest);
                rest = more;
            } else if let Some(more) = rest.strip_prefix("in") {
                out.push_str(INPUT);
                rest = more;
            } else {
                // An `@` of the text format itself, as in the names of interfaces.
                out.push('@');
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn escaped(&self) -> String {
        self.bytes.iter().fold(String::with_capacity(self.bytes.len() * 3), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "\\{byte:02x}");
            text
        })
    }
}

/// `\r`, `\n`, `\t`, `\0`, `\q` (a double quote), `\x1b` and `\x07` by their characters.
fn unescaped(text: &str) -> String {
    text.replace("\\r", "\r")
        .replace("\\n", "\n")
        .replace("\\t", "\t")
        .replace("\\0", "\0")
        .replace("\\q", "\"")
        .replace("\\x1b", "\x1b")
        .replace("\\x07", "\x07")
}

fn words(words: &[usize]) -> Vec<u8> {
    words.iter().flat_map(|word| u32::try_from(*word).unwrap_or(u32::MAX).to_le_bytes()).collect()
}
