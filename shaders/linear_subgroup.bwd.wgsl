// linear.bwd.wgsl for adapters with subgroups, any layout of the weights: ROWS rows by 4 inputs an invocation, rows of dy by
// broadcast as those of x in linear_subgroup.wgsl. Sums are made in linear.bwd.wgsl's order.
struct Params { rows: u32, inner4: u32, cols: u32, dy_stride: u32, dy_offset: u32, accumulate: u32 }
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<u32>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;
@group(1) @binding(0) var<uniform> p: Params;


// Four outputs' dy of one row; beyond the last output 0.
fn dy_of(at: u32, outputs: vec4u, live: vec4<bool>) -> vec4f {
  return select(vec4f(), vec4f(dy[at + outputs.x], dy[at + outputs.y], dy[at + outputs.z], dy[at + outputs.w]), live);
}

fn plus(sum: vec4f, d: vec4f, m: mat4x4f) -> vec4f {
  var total = sum + d.x * m[0];
  total += d.y * m[1];
  total += d.z * m[2];
  total += d.w * m[3];
  return total;
}

fn finish(row: u32, k: u32, sum: vec4f) {
  if (k >= p.inner4) { return; }
  let out = row * p.inner4 + k;
  if (p.accumulate != 0u) {
    dx[out] += sum;
  } else {
    dx[out] = sum;
  }
}

@compute @workgroup_size(SUBGROUP)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let k = wid.x * SUBGROUP + lane;
  let row = wid.y * ROWS;
  let column = min(k, p.inner4 - 1u);
  let dy_at = rows_of(row, lane, p.rows) * p.dy_stride + p.dy_offset;
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
  for (var n = 0u; n < p.cols; n += 4u) {
    let places = vec4u(n) + vec4u(0u, 1u, 2u, 3u);
    let outputs = min(places, vec4u(p.cols - 1u));
    let live = places < vec4u(p.cols);
    let m = mat4x4f(weights_of(outputs.x, column), weights_of(outputs.y, column), weights_of(outputs.z, column), weights_of(outputs.w, column));
    var mine = mat4x4f();
    mine[0] = dy_of(dy_at.x, outputs, live);
    if (ROWS > SUBGROUP) { mine[1] = dy_of(dy_at.y, outputs, live); }
    if (ROWS > 2u * SUBGROUP) { mine[2] = dy_of(dy_at.z, outputs, live); }
    if (ROWS > 3u * SUBGROUP) { mine[3] = dy_of(dy_at.w, outputs, live); }
    sums0 = plus(sums0, subgroupBroadcast(mine[0u / SUBGROUP % 4u], 0u % SUBGROUP), m);
    sums1 = plus(sums1, subgroupBroadcast(mine[1u / SUBGROUP % 4u], 1u % SUBGROUP), m);
    sums2 = plus(sums2, subgroupBroadcast(mine[2u / SUBGROUP % 4u], 2u % SUBGROUP), m);
    sums3 = plus(sums3, subgroupBroadcast(mine[3u / SUBGROUP % 4u], 3u % SUBGROUP), m);
    if (ROWS > 4u) {
      sums4 = plus(sums4, subgroupBroadcast(mine[4u / SUBGROUP % 4u], 4u % SUBGROUP), m);
      sums5 = plus(sums5, subgroupBroadcast(mine[5u / SUBGROUP % 4u], 5u % SUBGROUP), m);
      sums6 = plus(sums6, subgroupBroadcast(mine[6u / SUBGROUP % 4u], 6u % SUBGROUP), m);
      sums7 = plus(sums7, subgroupBroadcast(mine[7u / SUBGROUP % 4u], 7u % SUBGROUP), m);
      sums8 = plus(sums8, subgroupBroadcast(mine[8u / SUBGROUP % 4u], 8u % SUBGROUP), m);
      sums9 = plus(sums9, subgroupBroadcast(mine[9u / SUBGROUP % 4u], 9u % SUBGROUP), m);
      sums10 = plus(sums10, subgroupBroadcast(mine[10u / SUBGROUP % 4u], 10u % SUBGROUP), m);
      sums11 = plus(sums11, subgroupBroadcast(mine[11u / SUBGROUP % 4u], 11u % SUBGROUP), m);
      sums12 = plus(sums12, subgroupBroadcast(mine[12u / SUBGROUP % 4u], 12u % SUBGROUP), m);
      sums13 = plus(sums13, subgroupBroadcast(mine[13u / SUBGROUP % 4u], 13u % SUBGROUP), m);
      sums14 = plus(sums14, subgroupBroadcast(mine[14u / SUBGROUP % 4u], 14u % SUBGROUP), m);
      sums15 = plus(sums15, subgroupBroadcast(mine[15u / SUBGROUP % 4u], 15u % SUBGROUP), m);
    }
  }
  var sums = array<vec4f, 16>(
    sums0, sums1, sums2, sums3, sums4, sums5, sums6, sums7, sums8, sums9, sums10, sums11, sums12, sums13, sums14, sums15,
  );
  for (var r = 0u; row + r < p.rows && r < ROWS; r++) { finish(row + r, k, sums[r]); }
}
