//! Readers against a plain reading of the same text, in blocks so small that every line meets their ends.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use multilane_plan::{Lanes, Serial};
use proptest::prelude::*;

use super::blocks::Text;
use super::{Loaded, ReadOptions, edge_list, matrix_market};
use crate::{Graph, GraphError};

/// A file in memory, and a path to it.
struct Scratch(#[expect(dead_code, reason = "held open")] File, PathBuf);

fn file(bytes: &[u8]) -> Scratch {
    let memory = rustix::fs::memfd_create("text", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    let mut file = File::from(memory);
    file.write_all(bytes).unwrap();
    let path = format!("/proc/self/fd/{}", file.as_raw_fd()).into();
    Scratch(file, path)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Two lanes by name, one after the other in fact.
struct Two;

impl Lanes for Two {
    fn count(&self) -> usize {
        2
    }

    fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        (0..pieces).rev().for_each(|piece| body(piece, piece % 2));
    }
}

type Read = fn(Text, &ReadOptions, &dyn Lanes) -> Result<Loaded, GraphError>;

/// Reads in all the ways there are, which must agree; gives the edges, or the error as text.
fn read(read: Read, bytes: &[u8], block: usize, options: &ReadOptions) -> Result<Vec<(u32, u32, f64)>, String> {
    let plain = file(bytes);
    let compressed = file(&gzip(bytes));
    let outcome = |path: &PathBuf, block, lanes: &dyn Lanes| match Text::open_in_blocks(path, block)
        .and_then(|text| read(text, options, lanes))
    {
        Ok(loaded) => Ok(edges(&loaded.graph)),
        Err(error) => Err(error.to_string().replace(&path.display().to_string(), "file")),
    };
    let first = outcome(&plain.1, block, &Serial);
    for again in [
        outcome(&plain.1, 1 << 20, &Serial),
        outcome(&plain.1, block, &Two),
        outcome(&compressed.1, block, &Two),
        outcome(&compressed.1, 1 << 20, &Serial),
    ] {
        // What the first block shows decides a little: how many lines may be skipped.
        assert_eq!(first, again);
    }
    first
}

fn edges(graph: &Graph) -> Vec<(u32, u32, f64)> {
    let rows = graph.out();
    let row = |node: usize| {
        rows.range(node)
            .map(move |at| (node as u32, rows.targets()[at], rows.weights().get(at)))
    };
    (0..rows.num_nodes()).flat_map(row).collect()
}

/// An edge list as people write them, and its edges.
fn edge_lists() -> impl Strategy<Value = (String, Vec<(u32, u32, f64)>, bool)> {
    let separator = prop_oneof![Just(" "), Just("\t"), Just(","), Just("  "), Just(" , "), Just(" \t")];
    let id = prop_oneof![0u32..20, 0u32..70_000];
    let weight = prop_oneof![
        Just("1".to_owned()),
        "[0-9]{1,9}\\.[0-9]{1,9}",
        "[0-9]{1,3}e-?[0-9]",
        "-[0-9]{1,3}\\.5"
    ];
    let noise = prop_oneof![
        8 => Just(""),
        1 => Just("\n"),
        1 => Just("# note\n"),
        1 => Just("%x,y z\n \t\n")
    ];
    let end = prop_oneof![6 => Just("\n"), 1 => Just("\r\n"), 1 => Just(" \n")];
    let line = (noise, id.clone(), separator.clone(), id, separator, weight, end);
    (prop::collection::vec(line, 0..40), any::<bool>()).prop_map(|(lines, weighted)| {
        let (mut text, mut edges) = (String::new(), Vec::new());
        for (noise, source, one, target, two, weight, end) in lines {
            text.push_str(noise);
            text.push_str(&format!("{source}{one}{target}"));
            if weighted {
                text.push_str(&format!("{two}{weight}"));
            }
            text.push_str(end);
            edges.push((source, target, if weighted { weight.parse().unwrap() } else { 1.0 }));
        }
        // Rows keep edges between the same nodes in their order.
        edges.sort_by_key(|edge| (edge.0, edge.1));
        (text, edges, weighted)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn edge_lists_are_read_as_they_are_written((text, edges, _) in edge_lists(), block in 1usize..60) {
        // The first line must lie in the first block, where the format is seen.
        let block = block.max(text.find(|c: char| c.is_ascii_digit()).unwrap_or(0) + 1);
        prop_assert_eq!(read(edge_list::read_text, text.as_bytes(), block, &ReadOptions::default()), Ok(edges));
    }

    #[test]
    fn renumbered_nodes_keep_their_names((text, edges, _) in edge_lists(), block in 1usize..60) {
        let block = block.max(text.find(|c: char| c.is_ascii_digit()).unwrap_or(0) + 1);
        let options = ReadOptions { relabel: true, ..ReadOptions::default() };
        let plain = file(text.as_bytes());
        let loaded = edge_list::read_text(Text::open_in_blocks(&plain.1, block).unwrap(), &options, &Two).unwrap();
        let names = loaded.names.unwrap().integers().unwrap();
        let mut found: Vec<_> = self::edges(&loaded.graph)
            .into_iter()
            .map(|(source, target, weight)| (names[source as usize] as u32, names[target as usize] as u32, weight))
            .collect();
        found.sort_by_key(|edge| (edge.0, edge.1));
        prop_assert_eq!(found, edges);
        let again = edge_list::read_text(Text::open(&plain.1).unwrap(), &options, &Serial).unwrap();
        prop_assert_eq!(again.names.unwrap().integers().unwrap(), names);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in bytes(), block in 1usize..80, relabel in any::<bool>(), weighted in any::<Option<bool>>()) {
        // Numbers of nodes may be large here: memory is not.
        let options = ReadOptions { relabel, weighted, memory: Some(1 << 26), ..ReadOptions::default() };
        for read in [edge_list::read_text as Read, matrix_market::read_text] {
            for bytes in [bytes.clone(), gzip(&bytes)] {
                let scratch = file(&bytes);
                for lanes in [&Serial as &dyn Lanes, &Two] {
                    let text = Text::open_in_blocks(&scratch.1, block);
                    if let Err(error) = text.and_then(|text| read(text, &options, lanes)) {
                        prop_assert!(!error.to_string().is_empty());
                    }
                }
            }
        }
    }

    #[test]
    fn damaged_matrices_are_refused_in_words(cut in 0usize..100, at in 0usize..100, byte in any::<u8>()) {
        let mut text = b"%%MatrixMarket matrix coordinate real general\n% note\n4 4 3\n1 2 0.5\n3 4 1e3\n4 4 -7\n".to_vec();
        let place = at % text.len();
        text[place] = byte;
        text.truncate(text.len() - cut % text.len());
        let options = ReadOptions { memory: Some(1 << 26), ..ReadOptions::default() };
        let _ = read(matrix_market::read_text, &text, 7, &options);
    }
}

/// Bytes with a liking for what readers look at.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        4 => "[0-9]{1,3}",
        1 => "[0-9]{7,22}",
        1 => Just("%%MatrixMarket matrix coordinate pattern general\n3 3 1\n".to_owned()),
        1 => Just("%%MatrixMarket matrix coordinate real symmetric\n9 9 2\n".to_owned()),
        1 => prop_oneof![Just("nan"), Just("inf"), Just("-"), Just("\""), Just("#"), Just("."), Just("1e999"), Just("\u{e9}")].prop_map(str::to_owned),
        6 => prop_oneof![Just(" "), Just("\n"), Just("\t"), Just(","), Just("\r\n")].prop_map(str::to_owned),
    ];
    prop_oneof![
        3 => prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

#[track_caller]
fn refuses(read_text: Read, text: &str, options: &ReadOptions, expect: &str) {
    assert_eq!(read(read_text, text.as_bytes(), 64, options), Err(expect.to_owned()));
}

#[test]
fn errors_name_the_line_and_what_was_expected() {
    let refuses = |text: &str, expect: &str| {
        refuses(edge_list::read_text, text, &ReadOptions::default(), expect);
    };
    refuses(
        "# two columns\n0 1\n1 x\n",
        "file, line 3: expected the number of a node, found `x`",
    );
    refuses("0 1\n\n2\n", "file, line 3: expected two nodes, found only `2`");
    refuses("0 1 5\n1 2\n", "file, line 2: expected a weight behind the two nodes");
    refuses("0 1 5\n1 2 heavy\n", "file, line 2: expected a weight, found `heavy`");
    refuses("0 1 5\n1 2 NaN\n", "file, line 2: the weight is not a number");
    refuses("0 1\n-1 2\n", "file, line 2: expected the number of a node, found `-1`");
    refuses("0,1\n,2\n", "file, line 2: field 1 is empty");
    refuses("0,1\n1,,2\n", "file, line 2: field 2 is empty");
    refuses(
        "0 1\n4294967295 0\n",
        "file, line 2: node 4294967295 is larger than any that a graph can have; read with `relabel` to number nodes anew",
    );
    refuses(
        "0 1\n99999999999999999999 0\n",
        "file, line 2: node 99999999999999999999 is larger than any that a graph can have; read with `relabel` to number nodes anew",
    );
    // The first of two errors is reported, in whichever block it is.
    let text = format!("{}a 1\n{}b 1\n", "1 2\n".repeat(100), "1 2\n".repeat(100));
    refuses(&text, "file, line 101: expected the number of a node, found `a`");
}

#[test]
fn nodes_that_were_not_promised_are_refused() {
    let options = ReadOptions {
        nodes: Some(3),
        ..ReadOptions::default()
    };
    refuses(
        edge_list::read_text,
        "0 1\n1 2\n2 3\n",
        &options,
        "file, line 3: node 3 is not one of the 3 nodes from 0 on",
    );
    assert_eq!(read(edge_list::read_text, b"0 1\n", 64, &options).unwrap().len(), 1);
    let relabel = ReadOptions {
        relabel: true,
        ..options
    };
    refuses(
        edge_list::read_text,
        "9 8\n7 6\n",
        &relabel,
        "file: there are 4 different nodes, not 3",
    );
}

#[test]
fn matrices_are_graphs() {
    let options = ReadOptions::default();
    let general = "%%MatrixMarket matrix coordinate real general\n% c\n\n3 3 2\n1 2 0.5\n3 3 -2e1\n";
    assert_eq!(
        read(matrix_market::read_text, general.as_bytes(), 64, &options),
        Ok(vec![(0, 1, 0.5), (2, 2, -20.0)])
    );
    let symmetric = "%%MatrixMarket MATRIX Coordinate Pattern Symmetric\n3 3 2\n2 1\n3 3\n";
    assert_eq!(
        read(matrix_market::read_text, symmetric.as_bytes(), 64, &options),
        Ok(vec![(0, 1, 1.0), (1, 0, 1.0), (2, 2, 1.0)])
    );
    let refuses = |text: &str, expect: &str| refuses(matrix_market::read_text, text, &options, expect);
    refuses(
        "%%MatrixMarket matrix array real general\n",
        "file, line 1: expected the format `coordinate`, found `array`",
    );
    refuses(
        "%%MatrixMarket matrix coordinate complex general\n",
        "file, line 1: expected `pattern`, `real` or `integer`, found `complex`",
    );
    refuses(
        "1 2\n",
        "file, line 1: expected `%%MatrixMarket matrix coordinate pattern|real|integer general|symmetric`, found `1 2`",
    );
    let head = "%%MatrixMarket matrix coordinate pattern general\n";
    refuses(
        &format!("{head}3 4 1\n1 1\n"),
        "file, line 2: 3 rows and 4 columns: only a square matrix is a graph",
    );
    refuses(
        &format!("{head}3 -3 1\n1 1\n"),
        "file, line 2: expected rows, columns and entries, found `3 -3 1`",
    );
    refuses(
        &format!("{head}3 3 1\n0 1\n"),
        "file, line 3: node 0, but nodes are counted from 1",
    );
    refuses(
        &format!("{head}3 3 1\n1 4\n"),
        "file, line 3: node 4 is not one of the 3 nodes from 1 on",
    );
    refuses(
        &format!("{head}3 3 2\n1 2\n"),
        "file: the header promises 2 entries, but there are 1",
    );
    refuses(
        head,
        "file, line 2: expected rows, columns and entries, found the end of the file",
    );
}

#[test]
fn names_are_kept() {
    let scratch = file("# who knows whom\nanna,bert,2\nbert,\u{e9}mile,3.5\n".as_bytes());
    let loaded = super::read(&scratch.1, &ReadOptions::default(), &Serial).unwrap();
    assert_eq!(edges(&loaded.graph), [(0, 1, 2.0), (1, 2, 3.5)]);
    assert_eq!(
        loaded.names.unwrap().iter().collect::<Vec<_>>(),
        ["anna", "bert", "\u{e9}mile"]
    );
    let options = ReadOptions {
        skip_lines: 1,
        ..ReadOptions::default()
    };
    assert_eq!(
        read(edge_list::read_text, b"from to\n0 1\n", 64, &options),
        Ok(vec![(0, 1, 1.0)])
    );
    refuses(
        edge_list::read_text,
        "a \"b\"\n",
        &ReadOptions::default(),
        "file, line 1: expected a name without quotes, found `\"b\"`",
    );
}

#[test]
fn what_is_larger_than_memory_is_refused() {
    let options = ReadOptions {
        memory: Some(1 << 20),
        ..ReadOptions::default()
    };
    let many = "1 2\n".repeat(200_000);
    let error = read(edge_list::read_text, many.as_bytes(), 1 << 20, &options).unwrap_err();
    assert!(error.starts_with("no memory for"), "{error}");
    let error = read(edge_list::read_text, b"0 4000000000\n", 64, &options).unwrap_err();
    assert!(error.starts_with("no memory for"), "{error}");
}

#[test]
fn damaged_compression_and_missing_files_are_errors() {
    let mut bytes = gzip("0 1\n1 2\n".repeat(1000).as_bytes());
    let half = bytes.len() / 2;
    bytes.truncate(half);
    let scratch = file(&bytes);
    let error = super::read(&scratch.1, &ReadOptions::default(), &Serial).unwrap_err();
    assert!(matches!(error, GraphError::Io { .. }), "{error}");
    for path in ["/no/such/file", "/", "/tmp/no.parquet"] {
        assert!(super::read(path.as_ref(), &ReadOptions::default(), &Serial).is_err());
    }
}

#[test]
fn a_request_to_stop_is_heard() {
    struct Stopped;
    impl Lanes for Stopped {
        fn count(&self) -> usize {
            1
        }
        fn run(&self, pieces: usize, body: &(dyn Fn(usize, usize) + Sync)) {
            Serial.run(pieces, body);
        }
        fn stopped(&self) -> bool {
            true
        }
    }
    let scratch = file(b"0 1\n");
    assert!(matches!(
        super::read(&scratch.1, &ReadOptions::default(), &Stopped),
        Err(GraphError::Stopped)
    ));
}

#[test]
fn an_empty_file_is_an_empty_graph() {
    for text in ["", "# nothing\n", "\n\n"] {
        assert_eq!(
            read(edge_list::read_text, text.as_bytes(), 64, &ReadOptions::default()),
            Ok(vec![])
        );
    }
    let options = ReadOptions {
        nodes: Some(4),
        ..ReadOptions::default()
    };
    let scratch = file(b"");
    assert_eq!(super::read(&scratch.1, &options, &Serial).unwrap().graph.num_nodes(), 4);
}
