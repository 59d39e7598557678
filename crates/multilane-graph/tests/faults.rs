//! Files that are damaged, and graphs that no machine can hold: an error that says so, never a panic, and no memory taken.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use multilane_graph::generate::{grid, kronecker, uniform};
use multilane_graph::read::{Loaded, ReadOptions, read_edge_list, read_matrix_market};
use multilane_graph::{EdgeOptions, Graph, GraphError, WeightSlice};
use multilane_plan::{Lanes, Serial};
use proptest::prelude::*;

/// A file in memory, and a path to it.
struct Scratch(#[expect(dead_code, reason = "held open")] File, PathBuf);

fn file(bytes: &[u8]) -> Scratch {
    let memory = rustix::fs::memfd_create("text", rustix::fs::MemfdFlags::CLOEXEC).expect("memory is a file");
    let mut file = File::from(memory);
    file.write_all(bytes).expect("it takes everything");
    let path = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
    Scratch(file, path)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
}

const MATRIX: &str = "%%MatrixMarket matrix coordinate real general\n% note\n4 4 3\n1 2 0.5\n3 4 1e3\n4 4 -7\n";
const EDGES: &str = "# from, to, weight\n0 1 0.25\n12,7,1e-3\r\n\n3\t3\t99999999.5\n0 4 -1\n";
const NAMES: &str = "anna bert\nbert \u{e9}mile\n\u{e9}mile anna\n";

/// What one change does to bytes.
#[derive(Clone, Debug)]
enum Change {
    Byte(usize, u8),
    Cut(usize),
    Double(usize, usize),
    Insert(usize, &'static str),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let odd = prop::sample::select(vec![
        "4294967295",
        "18446744073709551616",
        "-1",
        "nan",
        "inf",
        "1e999",
        "\u{feff}",
        "\0",
        "\n\n",
        " ",
        ",",
        "%",
        "%%MatrixMarket",
        "\r",
        "\"",
        "9999999999 9999999999 1\n",
    ]);
    let change = prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        any::<usize>().prop_map(Change::Cut),
        (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Change::Double(from, to)),
        (any::<usize>(), odd).prop_map(|(at, text)| Change::Insert(at, text)),
    ];
    prop::collection::vec(change, 1..5)
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let len = bytes.len();
        if len == 0 {
            break;
        }
        match *change {
            Change::Byte(at, byte) => bytes[at % len] = byte,
            Change::Cut(at) => bytes.truncate(at % len),
            Change::Double(from, to) => {
                let (from, to) = (from % len, to % len);
                bytes.extend_from_within(from.min(to)..from.max(to));
            }
            Change::Insert(at, text) => {
                bytes.splice(at % len..at % len, text.bytes());
            }
        }
    }
    bytes
}

/// Reads, and holds the answer against what every answer must be.
fn check(read: fn(&std::path::Path, &ReadOptions, &dyn Lanes) -> Result<Loaded, GraphError>, bytes: &[u8]) {
    for (relabel, weighted) in [(false, None), (true, Some(false)), (false, Some(true))] {
        // Node numbers may be large here: memory is not.
        let options = ReadOptions {
            relabel,
            weighted,
            memory: Some(1 << 20),
            ..ReadOptions::default()
        };
        let scratch = file(bytes);
        match read(&scratch.1, &options, &Serial) {
            Ok(loaded) => {
                let (graph, nodes) = (&loaded.graph, loaded.graph.num_nodes());
                assert!(graph.out_targets().iter().all(|&target| (target as usize) < nodes));
                assert!((0..graph.num_entries()).all(|entry| !graph.weights().get(entry).is_nan()));
                assert!(loaded.names.is_none_or(|names| names.len() == nodes));
            }
            Err(error) => {
                let told = matches!(error, GraphError::OutOfMemory { .. } | GraphError::TooManyNodes { .. });
                assert!(told || error.to_string().contains("/proc/self/fd/"), "{error}");
            }
        }
    }
}

