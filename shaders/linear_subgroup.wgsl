// linear.wgsl for adapters with subgroups, any layout of the weights: ROWS rows by 4 outputs an invocation, of which it loads
// what its own outputs need and a row of x or two; the other rows come by broadcast from its neighbours. On a software adapter a load costs
// as much as a dozen multiplications, a broadcast next to nothing. Sums are made in linear.wgsl's order.
struct Params {
  rows: u32, inner4: u32, cols: u32, y_stride: u32, y_offset: u32,
  accumulate: u32, use_bias: u32, rank: u32, h_stride: u32, segment1: u32, segment2: u32, adapter: u32, scale: f32
}
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<u32>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read> h: array<vec4f>;
@group(0) @binding(4) var<storage, read> b: array<vec4f>;
@group(0) @binding(5) var<storage, read> rows: array<u32>;
@group(0) @binding(6) var<storage, read_write> y: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

fn dots(a: vec4f, m: mat4x4f) -> vec4f {
  return vec4f(dot(a, m[0]), dot(a, m[1]), dot(a, m[2]), dot(a, m[3]));
}

@compute @workgroup_size(SUBGROUP)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let n = wid.x * 4u * SUBGROUP + lane;
  let row = wid.y * ROWS;
  let outputs = min(vec4u(n) + vec4u(0u, 1u, 2u, 3u) * SUBGROUP, vec4u(p.cols - 1u));
  let x_at = rows_of(row, lane, p.rows) * p.inner4;
  var sums0 = vec4f();
  var sums1 = vec4f();
  var sums2 = vec4f();
  var sums3 = vec4f();
  var sums4 = vec4f();
  var sums5 = vec4f();
  var sums6 = vec4f();
  var sums7 = vec4f();
  var sums8 = vec4f();
  var sums9 = vec4f();
  var sums10 = vec4f();
  var sums11 = vec4f();
  var sums12 = vec4f();
  var sums13 = vec4f();
  var sums14 = vec4f();
  var sums15 = vec4f();
  for (var k = 0u; k < p.inner4; k++) {
    let m = mat4x4f(weights_of(outputs.x, k), weights_of(outputs.y, k), weights_of(outputs.z, k), weights_of(outputs.w, k));
    var mine = mat4x4f();
    mine[0] = x[x_at.x + k];
    if (ROWS > SUBGROUP) { mine[1] = x[x_at.y + k]; }
    if (ROWS > 2u * SUBGROUP) { mine[2] = x[x_at.z + k]; }
    if (ROWS > 3u * SUBGROUP) { mine[3] = x[x_at.w + k]; }
    sums0 += dots(subgroupBroadcast(mine[0u / SUBGROUP % 4u], 0u % SUBGROUP), m);
    sums1 += dots(subgroupBroadcast(mine[1u / SUBGROUP % 4u], 1u % SUBGROUP), m);
    sums2 += dots(subgroupBroadcast(mine[2u / SUBGROUP % 4u], 2u % SUBGROUP), m);
    sums3 += dots(subgroupBroadcast(mine[3u / SUBGROUP % 4u], 3u % SUBGROUP), m);
    if (ROWS > 4u) {
      sums4 += dots(subgroupBroadcast(mine[4u / SUBGROUP % 4u], 4u % SUBGROUP), m);
      sums5 += dots(subgroupBroadcast(mine[5u / SUBGROUP % 4u], 5u % SUBGROUP), m);
      sums6 += dots(subgroupBroadcast(mine[6u / SUBGROUP % 4u], 6u % SUBGROUP), m);
      sums7 += dots(subgroupBroadcast(mine[7u / SUBGROUP % 4u], 7u % SUBGROUP), m);
      sums8 += dots(subgroupBroadcast(mine[8u / SUBGROUP % 4u], 8u % SUBGROUP), m);
      sums9 += dots(subgroupBroadcast(mine[9u / SUBGROUP % 4u], 9u % SUBGROUP), m);
      sums10 += dots(subgroupBroadcast(mine[10u / SUBGROUP % 4u], 10u % SUBGROUP), m);
      sums11 += dots(subgroupBroadcast(mine[11u / SUBGROUP % 4u], 11u % SUBGROUP), m);
      sums12 += dots(subgroupBroadcast(mine[12u / SUBGROUP % 4u], 12u % SUBGROUP), m);
      sums13 += dots(subgroupBroadcast(mine[13u / SUBGROUP % 4u], 13u % SUBGROUP), m);
      sums14 += dots(subgroupBroadcast(mine[14u / SUBGROUP % 4u], 14u % SUBGROUP), m);
      sums15 += dots(subgroupBroadcast(mine[15u / SUBGROUP % 4u], 15u % SUBGROUP), m);
    }
  }
  var sums = array<vec4f, 16>(
    sums0, sums1, sums2, sums3, sums4, sums5, sums6, sums7, sums8, sums9, sums10, sums11, sums12, sums13, sums14, sums15,
  );
  for (var r = 0u; row + r < p.rows && r < ROWS; r++) { finish(row + r, n, SUBGROUP, sums[r]); }
}
