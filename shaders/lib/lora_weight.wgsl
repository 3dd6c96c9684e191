// The gradient of LoRA's A or B: a (rows, a_stride), c (rows, c_stride4 vec4s), grad (outer, width4 vec4s).
struct Params {
  rows: u32, outer: u32, width4: u32, a_stride: u32, c_stride4: u32, segment1: u32, segment2: u32, adapter: u32, scale: f32
}
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> c: array<vec4f>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> grad: array<vec4f>;

// Which vec4 of c's row goes to vec4 i of the gradient: the same of the segment that the output belongs to.
fn column_of(i: u32) -> u32 {
  let m = i / p.width4;
  return (select(0u, 1u, m >= p.segment1) + select(0u, 1u, m >= p.segment2)) * p.width4 + i % p.width4;
}
