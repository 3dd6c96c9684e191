// grad[m, k] += scale * sum over rows t of this adapter of a[t, m] * c[t, segment(m) * width + k]: the gradient of LoRA's
// A (a = dh, c = x) and B (a = dy, c = h).

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * 64u + lid.x;
  if (i >= p.outer * p.width4) { return; }
  let m = i / p.width4;
  let column = column_of(i);
  var sum = vec4f();
  for (var t = 0u; t < p.rows; t++) {
    if (rows[t * ROW_WORDS + ROW_ADAPTER] == p.adapter) {
      sum += a[t * p.a_stride + m] * c[t * p.c_stride4 + column];
    }
  }
  grad[i] += p.scale * sum;
}
