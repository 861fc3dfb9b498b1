#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| huiyin_hostile::targets::fuzz_origin(data));
