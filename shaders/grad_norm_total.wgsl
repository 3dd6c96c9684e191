// norm = (L2 norm of the gradient, entries that are not finite, an overflowed sum counted as one).
struct Params { groups: u32 }
@group(0) @binding(0) var<storage, read> partials: array<vec2f>;
@group(0) @binding(1) var<storage, read_write> norm: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_id) lid: vec3u) {
  var sum = 0.0;
  var bad = 0.0;
  for (var i = lid.x; i < p.groups; i += LANES) {
    sum += partials[i].x;
    bad += partials[i].y;
  }
  sum = reduce_sum(lid.x, sum);
  bad = reduce_sum(lid.x, bad);
  if (lid.x == 0u) {
    norm[0] = sqrt(sum);
    norm[1] = bad + select(0.0, 1.0, (bitcast<u32>(sum) & 0x7f800000u) == 0x7f800000u);
  }
}
