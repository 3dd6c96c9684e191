// What a group's products do to their input while they read it, in place of a dispatch before them. PROLOGUE is 1 for the RMS
// norm of x's rows, 2 for SwiGLU of rows [gate | up], twice as wide. The kernel declares
// LANES and ROWS (8 at most).
struct Params { eps: f32 }
@group(0) @binding(7) var<storage, read> norm_weight: array<vec4f>;
const NO_PROLOGUE = 0u;
const NORM = 1u;
const SWIGLU = 2u;
// Lanes that share a row's sum of squares. One sum a row and two barriers for all: software adapters take seconds to compile more.
const PARTS = LANES / 8u;
var<workgroup> squares: array<f32, ROWS * PARTS>;
var<workgroup> inverse_rms: array<f32, ROWS>;

// To be called by all lanes before input().
fn prepare(lane: u32, first_row: u32) {
  if (PROLOGUE != NORM) { return; }
  if (lane < ROWS * PARTS) {
    let at = min(first_row + lane / PARTS, p.rows - 1u) * p.inner4;
    var sum = 0.0;
    for (var k = lane % PARTS; k < p.inner4; k += PARTS) { sum += dot(x[at + k], x[at + k]); }
    squares[lane] = sum;
  }
  workgroupBarrier();
  if (lane < ROWS) {
    var sum = 0.0;
    for (var i = 0u; i < PARTS; i++) { sum += squares[lane * PARTS + i]; }
    inverse_rms[lane] = 1.0 / sqrt(sum / f32(4u * p.inner4) + p.eps);
  }
  workgroupBarrier();
}

// Four inputs of the group's row r at place k; of the last row beyond it.
fn input(first_row: u32, r: u32, k: u32) -> vec4f {
  let row = min(first_row + r, p.rows - 1u);
  if (PROLOGUE == SWIGLU) {
    let gate = x[2u * row * p.inner4 + k];
    return gate / (1.0 + exp(-gate)) * x[(2u * row + 1u) * p.inner4 + k];
  }
  let value = x[row * p.inner4 + k];
  if (PROLOGUE == NORM) { return value * inverse_rms[r] * norm_weight[k]; }
  return value;
}
