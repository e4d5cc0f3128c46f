#![no_main]

#[path = "../../../sensor/tests/properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| properties::identity(bytes));
