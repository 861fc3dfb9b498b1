#!/usr/bin/env bash
# mail-builder 2 reads the time through web-time. On wasm32-unknown-unknown that is JavaScript's clock, so that a
# module which writes one mail imports wasm-bindgen's functions, and cannot become a component for a host without
# JavaScript, also where the mail has its own date and id. mail-builder 0.4.4 imports nothing there.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/src"
cat > "$dir/src/lib.rs" <<'RS'
#[unsafe(no_mangle)]
pub extern "C" fn letter() -> usize {
    let mail = mail_builder::MessageBuilder::new()
        .from("a@example.cn")
        .to("b@example.cn")
        .date(1_772_352_000_i64)
        .message_id("1@example.cn")
        .text_body("ok");
    mail.write_to_vec().map_or(0, |bytes| bytes.len())
}
RS
imports() { # a pinned version
    printf '%s\n' '[package]' 'name = "letter"' 'version = "0.1.0"' 'edition = "2024"' '[lib]' 'crate-type = ["cdylib"]' > "$dir/Cargo.toml"
    rm -f "$dir/Cargo.lock"
    export CARGO_TARGET_DIR=$dir/target
    cargo add --quiet --no-default-features --manifest-path "$dir/Cargo.toml" "$1"
    cargo build --quiet --release --target wasm32-unknown-unknown --manifest-path "$dir/Cargo.toml"
    grep -c -a __wbindgen "$dir/target/wasm32-unknown-unknown/release/letter.wasm" || true
}
new=$(imports mail-builder@=2.0.1)
old=$(imports mail-builder@=0.4.4)
echo "lines of the module that name wasm-bindgen: 2.0.1 $new, 0.4.4 $old"
[[ $new -gt 0 && $old -eq 0 ]]
