// Reductions over a workgroup of LANES (a power of two) in a fixed order, so that results are the same in every run: SPAN
// neighbours are joined by one lane each, and what they leave by every lane. Two barriers; the next call needs none
// between, since it writes `reduce_parts` only after its own first barrier.
const SPAN = min(8u, LANES);
var<workgroup> reduce_scratch: array<f32, LANES>;
var<workgroup> reduce_parts: array<f32, LANES / SPAN>;

fn reduce_sum(lane: u32, value: f32) -> f32 {
  reduce_scratch[lane] = value;
  workgroupBarrier();
  if (lane < LANES / SPAN) {
    var part = 0.0;
    for (var i = 0u; i < SPAN; i++) { part += reduce_scratch[lane * SPAN + i]; }
    reduce_parts[lane] = part;
  }
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < LANES / SPAN; i++) { total += reduce_parts[i]; }
  return total;
}

fn reduce_max(lane: u32, value: f32) -> f32 {
  reduce_scratch[lane] = value;
  workgroupBarrier();
  if (lane < LANES / SPAN) {
    var part = reduce_scratch[lane * SPAN];
    for (var i = 1u; i < SPAN; i++) { part = max(part, reduce_scratch[lane * SPAN + i]); }
    reduce_parts[lane] = part;
  }
  workgroupBarrier();
  var largest = reduce_parts[0];
  for (var i = 1u; i < LANES / SPAN; i++) { largest = max(largest, reduce_parts[i]); }
  return largest;
}
