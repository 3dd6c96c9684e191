// Counter-based random numbers: PCG4D of (seed, stream, position, token) (Jarzynski and Olano, JCGT 9(3), 2020). They
// depend on what is sampled and never on when or beside whom.
fn pcg4d(input: vec4u) -> vec4u {
  var v = input * 1664525u + 1013904223u;
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  v ^= v >> vec4u(16u);
  v.x += v.y * v.w;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v.w += v.y * v.z;
  return v;
}

// Standard Gumbel noise: the largest of logit + noise is a sample from the softmax of the logits.
fn gumbel(seed: u32, stream: u32, position: u32, token: u32) -> f32 {
  let u = (f32(pcg4d(vec4u(seed, stream, position, token)).x >> 8u) + 0.5) / 16777216.0;
  return -log(-log(u));
}
