//! Lines of two nodes and perhaps a weight.
//!
//! Plain lines of short numbers are read many digits at a time; all others, and all errors, take the slow way.

use super::blocks::{Fault, Problem, is_empty};
use super::number::{digits, float, integer, plain_float, word};
use crate::MAX_NODES;

/// Bytes that a plain line may be looked at beyond its start.
const WINDOW: usize = 40;

/// What a line must be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Whether the third field is a weight; else it is left alone.
    pub(super) weighted: bool,
    /// The number of the first node: 0 or 1.
    pub(super) first: u32,
    /// How many nodes there are, when that is known.
    pub(super) nodes: Option<usize>,
}

/// Edges as they are read.
#[derive(Default)]
pub(super) struct Edges {
    pub(super) ends: Vec<(u32, u32)>,
    pub(super) weights: Vec<f64>,
}

impl Edges {
    pub(super) fn clear(&mut self) {
        self.ends.clear();
        self.weights.clear();
    }
}

impl Shape {
    /// Reads all lines of a block; gives how many there were.
    pub(super) fn read(self, text: &[u8], edges: &mut Edges) -> Result<u64, Fault> {
        if self.weighted {
            self.read_all::<true>(text, edges)
        } else {
            self.read_all::<false>(text, edges)
        }
    }

    fn read_all<const WEIGHTED: bool>(self, text: &[u8], edges: &mut Edges) -> Result<u64, Fault> {
        let most = self.nodes.unwrap_or(MAX_NODES).min(MAX_NODES) as u64;
        let (mut at, mut line) = (0, 0);
        while at < text.len() {
            if let Some(next) = self.plain::<WEIGHTED>(text, at, most, edges) {
                at = next;
            } else {
                let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
                self.slow(&text[at..end], edges).map_err(|problem| Fault {
                    line,
                    problem: Problem::Line(problem),
                })?;
                at = end + 1;
            }
            line += 1;
        }
        Ok(line)
    }

    /// Reads a line that is two short numbers with one separator, and perhaps a plain weight; gives the next line's start.
    #[inline(always)]
    fn plain<const WEIGHTED: bool>(self, text: &[u8], at: usize, most: u64, edges: &mut Edges) -> Option<usize> {
        let line: &[u8; WINDOW] = text.get(at..at + WINDOW)?.try_into().ok()?;
        let (source, count) = digits(word(line, 0));
        let end = count;
        if count == 0 || !is_separator(line[end]) {
            return None;
        }
        let (target, count) = digits(word(line, end + 1));
        let mut end = end + 1 + count;
        // A number below `first` wraps around and is too large as well.
        let (source, target) = (
            source.wrapping_sub(self.first.into()),
            target.wrapping_sub(self.first.into()),
        );
        if count == 0 || source.max(target) >= most {
            return None;
        }
        if WEIGHTED {
            if !is_separator(line[end]) {
                return None;
            }
            let (weight, last) = plain_float(line, end + 1)?;
            edges.weights.push(weight);
            end = last;
        } else if line[end] == b'\r' {
            end += 1;
        }
        if line[end] != b'\n' {
            return None;
        }
        edges.ends.push((source as u32, target as u32));
        Some(at + end + 1)
    }

    #[cold]
    fn slow(self, line: &[u8], edges: &mut Edges) -> Result<(), String> {
        let Some(fields) = fields(line)? else { return Ok(()) };
        let source = self.node(fields.source)?;
        let target = self.node(fields.target)?;
        if self.weighted {
            edges.weights.push(weight(fields.third)?);
        }
        edges.ends.push((source, target));
        Ok(())
    }

    fn node(self, token: &[u8]) -> Result<u32, String> {
        let shown = shown(token);
        let Some(number) = integer(token) else {
            let digits = token.iter().all(u8::is_ascii_digit);
            return Err(if digits {
                format!(
                    "node {shown} is larger than any that a graph can have; read with `relabel` to number nodes anew"
                )
            } else {
                format!("expected the number of a node, found `{shown}`")
            });
        };
        let first = u64::from(self.first);
        if number < first {
            return Err(format!("node {number}, but nodes are counted from {first}"));
        }
        match self.nodes {
            Some(nodes) if number - first >= nodes as u64 => {
                Err(format!("node {number} is not one of the {nodes} nodes from {first} on"))
            }
            None if number - first >= MAX_NODES as u64 => Err(format!(
                "node {number} is larger than any that a graph can have; read with `relabel` to number nodes anew"
            )),
            _ => Ok((number - first) as u32),
        }
    }
}

/// The first fields of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fields<'a> {
    pub(super) source: &'a [u8],
    pub(super) target: &'a [u8],
    pub(super) third: Option<&'a [u8]>,
}

/// The fields of a line; none for an empty line or a comment.
pub(super) fn fields(line: &[u8]) -> Result<Option<Fields<'_>>, String> {
    if is_empty(line) {
        return Ok(None);
    }
    let mut rest = line.trim_ascii();
    let mut found = [&b""[..]; 3];
    let mut count = 0;
    for field in &mut found {
        let end = rest
            .iter()
            .position(|&byte| is_separator(byte) || byte == b'\r')
            .unwrap_or(rest.len());
        if end == 0 {
            return Err(format!("field {} is empty", count + 1));
        }
        *field = &rest[..end];
        count += 1;
        rest = rest[end..].trim_ascii_start();
        match rest.strip_prefix(b",") {
            Some(behind) => rest = behind.trim_ascii_start(),
            None if rest.is_empty() => break,
            None => {}
        }
    }
    let [source, target, third] = found;
    if count < 2 {
        return Err(format!("expected two nodes, found only `{}`", shown(source)));
    }
    Ok(Some(Fields {
        source,
        target,
        third: (count > 2).then_some(third),
    }))
}

/// A weight, which must be there.
pub(super) fn weight(token: Option<&[u8]>) -> Result<f64, String> {
    let token = token.ok_or("expected a weight behind the two nodes")?;
    match float(token) {
        Some(weight) if weight.is_nan() => Err("the weight is not a number".to_owned()),
        Some(weight) => Ok(weight),
        None => Err(format!("expected a weight, found `{}`", shown(token))),
    }
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b',')
}

/// The start of a token, for a message.
pub(super) fn shown(token: &[u8]) -> String {
    const MOST: usize = 40;
    let text = String::from_utf8_lossy(&token[..token.len().min(MOST)]);
    let dots = if token.len() > MOST { "…" } else { "" };
    let visible = |character: char| if character.is_control() { '\u{fffd}' } else { character };
    format!("{}{dots}", text.chars().map(visible).collect::<String>())
}
