// Draws the next token of every slot from its logits and moves the slot's row on, one workgroup a slot. Log-prob and
// entropy are those of the full softmax at the slot's temperature (1 where it is 0: greedy).
struct Params { slots: u32, vocab: u32, step: u32 }
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> slots: array<u32>;
@group(0) @binding(2) var<storage, read_write> rows: array<u32>;
@group(0) @binding(3) var<storage, read_write> sampled: array<u32>;

// Words of a slot; COUNT is tokens so far, STOPS the number of stop ids, of which seven follow.
const SLOT_WORDS = 16u;
const SLOT_TEMPERATURE = 0u;
const SLOT_TOP_P = 1u;
const SLOT_TOP_K = 2u;
const SLOT_SEED = 3u;
const SLOT_STREAM = 4u;
const SLOT_LIMIT = 5u;
const SLOT_COUNT = 6u;
const SLOT_DONE = 7u;
const SLOT_STOPS = 8u;
const SLOT_STOP_IDS = 9u;
// Words of a sampled token; RUNNING is 1 where the slot had not ended before.
const SAMPLED_WORDS = 4u;
const SAMPLED_ID = 0u;
const SAMPLED_LOGPROB = 1u;
const SAMPLED_ENTROPY = 2u;
const SAMPLED_RUNNING = 3u;
// Bisections of an interval of 100, down to neighbouring floats.
const ROUNDS = 40u;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let slot = workgroup_number(wid);
  let lane = lid.x;
  let state = slot * SLOT_WORDS;
  let at = slot * p.vocab;
  let temperature = bitcast<f32>(slots[state + SLOT_TEMPERATURE]);
  let tau = select(temperature, 1.0, temperature == 0.0);
  let position = slots[state + SLOT_COUNT];
  let done = slots[state + SLOT_DONE];

  var largest = -3.4e38;
  for (var j = lane; j < p.vocab; j += LANES) { largest = max(largest, logits[at + j] / tau); }
  largest = reduce_max(lane, largest);
  var total = 0.0;
  var mean = 0.0;
  for (var j = lane; j < p.vocab; j += LANES) {
    let shifted = logits[at + j] / tau - largest;
    total += exp(shifted);
    mean += exp(shifted) * shifted;
  }
  total = reduce_sum(lane, total);
  mean = reduce_sum(lane, mean) / total;

  // Only tokens whose scaled logit reaches `floor_logit` may be drawn. It is found by bisection, first for the count of
  // top-k, then for the mass of top-p; the round between the two measures the mass that top-k left. One loop, because
  // reductions are what makes this kernel slow to compile. Tokens 100 below the largest are never drawn anyway.
  var floor_logit = -3.4e38;
  if (FILTER) {
    let top_k = slots[state + SLOT_TOP_K];
    var wanted = select(f32(top_k), f32(p.vocab), top_k == 0u || top_k > p.vocab);
    var low = largest - 100.0;
    var high = largest;
    for (var round = 0u; round <= 2u * ROUNDS; round++) {
      let counting = round < ROUNDS;
      let middle = select(0.5 * (low + high), low, round == ROUNDS);
      var reached = 0.0;
      for (var j = lane; j < p.vocab; j += LANES) {
        let logit = logits[at + j] / tau;
        reached += select(0.0, select(exp(logit - largest), 1.0, counting), logit >= middle);
      }
      reached = reduce_sum(lane, reached);
      if (round == ROUNDS) {
        wanted = bitcast<f32>(slots[state + SLOT_TOP_P]) * reached;
        high = largest;
      } else if (reached >= wanted) {
        low = middle;
      } else {
        high = middle;
      }
    }
    floor_logit = low;
  }

  var score = -3.4e38;
  var choice = 0u;
  for (var j = lane; j < p.vocab; j += LANES) {
    let logit = logits[at + j] / tau;
    var candidate = logit;
    if (temperature > 0.0) { candidate += gumbel(slots[state + SLOT_SEED], slots[state + SLOT_STREAM], position, j); }
    if (logit >= floor_logit && candidate > score) {
      score = candidate;
      choice = j;
    }
  }
  // Lowest token id among equal scores, whatever the number of lanes; ids are exact in f32.
  let best = reduce_max(lane, score);
  choice = u32(-reduce_max(lane, select(-3.4e38, -f32(choice), score == best)));
  if (lane == 0u) {
    let out = (p.step * p.slots + slot) * SAMPLED_WORDS;
    sampled[out + SAMPLED_ID] = choice;
    sampled[out + SAMPLED_LOGPROB] = bitcast<u32>(logits[at + choice] / tau - largest - log(total));
    sampled[out + SAMPLED_ENTROPY] = bitcast<u32>(log(total) - mean);
    sampled[out + SAMPLED_RUNNING] = 1u - done;
    if (done == 0u) {
      slots[state + SLOT_COUNT] = position + 1u;
      var ended = position + 1u >= slots[state + SLOT_LIMIT];
      for (var i = 0u; i < slots[state + SLOT_STOPS]; i++) {
        ended = ended || slots[state + SLOT_STOP_IDS + i] == choice;
      }
      if (ended) { slots[state + SLOT_DONE] = 1u; }
      let row = slot * ROW_WORDS;
      rows[row + ROW_TOKEN] = choice;
      if (!ended) {
        rows[row + ROW_POSITION] += 1u;
        rows[row + ROW_KV] += 1u;
        rows[row + ROW_OWN_LEN] += 1u;
      }
    }
  }
}
