// Log-prob, entropy and loss of a chunk of completion tokens from their logits, one workgroup a token. With `gradient`
// the logits are replaced by dL/dz = dL/dl (onehot - softmax(z / tau)) / tau. Formulas: docs/methods.md.
struct Params {
  count: u32, vocab: u32, first: u32, nll: u32, gradient: u32, eps_low: f32, eps_high: f32, cap: f32,
  floor: f32
}
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read_write> results: array<f32>;
@group(1) @binding(0) var<uniform> p: Params;

// Words of a token: id, tau, advantage, old log-prob, sampler log-prob, reference log-prob, loss weight (lambda m / Z),
// KL weight (beta m / Z), flags.
const TOKEN_WORDS = 9u;
const HAS_OLD = 1u;
const HAS_SAMPLER = 2u;
const HAS_REFERENCE = 4u;
// Words of a result: log-prob, entropy, loss, ratio, k3, clipped.
const RESULT_WORDS = 6u;

fn field(entry: u32, word: u32) -> f32 { return bitcast<f32>(tokens[entry * TOKEN_WORDS + word]); }

// e^delta - delta - 1; near 0 by its series, because the plain form cancels and goes negative in f32.
fn k3(delta: f32) -> f32 {
  if (abs(delta) < 0.1) {
    return delta * delta * 0.5 * (1.0 + delta / 3.0 * (1.0 + delta / 4.0 * (1.0 + delta / 5.0)));
  }
  return exp(delta) - delta - 1.0;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid);
  if (i >= p.count) { return; }
  let entry = p.first + i;
  let at = i * p.vocab;
  let target_id = tokens[entry * TOKEN_WORDS];
  let tau = field(entry, 1u);
  let target_logit = logits[at + target_id] / tau;
  var largest = -3.4e38;
  for (var j = lid.x; j < p.vocab; j += LANES) { largest = max(largest, logits[at + j] / tau); }
  largest = reduce_max(lid.x, largest);
  var total = 0.0;
  var mean = 0.0;
  for (var j = lid.x; j < p.vocab; j += LANES) {
    let shifted = logits[at + j] / tau - largest;
    let weight = exp(shifted);
    total += weight;
    mean += weight * shifted;
  }
  total = reduce_sum(lid.x, total);
  mean = reduce_sum(lid.x, mean) / total;
  let log_total = log(total);
  let logprob = target_logit - largest - log_total;

  let flags = tokens[entry * TOKEN_WORDS + 8u];
  var weight = field(entry, 6u);
  // An unwanted token that is unlikely enough is not pushed down further: log-likelihood has no lower bound.
  if (p.nll != 0u && weight < 0.0 && logprob < p.floor) { weight = 0.0; }
  var ratio = 1.0;
  var divergence = 0.0;
  var clipped = 0.0;
  var loss = -weight * logprob;
  var slope = -weight; // dL/dl
  if (p.nll == 0u) {
    let advantage = field(entry, 2u);
    var old = logprob;
    if ((flags & HAS_OLD) != 0u) {
      old = field(entry, 3u);
      ratio = exp(logprob - old);
    }
    var correction = 1.0;
    if ((flags & HAS_SAMPLER) != 0u) { correction = min(exp(old - field(entry, 4u)), p.cap); }
    let bounded = clamp(ratio, 1.0 - p.eps_low, 1.0 + p.eps_high);
    let objective = min(ratio * advantage, bounded * advantage);
    loss = -weight * correction * objective;
    slope = -weight * correction * ratio * advantage;
    if ((advantage > 0.0 && ratio > 1.0 + p.eps_high) || (advantage < 0.0 && ratio < 1.0 - p.eps_low)) {
      clipped = 1.0;
      slope = 0.0;
    }
  }
  if ((flags & HAS_REFERENCE) != 0u) {
    let delta = field(entry, 5u) - logprob;
    let held = clamp(delta, -20.0, 20.0);
    divergence = min(k3(held), 10.0);
    loss += field(entry, 7u) * divergence;
    if (held == delta && divergence < 10.0) { slope += field(entry, 7u) * (1.0 - exp(delta)); }
  }
  if (lid.x == 0u) {
    let out = entry * RESULT_WORDS;
    results[out] = logprob;
    results[out + 1u] = log_total - mean;
    results[out + 2u] = loss;
    results[out + 3u] = ratio;
    results[out + 4u] = divergence;
    results[out + 5u] = clipped;
  }
  if (p.gradient != 0u) {
    storageBarrier(); // every lane has read the target's logit
    for (var j = lid.x; j < p.vocab; j += LANES) {
      let probability = exp(logits[at + j] / tau - largest) / total;
      logits[at + j] = slope * (select(0.0, 1.0, j == target_id) - probability) / tau;
    }
  }
}
