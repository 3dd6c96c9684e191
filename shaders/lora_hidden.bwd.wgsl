// dh[t, s * rank + j] = scale * sum over outputs n of segment s of dy[t, n] * b[n, j]; zero for rows of another adapter.
struct Params {
  rows: u32, cols: u32, rank: u32, segments: u32, segment1: u32, segment2: u32, adapter: u32, scale: f32
}
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read> rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> dh: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * 64u + lid.x;
  let rank4 = p.rank / 4u;
  let width4 = p.segments * rank4;
  if (i >= p.rows * width4) { return; }
  let row = i / width4;
  let segment = (i % width4) / rank4;
  let j = i % rank4;
  var sum = vec4f();
  if (rows[row * ROW_WORDS + ROW_ADAPTER] == p.adapter) {
    let first = select(0u, select(p.segment1, p.segment2, segment == 2u), segment > 0u);
    let end = select(select(p.segment2, p.segment1, segment == 0u), p.cols, segment + 1u == p.segments);
    for (var n = first; n < end; n++) { sum += dy[row * p.cols + n] * b[n * rank4 + j]; }
  }
  dh[i] = p.scale * sum;
}
