//! Matrix Market files: a header, the size of the matrix, and a line for every entry.
//!
//! Rows and columns are the nodes of the edges, counted from 1. A symmetric matrix is an undirected graph, any
//! other a directed one. Dense, complex and skew matrices are no graphs and are refused.

use std::path::Path;

use multilane_plan::Lanes;

use super::blocks::{Text, is_empty};
use super::budget::Budget;
use super::edge_list::numbered;
use super::lines::{Shape, shown};
use super::number::integer;
use super::packed::graph;
use super::{Loaded, ReadOptions};
use crate::{GraphError, limits};

/// Reads a Matrix Market file of the coordinate format.
pub fn read_matrix_market(path: &Path, options: &ReadOptions, lanes: &dyn Lanes) -> Result<Loaded, GraphError> {
    read_text(Text::open(path)?, options, lanes)
}

/// What the first lines say.
#[derive(Debug, PartialEq)]
struct Header {
    weighted: bool,
    symmetric: bool,
    nodes: usize,
    entries: u64,
    /// Bytes and lines up to the first entry.
    end: (usize, u64),
}

pub(super) fn read_text(mut text: Text, options: &ReadOptions, lanes: &dyn Lanes) -> Result<Loaded, GraphError> {
    let header = header(&text)?;
    if let Some(nodes) = options.nodes
        && nodes != header.nodes
    {
        return Err(text.format(format!("the matrix has {} rows, not {nodes}", header.nodes)));
    }
    text.skip(header.end.0, header.end.1);
    let weighted = match options.weighted {
        Some(true) if !header.weighted => return Err(text.format("a pattern has no weights".to_owned())),
        Some(weighted) => weighted,
        None => header.weighted,
    };
    let directed = options.directed.unwrap_or(!header.symmetric);
    if header.symmetric && directed {
        return Err(
            text.format("a symmetric matrix keeps each edge once and can only be read as undirected".to_owned())
        );
    }
    let shape = Shape {
        weighted,
        first: 1,
        nodes: Some(header.nodes),
    };
    let budget = Budget::new(options.memory);
    let parts = numbered(&mut text, shape, directed, &budget, lanes)?;
    let found: u64 = parts.iter().map(|part| part.edges() as u64).sum();
    if found != header.entries {
        return Err(text.format(format!(
            "the header promises {} entries, but there are {found}",
            header.entries
        )));
    }
    let graph = graph(parts, weighted, directed, header.nodes, options, &budget, lanes)?;
    Ok(Loaded { graph, names: None })
}

fn header(text: &Text) -> Result<Header, GraphError> {
    let (mark, _) = text.skipped();
    let mut lines = text.head()[mark..].split_inclusive(|&byte| byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let words: Vec<String> = String::from_utf8_lossy(&first[..first.len().min(200)])
        .split_ascii_whitespace()
        .map(str::to_ascii_lowercase)
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let malformed = |line, problem: String| Err(text.malformed(line, problem));
    let ["%%matrixmarket", "matrix", format, field, symmetry] = words[..] else {
        let expect = "%%MatrixMarket matrix coordinate pattern|real|integer general|symmetric";
        return malformed(
            1,
            format!("expected `{expect}`, found `{}`", shown(first.trim_ascii_end())),
        );
    };
    if format != "coordinate" {
        return malformed(
            1,
            format!("expected the format `coordinate`, found `{}`", format.escape_debug()),
        );
    }
    let weighted = match field {
        "pattern" => false,
        "real" | "integer" | "double" => true,
        _ => {
            return malformed(
                1,
                format!(
                    "expected `pattern`, `real` or `integer`, found `{}`",
                    field.escape_debug()
                ),
            );
        }
    };
    let symmetric = match symmetry {
        "general" => false,
        "symmetric" => true,
        _ => {
            return malformed(
                1,
                format!("expected `general` or `symmetric`, found `{}`", symmetry.escape_debug()),
            );
        }
    };
    let (mut bytes, mut line) = (mark + first.len(), 1);
    for content in lines {
        bytes += content.len();
        line += 1;
        if is_empty(content) {
            continue;
        }
        let content = content.trim_ascii();
        let numbers: Vec<Option<u64>> = content
            .split(u8::is_ascii_whitespace)
            .filter(|token| !token.is_empty())
            .map(integer)
            .collect();
        let [Some(rows), Some(columns), Some(entries)] = numbers[..] else {
            return malformed(
                line,
                format!("expected rows, columns and entries, found `{}`", shown(content)),
            );
        };
        if rows != columns {
            return malformed(
                line,
                format!("{rows} rows and {columns} columns: only a square matrix is a graph"),
            );
        }
        let nodes = limits::checked_nodes(u128::from(rows))?;
        return Ok(Header {
            weighted,
            symmetric,
            nodes,
            entries,
            end: (bytes, line),
        });
    }
    malformed(
        line + 1,
        "expected rows, columns and entries, found the end of the file".to_owned(),
    )
}
