// What attention leaves: its output, and (log-sum-exp of the scores, unused) for the backward pass.
@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> stats: array<vec2f>;
