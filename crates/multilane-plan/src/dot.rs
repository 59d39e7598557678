//! A picture of a plan in Graphviz' DOT language.
//!
//! Inputs and outputs are ovals, operations are boxes, loops and fused operations frames; numbers
//! stand where they are used. Never panics, whatever the plan.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::plan::{Op, Plan, Region, ValueId};
use crate::text::{number, type_name, value_name};

/// The plan as a directed graph.
pub fn to_dot(plan: &Plan) -> String {
    let mut picture = Picture {
        plan,
        out: String::new(),
        edges: String::new(),
        makers: BTreeMap::new(),
        numbers: BTreeMap::new(),
        nodes: 0,
    };
    let _ = writeln!(picture.out, "digraph {} {{", quoted(&plan.name));
    picture
        .out
        .push_str("  node [shape=box, fontname=\"sans-serif\", fontsize=11];\n");
    picture.out.push_str("  edge [fontname=\"sans-serif\", fontsize=9];\n");
    for (index, value) in plan.body.parameters.iter().enumerate() {
        let name = plan
            .inputs
            .get(index)
            .cloned()
            .unwrap_or_else(|| value_name(plan, *value));
        picture.parameter(*value, &name, 1);
    }
    picture.ops(&plan.body, 1);
    for (index, value) in plan.body.yields.iter().enumerate() {
        let name = plan
            .outputs
            .get(index)
            .cloned()
            .unwrap_or_else(|| value_name(plan, *value));
        let label = match picture.numbers.get(value) {
            Some(number) => format!("{name} = {number}"),
            None => name,
        };
        let node = picture.node(&label, "oval", 1);
        picture.edge(*value, node);
    }
    picture.out + &picture.edges + "}\n"
}

struct Picture<'a> {
    plan: &'a Plan,
    out: String,
    /// Lines, kept for the end: a node that is mentioned in a frame would move into it.
    edges: String,
    /// The node that makes each value.
    makers: BTreeMap<ValueId, usize>,
    /// Values that are numbers, which have no node.
    numbers: BTreeMap<ValueId, String>,
    nodes: usize,
}

impl Picture<'_> {
    fn ops(&mut self, region: &Region, depth: usize) {
        for op in &region.ops {
            if let ([result], Some(value)) = (op.results.as_slice(), op.constant()) {
                self.numbers.insert(*result, number(value));
            } else if op.regions.is_empty() {
                let label = self.label(op);
                let node = self.node(&label, "box", depth);
                for operand in &op.operands {
                    self.edge(*operand, node);
                }
                self.made(op, node);
            } else {
                self.frame(op, depth);
            }
        }
    }

    /// An operation with regions: a frame around their operations and a node for what it leaves.
    fn frame(&mut self, op: &Op, depth: usize) {
        let indent = "  ".repeat(depth);
        let _ = writeln!(self.out, "{indent}subgraph cluster_{} {{", self.nodes);
        let _ = writeln!(
            self.out,
            "{indent}  label={};",
            quoted(&format!("{} {}", short_name(op), attributes(op)))
        );
        let names: Vec<String> = op.results.iter().map(|value| value_name(self.plan, *value)).collect();
        let end = self.node(&names.join(", "), "box", depth + 1);
        for region in &op.regions {
            for (index, parameter) in region.parameters.iter().enumerate() {
                let name = value_name(self.plan, *parameter);
                let node = self.parameter(*parameter, &name, depth + 1);
                if let Some(operand) = op.operands.get(index) {
                    self.edge(*operand, node);
                }
            }
            self.ops(region, depth + 1);
            for value in &region.yields {
                self.edge(*value, end);
            }
        }
        let _ = writeln!(self.out, "{indent}}}");
        self.made(op, end);
    }

    fn parameter(&mut self, value: ValueId, name: &str, depth: usize) -> usize {
        let node = self.node(&format!("{name}\n{}", self.type_of(value)), "oval", depth);
        self.makers.insert(value, node);
        node
    }

    fn made(&mut self, op: &Op, node: usize) {
        self.makers.extend(op.results.iter().map(|result| (*result, node)));
    }

    /// `y = mul(·, 0.5)` above the type.
    fn label(&self, op: &Op) -> String {
        let operands: Vec<&str> = op
            .operands
            .iter()
            .map(|value| self.numbers.get(value).map_or("·", String::as_str))
            .collect();
        let names: Vec<String> = op
            .results
            .iter()
            .filter(|value| {
                self.plan
                    .values
                    .get(value.0 as usize)
                    .is_some_and(|info| info.name.is_some())
            })
            .map(|value| value_name(self.plan, *value))
            .collect();
        let names = if names.is_empty() {
            String::new()
        } else {
            format!("{} = ", names.join(", "))
        };
        let types: Vec<String> = op.results.iter().map(|value| self.type_of(*value)).collect();
        format!(
            "{names}{}({})\n{}",
            short_name(op),
            operands.join(", "),
            types.join(", ")
        )
    }

    fn type_of(&self, value: ValueId) -> String {
        match self.plan.values.get(value.0 as usize) {
            Some(info) => type_name(self.plan, &info.ty),
            None => "?".to_owned(),
        }
    }

    fn node(&mut self, label: &str, shape: &str, depth: usize) -> usize {
        let node = self.nodes;
        self.nodes += 1;
        let indent = "  ".repeat(depth);
        let _ = writeln!(self.out, "{indent}n{node} [label={}, shape={shape}];", quoted(label));
        node
    }

    /// A line from where a value is made; numbers have none.
    fn edge(&mut self, value: ValueId, to: usize) {
        if let Some(from) = self.makers.get(&value) {
            let _ = writeln!(self.edges, "  n{from} -> n{to};");
        }
    }
}

