// Distillation on the teacher's k most likely tokens of each entry of a chunk, one workgroup a token: the forward KL over
// them and the mass outside (or renormalised over them alone), and the logits replaced by its derivative. Runs after
// token_loss, whose figures stay except for the loss. Formulas: docs/methods.md. The support S can be as large as the
// vocabulary, so its scaled logits wait in a storage buffer while their places in `logits` are marked.
struct Params { count: u32, vocab: u32, first: u32, k: u32, renorm: u32 }
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read> tokens: array<u32>;
@group(0) @binding(2) var<storage, read> teacher_ids: array<u32>;
@group(0) @binding(3) var<storage, read> teacher_logprobs: array<f32>;
@group(0) @binding(4) var<storage, read_write> support: array<f32>;
@group(0) @binding(5) var<storage, read_write> results: array<f32>;

// Row i of the teacher: k distinct ids, those beyond the vocabulary
// padding; k log-probs, then the mass outside (0 where nothing is outside, and where renormalised). A row sums to 1.
const MARK = -3.4e38;

fn marked(value: f32) -> bool { return value < -3.3e38; }

// z_j / tau of the support (side 0) or of what is outside (side 1), MARK where there is none.
fn scaled(side: u32, row: u32, at: u32, j: u32, tau: f32) -> f32 {
  if (side == 0u) { return support[row + j]; }
  let logit = logits[at + j];
  return select(logit / tau, MARK, marked(logit));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid);
  if (i >= p.count) { return; }
  let lane = lid.x;
  let entry = p.first + i;
  let at = i * p.vocab;
  let row = i * p.k;
  let teacher_row = i * (p.k + 1u);
  let tau = token_f32(entry, TOKEN_TAU);
  let weight = token_f32(entry, TOKEN_WEIGHT);

  for (var s = lane; s < p.k; s += LANES) {
    let id = teacher_ids[row + s];
    support[row + s] = MARK;
    if (id < p.vocab) {
      support[row + s] = logits[at + id] / tau;
      logits[at + id] = MARK;
    }
  }
  storageBarrier(); // every mark is set

  // Logsumexp of both sides, the second MARK where nothing is outside. A loop, because reductions are slow to compile.
  var lse_inside = MARK;
  var lse_outside = MARK;
  for (var side = 0u; side < 2u; side++) {
    let size = select(p.k, p.vocab, side == 1u);
    var largest = MARK;
    for (var j = lane; j < size; j += LANES) { largest = max(largest, scaled(side, row, at, j, tau)); }
    largest = reduce_max(lane, largest);
    var total = 0.0;
    for (var j = lane; j < size; j += LANES) {
      let value = scaled(side, row, at, j, tau);
      total += select(exp(value - largest), 0.0, marked(value));
    }
    total = reduce_sum(lane, total);
    let lse = largest + log(max(total, 1.0));
    if (side == 0u) { lse_inside = lse; } else { lse_outside = lse; }
  }
  let larger = max(lse_inside, lse_outside);
  let renorm = p.renorm != 0u;
  let lse = select(larger + log(exp(lse_inside - larger) + exp(lse_outside - larger)), lse_inside, renorm);

  let tail = teacher_logprobs[teacher_row + p.k];
  var loss = 0.0;
  for (var s = lane; s < p.k; s += LANES) {
    let log_q = teacher_logprobs[teacher_row + s];
    let q = exp(log_q);
    if (q > 0.0) { loss += q * (log_q - (support[row + s] - lse)); }
  }
  loss = reduce_sum(lane, loss);
  if (tail > 0.0) { loss += tail * (log(tail) - (lse_outside - lse)); }
  if (lane == 0u) { results[entry * RESULT_WORDS + RESULT_LOSS] = weight * tau * tau * loss; }

  let scale = weight * tau;
  for (var j = lane; j < p.vocab; j += LANES) {
    let logit = logits[at + j];
    if (marked(logit)) { continue; }
    // p (1 - tail / p_outside), without the quotient of two small numbers.
    let slope = exp(logit / tau - lse) - tail * exp(logit / tau - lse_outside);
    logits[at + j] = select(scale * slope, 0.0, renorm);
  }
  storageBarrier(); // the marks have been read
  for (var s = lane; s < p.k; s += LANES) {
    let id = teacher_ids[row + s];
    if (id < p.vocab) { logits[at + id] = scale * (exp(support[row + s] - lse) - exp(teacher_logprobs[teacher_row + s])); }
  }
}
