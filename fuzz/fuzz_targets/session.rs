#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cassia_bypass::fuzzing::session(bytes));
