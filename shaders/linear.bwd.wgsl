// dx[t] (+)= sum over n of dy[t, dy_offset + n] * w[n]: the transposed product, a tile of 8 rows and 4 inputs
// an invocation, written out as in linear.wgsl.

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let wid = workgroup_at(id);
  let k = wid.x * LANES + lid.x;
  let row = wid.y * 8u;
  if (k >= p.inner4) { return; }
  let at0 = min(row + 0u, p.rows - 1u) * p.dy_stride + p.dy_offset;
  let at1 = min(row + 1u, p.rows - 1u) * p.dy_stride + p.dy_offset;
  let at2 = min(row + 2u, p.rows - 1u) * p.dy_stride + p.dy_offset;
  let at3 = min(row + 3u, p.rows - 1u) * p.dy_stride + p.dy_offset;
  let at4 = min(row + 4u, p.rows - 1u) * p.dy_stride + p.dy_offset;
  let at5 = min(row + 5u, p.rows - 1u) * p.dy_stride + p.dy_offset;
  let at6 = min(row + 6u, p.rows - 1u) * p.dy_stride + p.dy_offset;
  let at7 = min(row + 7u, p.rows - 1u) * p.dy_stride + p.dy_offset;
  var sum0 = vec4f();
  var sum1 = vec4f();
  var sum2 = vec4f();
  var sum3 = vec4f();
  var sum4 = vec4f();
  var sum5 = vec4f();
  var sum6 = vec4f();
  var sum7 = vec4f();
  let words = weight_words_per_vec4();
  var at = k * words;
  for (var n = 0u; n < p.cols; n++) {
    let weights = unpack_weights(w[at], w[at + words - 1u]);
    at += p.inner4 * words;
    sum0 += dy[at0 + n] * weights;
    sum1 += dy[at1 + n] * weights;
    sum2 += dy[at2 + n] * weights;
    sum3 += dy[at3 + n] * weights;
    sum4 += dy[at4 + n] * weights;
    sum5 += dy[at5 + n] * weights;
    sum6 += dy[at6 + n] * weights;
    sum7 += dy[at7 + n] * weights;
  }
  finish(row + 0u, k, sum0);
  finish(row + 1u, k, sum1);
  finish(row + 2u, k, sum2);
  finish(row + 3u, k, sum3);
  finish(row + 4u, k, sum4);
  finish(row + 5u, k, sum5);
  finish(row + 6u, k, sum6);
  finish(row + 7u, k, sum7);
}
