// The transposed product dx (+)= dy W: its parameters and bindings, of which `w` holds Weights as the kernel or its library
// reads them.
struct Params { rows: u32, inner4: u32, cols: u32, dy_stride: u32, dy_offset: u32, accumulate: u32 }
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<Weights>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;

// Four inputs' sums of one row, at place k.
fn finish(row: u32, k: u32, sum: vec4f) {
  if (row >= p.rows || k >= p.inner4) { return; }
  let out = row * p.inner4 + k;
  if (p.accumulate != 0u) {
    dx[out] += sum;
  } else {
    dx[out] = sum;
  }
}
