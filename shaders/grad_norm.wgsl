// Partial sums of squares of the gradient: partials[wg] = (sum, entries that are not finite). Non-finite is read off the
// exponent bits: x != x was false on a NaN on two software adapters.
struct Params { count: u32, per_group: u32 }
@group(0) @binding(0) var<storage, read> grad: array<f32>;
@group(0) @binding(1) var<storage, read_write> partials: array<vec2f>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let group = workgroup_number(wid);
  let first = group * p.per_group;
  let end = min(first + p.per_group, p.count);
  var sum = 0.0;
  var bad = 0.0;
  for (var i = first + lid.x; i < end; i += LANES) {
    let value = grad[i];
    if ((bitcast<u32>(value) & 0x7f800000u) == 0x7f800000u) { bad += 1.0; } else { sum += value * value; }
  }
  sum = reduce_sum(lid.x, sum);
  bad = reduce_sum(lid.x, bad);
  if (lid.x == 0u && first < p.count) { partials[group] = vec2f(sum, bad); }
}
