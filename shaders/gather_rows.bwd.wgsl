// dx[t] += sum of dy over the entries that were gathered from row t. Entries are sorted by source row:
// spans[t] = (first entry, end); this chunk holds entries [first, first + count).
struct Params { rows: u32, width4: u32, first: u32, count: u32 }
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read> spans: array<vec2u>;
@group(0) @binding(2) var<storage, read_write> dx: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_id) lid: vec3u) {
  let i = workgroup_number(wid) * 64u + lid.x;
  if (i >= p.rows * p.width4) { return; }
  let span = spans[i / p.width4];
  let start = max(span.x, p.first);
  let end = min(span.y, p.first + p.count);
  var sum = vec4f();
  for (var entry = start; entry < end; entry++) { sum += dy[(entry - p.first) * p.width4 + i % p.width4]; }
  dx[i] += sum;
}
