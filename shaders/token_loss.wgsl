// Log-prob, entropy and loss of a chunk of completion tokens from their logits, one workgroup a token. With `gradient`
// the logits are replaced by dL/dz = dL/dl (onehot - softmax(z / tau)) / tau. Formulas: docs/methods.md.
struct Params {
  count: u32, vocab: u32, first: u32, nll: u32, gradient: u32, eps_low: f32, eps_high: f32, cap: f32,
  floor: f32, surrogate: u32, limit: f32, cap_masks: u32, estimator: u32
}
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read_write> results: array<f32>;

const CISPO = 1u;
const SAPO = 2u;
const MASK = 3u;
const K1 = 1u;
const K2 = 2u;
const K3_RATIO = 3u;
// Beyond it f32 has no ratio, and 0 times what it has instead is not 0.
const MOST_LOG_RATIO = 69.0;
const MOST_RATIO = 9e29; // just below e^69

// e^delta - delta - 1; near 0 by its series, because the plain form cancels and goes negative in f32.
fn k3(delta: f32) -> f32 {
  if (abs(delta) < 0.1) {
    return delta * delta * 0.5 * (1.0 + delta / 3.0 * (1.0 + delta / 4.0 * (1.0 + delta / 5.0)));
  }
  return exp(delta) - delta - 1.0;
}

// A token's part of the objective, its derivative by the log-prob, and whether the ratio was bounded.
struct Term { value: f32, slope: f32, clipped: f32 }

fn surrogate(ratio: f32, advantage: f32, logprob: f32, old: f32) -> Term {
  var t: Term;
  t.value = ratio * advantage;
  t.slope = ratio * advantage;
  t.clipped = 0.0;
  switch p.surrogate {
    case CISPO: { // the bounded ratio is a constant
      t.clipped = select(0.0, 1.0, ratio > p.limit);
      t.slope = min(ratio, p.limit) * advantage;
      t.value = t.slope * logprob;
    }
    case SAPO: { // temperatures of positive and of other advantages
      let temperature = select(p.eps_low, p.eps_high, advantage > 0.0);
      let gate = 1.0 / (1.0 + exp(-temperature * (ratio - 1.0)));
      t.value = 4.0 * gate / temperature * advantage;
      t.slope = 4.0 * gate * (1.0 - gate) * ratio * advantage;
    }
    case MASK: { // dropped once the probability has moved far enough the way the advantage pushes, or f32 has no ratio
      let moved = exp(logprob) - exp(old);
      if ((advantage > 0.0 && moved > p.limit) || (advantage < 0.0 && moved < -p.limit) || ratio > MOST_RATIO) {
        t.value = 0.0;
        t.slope = 0.0;
        t.clipped = 1.0;
      }
    }
    default: {
      let bounded = clamp(ratio, 1.0 - p.eps_low, 1.0 + p.eps_high);
      t.value = min(min(ratio, p.limit) * advantage, bounded * advantage);
      if ((advantage > 0.0 && ratio > 1.0 + p.eps_high)
        || (advantage < 0.0 && (ratio < 1.0 - p.eps_low || ratio > p.limit))) {
        t.clipped = 1.0;
        t.slope = 0.0;
      }
    }
  }
  return t;
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
  var old = logprob;
  var ratio = 1.0;
  var divergence = 0.0;
  var clipped = 0.0;
  var loss = -weight * logprob;
  var slope = -weight; // dL/dl
  if (p.nll == 0u) {
    let advantage = token_f32(entry, TOKEN_ADVANTAGE);
    if ((flags & HAS_OLD) != 0u) {
      old = token_f32(entry, TOKEN_OLD);
      ratio = exp(min(logprob - old, MOST_LOG_RATIO));
    }
    // That of the sequence: its gradient stays with the token, as in GSPO-token.
    if ((flags & HAS_RATIO) != 0u) { ratio = token_f32(entry, TOKEN_RATIO); }
    var correction = 1.0;
    if ((flags & HAS_SAMPLER) != 0u) {
      correction = exp(old - token_f32(entry, TOKEN_SAMPLER));
      correction = select(min(correction, p.cap), 0.0, p.cap_masks != 0u && correction > p.cap);
    }
    let term = surrogate(ratio, advantage, logprob, old);
    loss = -weight * correction * term.value;
    slope = -weight * correction * term.slope;
    clipped = term.clipped;
  }
  if ((flags & HAS_REFERENCE) != 0u) {
    let delta = token_f32(entry, TOKEN_REFERENCE) - logprob;
    let held = clamp(delta, -20.0, 20.0);
    divergence = min(k3(held), 10.0);
    // The penalty and its derivative by the log-prob; k3 unless another estimate is asked for.
    let inside = held == delta;
    var penalty = divergence;
    var penalty_slope = select(0.0, 1.0 - exp(held), inside && divergence < 10.0);
    if (p.estimator == K1) {
      penalty = -held;
      penalty_slope = select(0.0, 1.0, inside);
    } else if (p.estimator == K2) {
      penalty = 0.5 * held * held;
      penalty_slope = select(0.0, -held, inside);
    } else if (p.estimator == K3_RATIO) {
      let own = exp(min(logprob - old, MOST_LOG_RATIO));
      penalty = own * divergence;
      penalty_slope = own * (divergence + penalty_slope);
    }
    loss += token_f32(entry, TOKEN_KL_WEIGHT) * penalty;
    slope += token_f32(entry, TOKEN_KL_WEIGHT) * penalty_slope;
  }
  let entropy = log_total - mean;
  let entropy_weight = token_f32(entry, TOKEN_ENTROPY_WEIGHT);
  if (entropy_weight != 0.0) { loss -= entropy_weight * entropy; }
  if (lid.x == 0u) {
    let out = entry * RESULT_WORDS;
    results[out + RESULT_LOGPROB] = logprob;
    results[out + RESULT_ENTROPY] = entropy;
    results[out + RESULT_LOSS] = loss;
    results[out + RESULT_RATIO] = ratio;
    results[out + RESULT_DIVERGENCE] = divergence;
    results[out + RESULT_CLIPPED] = clipped;
  }
  if (p.gradient != 0u) {
    storageBarrier(); // every lane has read the target's logit
    for (var j = lid.x; j < p.vocab; j += LANES) {
      let shifted = logits[at + j] / tau - largest;
      let probability = exp(shifted) / total;
      var by_logit = slope * (select(0.0, 1.0, j == target_id) - probability);
      if (entropy_weight != 0.0) { by_logit += entropy_weight * probability * (shifted - log_total + entropy); }
      logits[at + j] = by_logit / tau;
    }
  }
}