/// The operation's name, without its dialect when that is `core`.
fn short_name(op: &Op) -> &str {
    op.name.strip_prefix("core.").unwrap_or(&op.name)
}

fn attributes(op: &Op) -> String {
    if op.attributes.is_empty() {
        String::new()
    } else {
        crate::text::attributes(&op.attributes)
    }
}

/// A text as DOT writes it; line ends stay line ends of the label.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|character| match character {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\n' => "\\n".to_owned(),
            other if other.is_control() => " ".to_owned(),
            other => other.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    #[test]
    fn draws_inputs_operations_loops_and_outputs() {
        let text = r#"plan p(%x: f64[n], "\"limit\"" = %l: f64) {
  %half: f64 = core.constant 0.5
  %y, %rounds, %done = core.loop(%x) {count = 20, until = true} (%old: f64[n]) {
    %new = core.mul(%old, %half)
    %size = core.norm(%new) {ord = "l2"}
    %small = core.lt(%size, %l)
    yield %new, %small
  }
  return %y, %half
}"#;
        let plan = crate::text::parse(text, &crate::Registry::core()).unwrap();
        expect![[r#"
            digraph "p" {
              node [shape=box, fontname="sans-serif", fontsize=11];
              edge [fontname="sans-serif", fontsize=9];
              n0 [label="x\nf64[n]", shape=oval];
              n1 [label="\"limit\"\nf64", shape=oval];
              subgraph cluster_2 {
                label="loop {count = 20, until = true}";
                n2 [label="y, rounds, done", shape=box];
                n3 [label="old\nf64[n]", shape=oval];
                n4 [label="new = mul(·, 0.5)\nf64[n]", shape=box];
                n5 [label="size = norm(·)\nf64", shape=box];
                n6 [label="small = lt(·, ·)\nbool", shape=box];
              }
              n7 [label="y", shape=oval];
              n8 [label="half = 0.5", shape=oval];
              n0 -> n3;
              n3 -> n4;
              n4 -> n5;
              n5 -> n6;
              n1 -> n6;
              n4 -> n2;
              n6 -> n2;
              n2 -> n7;
            }
        "#]]
        .assert_eq(&super::to_dot(&plan));
    }
}
