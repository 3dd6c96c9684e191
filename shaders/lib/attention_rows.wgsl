// The rows that attend, whose state begins at rows[state]; their key j is one of the prefix, then one of their own.
@group(0) @binding(3) var<storage, read> rows: array<u32>;

fn keys_of(state: u32) -> u32 { return rows[state + ROW_PREFIX_LEN] + rows[state + ROW_OWN_LEN]; }

fn key_row(state: u32, j: u32) -> u32 {
  let prefix_len = rows[state + ROW_PREFIX_LEN];
  return select(rows[state + ROW_OWN_START] + j - prefix_len, rows[state + ROW_PREFIX_START] + j, j < prefix_len);
}
