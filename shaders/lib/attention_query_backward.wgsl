// What the backward pass of queries reads and leaves besides: stats[t, head] gets (log-sum-exp, do · o).
@group(0) @binding(4) var<storage, read> o: array<vec4f>;
@group(0) @binding(5) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> stats: array<vec2f>;
@group(0) @binding(7) var<storage, read_write> dq: array<vec4f>;
