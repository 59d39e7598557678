//! Edge lists: a line for every edge, with its two nodes and perhaps its weight.
//!
//! Fields are separated by spaces, tabs or a comma; empty lines and those that begin with `#` or `%` are left out.
//! Whether nodes are numbers and edges have weights is seen from the first line, unless the caller knows.

use std::path::Path;

use multilane_plan::Lanes;

use super::blocks::{Done, Fault, Problem, Text};
use super::budget::Budget;
use super::lines::{Edges, Fields, Shape, fields, shown, weight};
use super::names::{Interner, Names};
use super::number::{float, integer};
use super::packed::{Packed, graph};
use super::{Loaded, ReadOptions};
use crate::algorithms::lanes::{PerLane, go_on};
use crate::{GraphError, MAX_NODES, limits};

/// Reads an edge list.
pub fn read_edge_list(path: &Path, options: &ReadOptions, lanes: &dyn Lanes) -> Result<Loaded, GraphError> {
    read_text(Text::open(path)?, options, lanes)
}

pub(super) fn read_text(mut text: Text, options: &ReadOptions, lanes: &dyn Lanes) -> Result<Loaded, GraphError> {
    skip_lines(&mut text, options.skip_lines)?;
    let first = first_line(&text)?;
    let numbers = first.is_none_or(|fields| integer(fields.source).is_some() && integer(fields.target).is_some());
    let weighted = options.weighted.unwrap_or_else(|| {
        let third = first.and_then(|fields| fields.third);
        third.is_some_and(|token| float(token).is_some())
    });
    let directed = options.directed.unwrap_or(true);
    let budget = Budget::new(options.memory);
    if let Some(nodes) = options.nodes {
        limits::checked_nodes(nodes as u128)?;
    }
    if numbers && !options.relabel {
        let shape = Shape {
            weighted,
            first: 0,
            nodes: options.nodes,
        };
        let parts = numbered(&mut text, shape, directed, &budget, lanes)?;
        let graph = graph(
            parts,
            weighted,
            directed,
            options.nodes.unwrap_or(0),
            options,
            &budget,
            lanes,
        )?;
        return Ok(Loaded { graph, names: None });
    }
    let (parts, names) = named(&mut text, numbers, weighted, directed, &budget, lanes)?;
    if let Some(nodes) = options.nodes
        && names.len() > nodes
    {
        return Err(text.format(format!("there are {} different nodes, not {nodes}", names.len())));
    }
    let graph = graph(
        parts,
        weighted,
        directed,
        options.nodes.unwrap_or(0),
        options,
        &budget,
        lanes,
    )?;
    Ok(Loaded {
        graph,
        names: Some(names),
    })
}

/// Leaves out lines that the caller knows are none of edges.
fn skip_lines(text: &mut Text, lines: usize) -> Result<(), GraphError> {
    if lines == 0 {
        return Ok(());
    }
    let ends = memchr::memchr_iter(b'\n', text.head()).take(lines);
    let (count, end) = ends.fold((0, 0), |(count, _), end| (count + 1, end + 1));
    if count < lines && !text.head().is_empty() {
        return Err(text.format(format!(
            "`skip_lines` is {lines}, but only {count} lines are near the start; give a smaller number"
        )));
    }
    text.skip(end, count as u64);
    Ok(())
}

/// The first line that is neither empty nor a comment.
fn first_line(text: &Text) -> Result<Option<Fields<'_>>, GraphError> {
    let (bytes, lines) = text.skipped();
    for (line, content) in (lines + 1..).zip(text.head()[bytes..].split(|&byte| byte == b'\n')) {
        if let Some(fields) = fields(content).map_err(|problem| text.malformed(line, problem))? {
            return Ok(Some(fields));
        }
    }
    Ok(None)
}

