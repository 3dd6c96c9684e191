// What every kernel gets: its parameters, which it and its libraries declare as fields of `Params`, and its place in the grid.
@group(1) @binding(0) var<uniform> p: Params;

// A dispatch may be a piece of a kernel's grid (src/gpu/pieces.ts): its first workgroup there, and the width of the whole.
struct Piece { first: vec2u, width: u32 }
@group(1) @binding(1) var<uniform> piece: Piece;

// Place of a workgroup in the grid.
fn workgroup_at(id: vec3u) -> vec2u { return piece.first + id.xy; }

// Its number, row by row: for grids that count to more than one axis holds.
fn workgroup_number(id: vec3u) -> u32 {
  let at = workgroup_at(id);
  return at.x + at.y * piece.width;
}
