// The kernels for CUDA, each the same computation in the same cut as its text in WGSL (`../wgsl.rs`).
//
// `kernels.ptx` beside this file is what is loaded: a user needs the driver and no compiler. After a change here,
// `scripts/compile_cuda.py` makes it anew.

#define GROUP 256u
#define TILE 64u
#define STEP 16u

typedef unsigned int u32;

__device__ __forceinline__ u32 number_of_thread() {
    return (blockIdx.y * gridDim.x + blockIdx.x) * GROUP + threadIdx.x;
}

// A sine and a cosine of the hardware's: what WGSL's are on these devices, too.
extern "C" __global__ void element(const float *left, const float *right, float *result, u32 elements, u32 iterations) {
    const u32 number = number_of_thread();
    if (number >= elements) return;
    float value = left[number];
    for (u32 turn = 0; turn < iterations; ++turn) value = __sinf(value) * __cosf(value) + value;
    result[number] = value;
}

extern "C" __global__ void triad(const float4 *left, const float4 *right, float4 *result, u32 elements, u32) {
    const u32 number = number_of_thread();
    if (number >= elements / 4u) return;
    const float4 a = left[number], b = right[number];
    result[number] = make_float4(a.x + 3.0f * b.x, a.y + 3.0f * b.y, a.z + 3.0f * b.z, a.w + 3.0f * b.w);
}

extern "C" __global__ void nothing(const float *left, const float *right, float *result, u32, u32) {
    result[0] = left[0];
}

// A block computes a tile of 64 by 64, each of its 256 threads four rows of four columns; both operands pass through
// the block's memory, 16 steps of the inner dimension at a time.
extern "C" __global__ void __launch_bounds__(256)
matrix(const float4 *left, const float4 *right, float4 *result, u32 size, u32) {
    __shared__ float rows[STEP][TILE];
    __shared__ float4 columns[STEP][TILE / 4u];
    const u32 quads = size / 4u, number = threadIdx.x, across = number % 16u, down = number / 16u;
    const u32 loaded_row = blockIdx.y * TILE + number / 4u, loaded_column = blockIdx.x * (TILE / 4u) + across;
    float4 sums[4] = {};
    for (u32 from = 0; from < size; from += STEP) {
        const float4 four = left[loaded_row * quads + from / 4u + number % 4u];
        const u32 inner = number % 4u * 4u;
        rows[inner][number / 4u] = four.x;
        rows[inner + 1u][number / 4u] = four.y;
        rows[inner + 2u][number / 4u] = four.z;
        rows[inner + 3u][number / 4u] = four.w;
        columns[down][across] = right[(from + down) * quads + loaded_column];
        __syncthreads();
#pragma unroll
        for (u32 step = 0; step < STEP; ++step) {
            const float4 column = columns[step][across];
#pragma unroll
            for (u32 row = 0; row < 4u; ++row) {
                const float factor = rows[step][down * 4u + row];
                sums[row].x += factor * column.x;
                sums[row].y += factor * column.y;
                sums[row].z += factor * column.z;
                sums[row].w += factor * column.w;
            }
        }
        __syncthreads();
    }
    const u32 first = (blockIdx.y * TILE + down * 4u) * quads + loaded_column;
#pragma unroll
    for (u32 row = 0; row < 4u; ++row) result[first + row * quads] = sums[row];
}