/// Reads lines of numbers.
pub(super) fn numbered(
    text: &mut Text,
    shape: Shape,
    directed: bool,
    budget: &Budget,
    lanes: &dyn Lanes,
) -> Result<Vec<Packed>, GraphError> {
    let scratch = PerLane::new(lanes, Edges::default);
    text.parse(lanes, |block, lane| {
        let mut edges = scratch.of(lane);
        edges.clear();
        let lines = shape.read(block, &mut edges)?;
        let other = |error| Fault {
            line: 0,
            problem: Problem::Other(error),
        };
        budget
            .add_edges(edges.ends.len() as u64, shape.weighted, directed)
            .map_err(other)?;
        Ok(Done {
            lines,
            result: Packed::new(&edges.ends, &edges.weights),
        })
    })
}

/// Edges of a block, between nodes by the numbers of the block's own names.
struct Local {
    edges: Packed,
    names: Names,
}

/// Reads lines of names; of numbers, when `numbers`, that are not the numbers nodes will have.
fn named(
    text: &mut Text,
    numbers: bool,
    weighted: bool,
    directed: bool,
    budget: &Budget,
    lanes: &dyn Lanes,
) -> Result<(Vec<Packed>, Names), GraphError> {
    let scratch = PerLane::new(lanes, Edges::default);
    let blocks = text.parse(lanes, |block, lane| {
        let mut edges = scratch.of(lane);
        edges.clear();
        let mut names = Interner::new();
        let mut lines = 0;
        for line in block.split_inclusive(|&byte| byte == b'\n') {
            name_line(line, numbers, weighted, &mut names, &mut edges).map_err(|problem| Fault {
                line: lines,
                problem: Problem::Line(problem),
            })?;
            lines += 1;
        }
        let names = names.into_names();
        let other = |error| Fault {
            line: 0,
            problem: Problem::Other(error),
        };
        budget.add(names.bytes()).map_err(other)?;
        budget
            .add_edges(edges.ends.len() as u64, weighted, directed)
            .map_err(other)?;
        Ok(Done {
            lines,
            result: Local {
                edges: Packed::new(&edges.ends, &edges.weights),
                names,
            },
        })
    })?;
    let mut all = Interner::new();
    let mut parts = Vec::with_capacity(blocks.len());
    for block in blocks {
        go_on(lanes)?;
        let numbers: Option<Vec<u32>> = block
            .names
            .iter()
            .map(|name| Some(all.number(name.as_bytes())?.0))
            .collect();
        let numbers = numbers.ok_or(GraphError::TooManyNodes {
            nodes: MAX_NODES as i128 + 1,
        })?;
        parts.push((block.edges, numbers));
    }
    let parts = super::each(parts, lanes, |(edges, numbers): (Packed, Vec<u32>)| {
        edges.renumbered(&numbers)
    });
    Ok((parts, all.into_names()))
}

fn name_line(
    line: &[u8],
    numbers: bool,
    weighted: bool,
    names: &mut Interner,
    edges: &mut Edges,
) -> Result<(), String> {
    let Some(fields) = fields(line)? else { return Ok(()) };
    let mut number = |token: &[u8]| {
        let mut name = token;
        if numbers {
            if !token.iter().all(u8::is_ascii_digit) {
                return Err(format!(
                    "expected the number of a node, as in the first line, found `{}`",
                    shown(token)
                ));
            }
            // 007 is 7.
            let zeros = token
                .iter()
                .take(token.len() - 1)
                .take_while(|&&byte| byte == b'0')
                .count();
            name = &token[zeros..];
        }
        if token[0] == b'"' {
            return Err(format!("expected a name without quotes, found `{}`", shown(token)));
        }
        let (number, new) = names
            .number(name)
            .ok_or("there are more names than a graph can have nodes")?;
        if new && str::from_utf8(name).is_err() {
            return Err(format!("the name `{}` is not UTF-8", shown(name)));
        }
        Ok(number)
    };
    let ends = (number(fields.source)?, number(fields.target)?);
    if weighted {
        edges.weights.push(weight(fields.third)?);
    }
    edges.ends.push(ends);
    Ok(())
}