/// Numbers of nodes that no memory has room for.
fn beyond() -> impl Strategy<Value = i64> {
    prop::sample::select(vec![1 << 40, 1 << 62, i64::MAX, i64::MIN])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_texts_are_read_or_refused(changes in changes()) {
        for text in [EDGES, NAMES] {
            check(read_edge_list, &changed(text.as_bytes().to_vec(), &changes));
        }
        check(read_matrix_market, &changed(MATRIX.as_bytes().to_vec(), &changes));
    }

    #[test]
    fn damaged_compression_is_read_or_refused(changes in changes(), inside in changes()) {
        check(read_edge_list, &changed(gzip(EDGES.as_bytes()), &changes));
        check(read_edge_list, &gzip(&changed(EDGES.as_bytes().to_vec(), &inside)));
        check(read_matrix_market, &changed(gzip(MATRIX.as_bytes()), &changes));
    }

    #[test]
    fn any_arrays_are_a_graph_or_refused(
        edges in prop::collection::vec((prop_oneof![8 => -1i64..9, 1 => beyond()], 0i64..9), 0..12),
        more in 0usize..2,
        weights in prop::option::of(prop::collection::vec(prop_oneof![8 => any::<f64>(), 1 => Just(f64::NAN)], 0..12)),
        nodes in prop::option::of(prop_oneof![4 => 0usize..12, 1 => beyond().prop_map(|node| node as usize)]),
        directed in any::<bool>(),
    ) {
        let (mut sources, targets): (Vec<i64>, Vec<i64>) = edges.into_iter().unzip();
        sources.extend(std::iter::repeat_n(0, more));
        let given = weights.as_deref().map_or(WeightSlice::None, WeightSlice::F64);
        let largest = sources.iter().chain(&targets).copied().max().unwrap_or(0);
        let options = EdgeOptions { nodes, directed, ..EdgeOptions::default() };
        match Graph::from_edges(&sources, &targets, given, options, &Serial) {
            Ok(graph) => {
                prop_assert_eq!(graph.num_edges(), sources.len());
                prop_assert!(more == 0 && largest < graph.num_nodes().max(1) as i64);
            }
            Err(error) => prop_assert!(error.hint().is_some(), "{}", error),
        }
    }
}

#[test]
fn what_no_machine_can_hold_is_refused_before_anything_is_taken() {
    let options = EdgeOptions::default();
    let many = EdgeOptions {
        nodes: Some(10_000_000_000_000),
        ..options
    };
    let header = file(b"%%MatrixMarket matrix coordinate pattern general\n10000000000000 10000000000000 1\n1 1\n");
    let text = file(b"0 1\n");
    let claimed = ReadOptions {
        nodes: Some(1 << 50),
        ..ReadOptions::default()
    };
    let answers = [
        kronecker(40, 16, 1, options, &Serial).map(drop),
        kronecker(31, 1 << 30, 1, options, &Serial).map(drop),
        kronecker(200, usize::MAX, 1, options, &Serial).map(drop),
        uniform(10, 1 << 60, 1, options, &Serial).map(drop),
        uniform(1 << 60, 1, 1, options, &Serial).map(drop),
        grid(1 << 24, 1 << 24, false, &Serial).map(drop),
        grid(usize::MAX, usize::MAX, true, &Serial).map(drop),
        Graph::from_edges(&[0i64], &[1], WeightSlice::None, many, &Serial).map(drop),
        read_matrix_market(&header.1, &ReadOptions::default(), &Serial).map(drop),
        read_edge_list(&text.1, &claimed, &Serial).map(drop),
    ];
    for (place, answer) in answers.into_iter().enumerate() {
        let error = answer.unwrap_err();
        assert!(matches!(error, GraphError::OutOfMemory { .. }), "{place}: {error}");
        assert!(error.to_string().contains("only"), "{place}: {error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn a_mark_before_the_text_is_no_part_of_it() {
    let read = |text: &str, reader: fn(&std::path::Path, &ReadOptions, &dyn Lanes) -> Result<Loaded, GraphError>| {
        let bytes = format!("\u{feff}{text}");
        [file(bytes.as_bytes()), file(&gzip(bytes.as_bytes()))].map(|scratch| {
            let loaded = reader(&scratch.1, &ReadOptions::default(), &Serial).unwrap();
            assert!(loaded.names.is_none());
            loaded.graph.num_edges()
        })
    };
    assert_eq!(read("0 1\n1 2\n", read_edge_list), [2, 2]);
    assert_eq!(read("# note\n0 1\n", read_edge_list), [1, 1]);
    assert_eq!(read(MATRIX, read_matrix_market), [3, 3]);
}

#[test]
fn a_folder_is_no_file() {
    let error = read_edge_list("/proc/self".as_ref(), &ReadOptions::default(), &Serial).unwrap_err();
    let GraphError::Io { source, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(source.kind(), std::io::ErrorKind::IsADirectory);
}
