//! What the targets share: files in memory, and what must hold of every graph that was read.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use multilane_graph::GraphError;
use multilane_graph::read::{Loaded, ReadOptions};
use multilane_plan::{Lanes, Serial};

/// A reader of files.
pub type Reader = fn(&Path, &ReadOptions, &dyn Lanes) -> Result<Loaded, GraphError>;

/// Reads bytes as a file; the first of them says how.
pub fn read(reader: Reader, bytes: &[u8]) {
    let Some((&how, bytes)) = bytes.split_first() else {
        return;
    };
    let text = if how & 8 == 0 { bytes.to_vec() } else { compressed(bytes) };
    let memory = rustix::fs::memfd_create("fuzzed", rustix::fs::MemfdFlags::CLOEXEC).expect("memory is a file");
    let mut file = File::from(memory);
    file.write_all(&text).expect("memory takes everything");
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let options = ReadOptions {
        relabel: how & 1 != 0,
        weighted: [None, Some(true), Some(false), None][usize::from(how >> 1 & 3)],
        directed: [None, Some(true), Some(false), None][usize::from(how >> 4 & 3)],
        skip_lines: usize::from(how >> 6),
        // Numbers of nodes may be large: memory is not.
        memory: Some(1 << 20),
        ..ReadOptions::default()
    };
    match reader(&path, &options, &Serial) {
        Ok(loaded) => check(&loaded),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
}

fn check(loaded: &Loaded) {
    let (graph, nodes) = (&loaded.graph, loaded.graph.num_nodes());
    assert!(graph.out_targets().iter().all(|&target| (target as usize) < nodes));
    assert!((0..nodes).all(|node| graph.out_neighbours(node).is_sorted()));
    assert!((0..graph.num_entries()).all(|entry| !graph.weights().get(entry).is_nan()));
    assert_eq!(graph.out_offsets().last(), Some(&graph.num_entries()));
}
