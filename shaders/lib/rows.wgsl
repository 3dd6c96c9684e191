// State of one row (a token being computed), eight words in the `rows` buffer. The row attends to the key/value rows
// [prefix_start, prefix_start + prefix_len) and then [own_start, own_start + own_len), its own among the latter.
const ROW_WORDS = 8u;
const ROW_TOKEN = 0u;
const ROW_POSITION = 1u;
const ROW_KV = 2u;
const ROW_PREFIX_START = 3u;
const ROW_PREFIX_LEN = 4u;
const ROW_OWN_START = 5u;
const ROW_OWN_LEN = 6u;
const ROW_ADAPTER = 7u;
