#![no_main]

use libfuzzer_sys::fuzz_target;
use replyx_core::knowledge::DocumentKind;

fuzz_target!(|bytes: &[u8]| replyx_fuzz::read(DocumentKind::Epub, bytes));
