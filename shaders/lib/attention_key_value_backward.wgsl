// What the backward pass of keys and values reads and leaves. keys[t] = (own_end, children_start, children_end, unused): [t, own_end)
// of its own segment attend to key t and, for a prefix, the completions [children_start, children_end) that share it.
@group(0) @binding(3) var<storage, read> keys: array<vec4u>;
@group(0) @binding(4) var<storage, read> d_o: array<vec4f>;
@group(0) @binding(5) var<storage, read> stats: array<vec2f>;
@group(0) @binding(6) var<storage, read_write> dk: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> dv: array<vec4f>;
