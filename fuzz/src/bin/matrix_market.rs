//! Any bytes are read as a graph or refused, never a panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| multilane_fuzz::read(multilane_graph::read::read_matrix_market, bytes));
