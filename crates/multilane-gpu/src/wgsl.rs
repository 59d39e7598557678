//! The kernels as text in WGSL, the sizes written into it as constants.
//!
//! Three bindings in every one of them: left, right, result. Whoever runs the text makes the layout; a kernel that needs
//! no right operand leaves it alone.

use crate::kernel::{GROUP, Kernel, TILE, WIDTH};

/// The function in the text.
pub(crate) const ENTRY: &str = "operate";

/// Writes a kernel.
pub(crate) fn text(kernel: Kernel) -> String {
    match kernel {
        Kernel::Element { elements, iterations } => element(elements, iterations),
        Kernel::Matrix { size } => matrix(size),
        Kernel::Triad { elements } => triad(elements),
        Kernel::Nothing => nothing(),
    }
}

fn bindings(of: &str) -> String {
    format!(
        "@group(0) @binding(0) var<storage, read> left: array<{of}>;
@group(0) @binding(1) var<storage, read> right: array<{of}>;
@group(0) @binding(2) var<storage, read_write> result: array<{of}>;
"
    )
}

/// The number of a thread in a dispatch of two dimensions.
const NUMBER: &str = "(group.y * groups.x + group.x) * GROUP + local";

const BUILT_IN: &str = "@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, \
                        @builtin(local_invocation_index) local: u32";

fn element(elements: u32, iterations: u32) -> String {
    format!(
        "{bindings}
const GROUP = {GROUP}u;

@compute @workgroup_size({GROUP})
fn {ENTRY}({BUILT_IN}) {{
    let number = {NUMBER};
    if (number >= {elements}u) {{
        return;
    }}
    var value = left[number];
    for (var turn = 0u; turn < {iterations}u; turn++) {{
        value = sin(value) * cos(value) + value;
    }}
    result[number] = value;
}}
",
        bindings = bindings("f32"),
    )
}

fn triad(elements: u32) -> String {
    format!(
        "{bindings}
const GROUP = {GROUP}u;

@compute @workgroup_size({GROUP})
fn {ENTRY}({BUILT_IN}) {{
    let number = {NUMBER};
    if (number < {count}u) {{
        result[number] = left[number] + 3.0 * right[number];
    }}
}}
",
        bindings = bindings("vec4<f32>"),
        count = elements / WIDTH,
    )
}

fn nothing() -> String {
    format!(
        "{bindings}
@compute @workgroup_size(1)
fn {ENTRY}() {{
    result[0] = left[0];
}}
",
        bindings = bindings("f32"),
    )
}

/// A group computes a tile of 64 by 64, each of its 256 threads four rows of four columns; both operands pass through
/// the group's memory, 16 steps of the inner dimension at a time.
fn matrix(size: u32) -> String {
    format!(
        "{bindings}
const QUADS = {quads}u;
const STEP = 16u;

var<workgroup> rows: array<array<f32, {TILE}>, STEP>;
var<workgroup> columns: array<array<vec4<f32>, {tile_quads}>, STEP>;

@compute @workgroup_size(16, 16)
fn {ENTRY}(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) number: u32,
) {{
    var sums = array<vec4<f32>, 4>();
    let loaded_row = group.y * {TILE}u + number / 4u;
    let loaded_column = group.x * {tile_quads}u + number % 16u;
    for (var start = 0u; start < {size}u; start += STEP) {{
        let four = left[loaded_row * QUADS + start / 4u + number % 4u];
        let inner = number % 4u * 4u;
        rows[inner][number / 4u] = four.x;
        rows[inner + 1u][number / 4u] = four.y;
        rows[inner + 2u][number / 4u] = four.z;
        rows[inner + 3u][number / 4u] = four.w;
        columns[number / 16u][number % 16u] = right[(start + number / 16u) * QUADS + loaded_column];
        workgroupBarrier();
        for (var step = 0u; step < STEP; step++) {{
            let column = columns[step][local.x];
            sums[0] += rows[step][local.y * 4u] * column;
            sums[1] += rows[step][local.y * 4u + 1u] * column;
            sums[2] += rows[step][local.y * 4u + 2u] * column;
            sums[3] += rows[step][local.y * 4u + 3u] * column;
        }}
        workgroupBarrier();
    }}
    let first = (group.y * {TILE}u + local.y * 4u) * QUADS + group.x * {tile_quads}u + local.x;
    result[first] = sums[0];
    result[first + QUADS] = sums[1];
    result[first + 2u * QUADS] = sums[2];
    result[first + 3u * QUADS] = sums[3];
}}
",
        bindings = bindings("vec4<f32>"),
        quads = size / WIDTH,
        tile_quads = TILE / WIDTH,
    )
}
