// linear.bwd.wgsl for q8 and q4 weights: 4 rows and 8 inputs an invocation. An output's scale goes to its dy.
alias Weights = u32;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let wid = workgroup_at(id);
  let i = wid.x * LANES + lid.x; // of 8 inputs
  let k = 2u * i;
  let row = wid.y * 4u;
  if (k >= p.inner4) { return; }
  let dy_at = min(vec4u(row) + vec4u(0u, 1u, 2u, 3u), vec4u(p.rows - 1u)) * p.dy_stride + p.dy_offset;
  var low0 = vec4f();
  var low1 = vec4f();
  var low2 = vec4f();
  var low3 = vec4f();
  var high0 = vec4f();
  var high1 = vec4f();
  var high2 = vec4f();
  var high3 = vec4f();
  // Of the invocation's first word for output 0 of a tile: one of q4's four, two of the four of one of q8's halves.
  let part = i % 4u;
  let inside = select((part / 2u) * 4u * TILE + 2u * (part % 2u), part, WEIGHT_BITS == 4u);
  let tile_words = block_count(p.inner4) * block_words();
  let column = (i / 4u) * block_words();
  for (var n = 0u; n < p.cols; n++) {
    let tile = (n / TILE) * tile_words + column;
    let output = n % TILE;
    let pair = unpack2x16float(w[tile + scales_at() + output / 2u]);
    let scale = select(pair.x, pair.y, (output & 1u) == 1u);
    let at = tile + inside + 4u * output;
    let word = w[at];
    var low: vec4f;
    var high: vec4f;
    if (WEIGHT_BITS == 4u) {
      low = unpack_nibbles(word, 0u);
      high = unpack_nibbles(word, 16u);
    } else {
      low = unpack_bytes(word);
      high = unpack_bytes(w[at + 1u]);
    }
    let d0 = scale * dy[dy_at.x + n];
    let d1 = scale * dy[dy_at.y + n];
    let d2 = scale * dy[dy_at.z + n];
    let d3 = scale * dy[dy_at.w + n];
    low0 += d0 * low;
    low1 += d1 * low;
    low2 += d2 * low;
    low3 += d3 * low;
    high0 += d0 * high;
    high1 += d1 * high;
    high2 += d2 * high;
    high3 += d3 * high;
  }
  finish(row, k, low0);
  finish(row + 1u, k, low1);
  finish(row + 2u, k, low2);
  finish(row + 3u, k, low3);
  finish(row, k + 1u, high0);
  finish(row + 1u, k + 1u, high1);
  finish(row + 2u, k + 1u, high2);
  finish(row + 3u, k + 1u, high3);
}
