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

// Standard Gumbel noise, -log E with E exponential: the largest of logit + noise is a sample from the softmax of the
// logits. Over a large vocabulary the largest noise decides, so small E must be fine-grained: w keeps f32's relative
// precision down to 2^-33, and -log(1 - w) is its series where 1 - w would round.
fn gumbel(seed: u32, stream: u32, position: u32, token: u32) -> f32 {
  let w = min((f32(pcg4d(vec4u(seed, stream, position, token)).x) + 0.5) / 4294967296.0, 0.99999994);
  let exponential = select(-log(1.0 - w), w * (1.0 + w * (0.5 + w * (0.33333333 + w * 0.25))), w < 0.01);
  return -log(exponential);
}
