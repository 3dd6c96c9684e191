// What all of attention reads: q of (rows, heads), k and v of (key/value rows, kv_heads), vectors of HEAD_DIM.
struct Params { rows: u32, heads: u32, kv_heads: u32, scale: f32 }
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;

const DIM4 = HEAD_DIM / 4u;
