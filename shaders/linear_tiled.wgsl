// linear.wgsl for q8 and q4 weights: 4 rows and 4 outputs an invocation. Neighbouring invocations take neighbouring
// outputs, which lie side by side in a tile, and every eighth is theirs. A block's scale is applied once, to its sum.
alias Weights = vec4u;

// Sums of the invocation's 4 rows over the current block, in steps of the block's scale; x's rows.
var<private> part0: vec4f;
var<private> part1: vec4f;
var<private> part2: vec4f;
var<private> part3: vec4f;
var<private> x_at: vec4u;

// Four inputs of four outputs (the columns of `m`) at x's place k; beyond the last input the weights are 0.
fn add(k: u32, m: mat4x4f) {
  let at = x_at + min(k, p.inner4 - 1u);
  part0 += x[at.x] * m;
  part1 += x[at.y] * m;
  part2 += x[at.z] * m;
  part3 += x[at.w] * m;
}

// One word of each of four outputs: eight inputs of q4, four of q8.
fn add_word(k: u32, a: u32, b: u32, c: u32, d: u32) {
  if (WEIGHT_BITS == 4u) {
    add(2u * k, mat4x4f(unpack_nibbles(a, 0u), unpack_nibbles(b, 0u), unpack_nibbles(c, 0u), unpack_nibbles(d, 0u)));
    add(2u * k + 1u, mat4x4f(unpack_nibbles(a, 16u), unpack_nibbles(b, 16u), unpack_nibbles(c, 16u), unpack_nibbles(d, 16u)));
  } else {
    add(k, mat4x4f(unpack_bytes(a), unpack_bytes(b), unpack_bytes(c), unpack_bytes(d)));
  }
}

// A vec4 of words of each of four outputs: the whole block of q4, half of q8's. `k` counts words. The loop is not
// written out, because a software adapter's compiler takes seconds for what that gains.
fn add_words(k: u32, at: u32) {
  var a = w[at];
  var b = w[at + 8u];
  var c = w[at + 16u];
  var d = w[at + 24u];
  for (var i = 0u; i < 4u; i++) {
    add_word(k + i, a.x, b.x, c.x, d.x);
    a = a.yzww;
    b = b.yzww;
    c = c.yzww;
    d = d.yzww;
  }
}

// Scales of four outputs, every eighth: lane i's are halves i of the block's last four vec4.
fn scales(at: u32, lane: u32) -> vec4f {
  let i = lane / 2u;
  let words = vec4u(w[at][i], w[at + 1u][i], w[at + 2u][i], w[at + 3u][i]) >> vec4u(16u * (lane & 1u));
  return vec4f(unpack2x16float(words.x).x, unpack2x16float(words.y).x, unpack2x16float(words.z).x, unpack2x16float(words.w).x);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let wid = workgroup_at(id);
  let i = wid.x * LANES + lid.x;
  let lane = i % 8u;
  let n = (i / 8u) * TILE + lane;
  let row = wid.y * 4u;
  if (n >= p.cols) { return; }
  x_at = min(vec4u(row) + vec4u(0u, 1u, 2u, 3u), vec4u(p.rows - 1u)) * p.inner4;
  var sums0 = vec4f();
  var sums1 = vec4f();
  var sums2 = vec4f();
  var sums3 = vec4f();
  let steps = block_count(p.inner4) * block_halves();
  var at = (n / TILE) * block_count(p.inner4) * block_words() / 4u;
  for (var step = 0u; step < steps; step++) {
    add_words(4u * step, at + lane);
    at += TILE;
    if ((step + 1u) % block_halves() == 0u) {
      let d = scales(at, lane);
      sums0 += d * part0;
      sums1 += d * part1;
      sums2 += d * part2;
      sums3 += d * part3;
      part0 = vec4f();
      part1 = vec4f();
      part2 = vec4f();
      part3 = vec4f();
      at += 4u;
    }
  }
  let sums = mat4x4f(sums0, sums1, sums2, sums3);
  for (var r = 0u; r < 4u; r++) {
    finish(row + r, n, 8u, sums[r]);
  }
}
