// y[t, y_offset + n] (+)= x[t] · w[n] + bias[n] + scale * h[t, segment(n)] · b[n] for a tile of 4 rows and 4 outputs an invocation.
// The last term is LoRA, for rows whose adapter is `adapter`: h = x Aᵀ holds `rank` values for each segment of outputs
// (q, k, v share one product, as do gate and up); segment 1 starts at output `segment1`, segment 2 at `segment2`.
// The tile is written out: software adapters do not unroll loops, and indexed private arrays cost them 3 times.

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let wid = workgroup_at(id);
  let n = (wid.x * LANES + lid.x) * 4u;
  let row = wid.y * 4u;
  if (n >= p.cols) { return; }
  let last_row = p.rows - 1u;
  let last_output = p.cols - 1u;
  let n1 = min(n + 1u, last_output);
  let n2 = min(n + 2u, last_output);
  let n3 = min(n + 3u, last_output);
  let x0 = row * p.inner4;
  let x1 = min(row + 1u, last_row) * p.inner4;
  let x2 = min(row + 2u, last_row) * p.inner4;
  let x3 = min(row + 3u, last_row) * p.inner4;
  var sums0 = vec4f();
  var sums1 = vec4f();
  var sums2 = vec4f();
  var sums3 = vec4f();
  for (var k = 0u; k < p.inner4; k++) {
    let w0 = weights_at(n, k);
    let w1 = weights_at(n1, k);
    let w2 = weights_at(n2, k);
    let w3 = weights_at(n3, k);
    let a = x[x0 + k];
    sums0 += vec4f(dot(a, w0), dot(a, w1), dot(a, w2), dot(a, w3));
    let b = x[x1 + k];
    sums1 += vec4f(dot(b, w0), dot(b, w1), dot(b, w2), dot(b, w3));
    let c = x[x2 + k];
    sums2 += vec4f(dot(c, w0), dot(c, w1), dot(c, w2), dot(c, w3));
    let d = x[x3 + k];
    sums3 += vec4f(dot(d, w0), dot(d, w1), dot(d, w2), dot(d, w3));
  }
  finish(row, n, 1u, sums0);
  finish(row + 1u, n, 1u, sums1);
  finish(row + 2u, n, 1u, sums2);
  finish(row + 3u, n, 1u, sums3);
}
