// Log-prob, entropy and loss of a chunk of completion tokens from their logits, one workgroup a token. With `gradient`
// the logits are replaced by dL/dz = dL/dl (onehot - softmax(z / tau)) / tau. Formulas: docs/methods.md.
struct Params {
  count: u32, vocab: u32, first: u32, nll: u32, gradient: u32, eps_low: f32, eps_high: f32, cap: f32,
  floor: f32
}
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read_write> results: array<f32>;

// Beyond it f32 has no ratio, and 0 times what it has instead is not 0.
const MOST_LOG_RATIO = 69.0;

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
  let target_id = tokens[entry * TOKEN_WORDS + TOKEN_ID];
  let tau = token_f32(entry, TOKEN_TAU);
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

  let flags = tokens[entry * TOKEN_WORDS + TOKEN_FLAGS];
  var weight = token_f32(entry, TOKEN_WEIGHT);
  // An unwanted token that is unlikely enough is not pushed down further: log-likelihood has no lower bound.
  if (p.nll != 0u && weight < 0.0 && logprob < p.floor) { weight = 0.0; }
  var ratio = 1.0;
  var divergence = 0.0;
  var clipped = 0.0;
  var loss = -weight * logprob;
  var slope = -weight; // dL/dl
  if (p.nll == 0u) {
    let advantage = token_f32(entry, TOKEN_ADVANTAGE);
    var old = logprob;
    if ((flags & HAS_OLD) != 0u) {
      old = token_f32(entry, TOKEN_OLD);
      ratio = exp(min(logprob - old, MOST_LOG_RATIO));
    }
    var correction = 1.0;
    if ((flags & HAS_SAMPLER) != 0u) { correction = min(exp(old - token_f32(entry, TOKEN_SAMPLER)), p.cap); }
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
    let delta = token_f32(entry, TOKEN_REFERENCE) - logprob;
    let held = clamp(delta, -20.0, 20.0);
    divergence = min(k3(held), 10.0);
    loss += token_f32(entry, TOKEN_KL_WEIGHT) * divergence;
    if (held == delta && divergence < 10.0) { slope += token_f32(entry, TOKEN_KL_WEIGHT) * (1.0 - exp(delta)); }
  }
  if (lid.x == 0u) {
    let out = entry * RESULT_WORDS;
    results[out + RESULT_LOGPROB] = logprob;
    results[out + RESULT_ENTROPY] = log_total - mean;
    results[out + RESULT_LOSS] = loss;
    results[out + RESULT_RATIO] = ratio;
    results[out + RESULT_DIVERGENCE] = divergence;
    results[out + RESULT_CLIPPED] = clipped;
  }
  if (p.gradient != 0u) {
    storageBarrier(); // every lane has read the target's logit
    for (var j = lid.x; j < p.vocab; j += LANES) {
      let probability = exp(logits[at + j] / tau - largest) / total;
      logits[at + j] = slope * (select(0.0, 1.0, j == target_id) - probability) / tau;
    }
  }
}
