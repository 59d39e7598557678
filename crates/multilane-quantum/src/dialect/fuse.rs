//! Gathers gates that follow one another into `quantum.fused`.
//!
//! Reads a verified plan and rewrites it in place. A chain ends where a register is read twice, and at whatever is
//! measured, reset or decided. What stands between its gates, such as the arithmetic of their angles, comes before it.

use std::collections::HashMap;

use multilane_plan::{Op, Plan, Region, ValueId};

use super::facts::{BARRIER, FUSED, GATE, ZERO};

/// Fuses chains of gates, those of loops included; returns how many operations are inside one now.
pub fn fuse_gates(plan: &mut Plan) -> usize {
    let mut body = std::mem::take(&mut plan.body);
    let gathered = gather(plan, &mut body);
    plan.body = body;
    gathered
}

fn gather(plan: &mut Plan, region: &mut Region) -> usize {
    let mut gathered = 0;
    for op in region.ops.iter_mut().filter(|op| op.name != FUSED) {
        for inner in &mut op.regions {
            gathered += gather(plan, inner);
        }
    }
    let chains = chains(region);
    let mut ops: Vec<Option<Op>> = std::mem::take(&mut region.ops).into_iter().map(Some).collect();
    for chain in chains.iter().filter(|chain| chain.len() > 1) {
        gathered += chain.len();
        let taken: Vec<Op> = chain.iter().filter_map(|place| ops[*place].take()).collect();
        // Everything the chain reads was made before its last gate.
        ops[chain[chain.len() - 1]] = Some(fused(plan, taken));
    }
    region.ops = ops.into_iter().flatten().collect();
    gathered
}

/// Places of operations that follow one another.
fn chains(region: &Region) -> Vec<Vec<usize>> {
    let mut reads = HashMap::new();
    count(region, &mut reads);
    let mut chains: Vec<Vec<usize>> = Vec::new();
    // The chain that ends with a register.
    let mut ends: HashMap<ValueId, usize> = HashMap::new();
    for (place, op) in region.ops.iter().enumerate() {
        let joins = match op.name.as_str() {
            GATE => op.attribute("value").is_none(),
            BARRIER => true,
            ZERO => false,
            _ => continue,
        };
        let (Some(result), first) = (op.results.first(), op.operands.first()) else {
            continue;
        };
        let before = first.filter(|register| joins && reads.get(register) == Some(&1));
        let chain = match before.and_then(|register| ends.remove(register)) {
            Some(chain) => chain,
            None if joins || op.name == ZERO => {
                chains.push(Vec::new());
                chains.len() - 1
            }
            None => continue,
        };
        chains[chain].push(place);
        ends.insert(*result, chain);
    }
    chains
}

/// How often each value is read.
fn count(region: &Region, reads: &mut HashMap<ValueId, usize>) {
    let mut note = |value: &ValueId| *reads.entry(*value).or_default() += 1;
    region.ops.iter().flat_map(|op| &op.operands).for_each(&mut note);
    region.yields.iter().for_each(&mut note);
    for inner in region.ops.iter().flat_map(|op| &op.regions) {
        count(inner, reads);
    }
}

/// One operation for a chain, with what it reads as operands: the register first.
fn fused(plan: &mut Plan, mut ops: Vec<Op>) -> Op {
    let location = ops.first().and_then(|op| op.location.clone());
    let mut made: Vec<ValueId> = ops.iter().flat_map(|op| op.results.iter().copied()).collect();
    let mut inside: HashMap<ValueId, ValueId> = HashMap::new();
    let (mut operands, mut parameters) = (Vec::new(), Vec::new());
    for operand in ops.iter_mut().flat_map(|op| &mut op.operands) {
        if made.contains(operand) {
            continue;
        }
        let parameter = *inside.entry(*operand).or_insert_with(|| {
            let parameter = plan.value(plan.ty(*operand).clone(), None);
            operands.push(*operand);
            parameters.push(parameter);
            parameter
        });
        *operand = parameter;
    }
    // The last register keeps its name for those who read it.
    let result = made.pop().expect("a chain has operations");
    let last = plan.value(plan.ty(result).clone(), None);
    if let Some(op) = ops.last_mut() {
        op.results = vec![last];
    }
    let mut op = Op::new(FUSED, operands, vec![result]);
    op.location = location;
    op.regions = vec![Region {
        parameters,
        ops,
        yields: vec![last],
    }];
    op
}
