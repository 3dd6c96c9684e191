// Words of a completion token, as the losses read it: weights are lambda m / Z, beta m / Z and c_H m / Z; flags say which
// log-probs are there, and whether the ratio is given (that of the sequence).
const TOKEN_WORDS = 11u;
const TOKEN_ID = 0u;
const TOKEN_TAU = 1u;
const TOKEN_ADVANTAGE = 2u;
const TOKEN_OLD = 3u;
const TOKEN_SAMPLER = 4u;
const TOKEN_REFERENCE = 5u;
const TOKEN_WEIGHT = 6u;
const TOKEN_KL_WEIGHT = 7u;
const TOKEN_ENTROPY_WEIGHT = 8u;
const TOKEN_RATIO = 9u;
const TOKEN_FLAGS = 10u;
const HAS_OLD = 1u;
const HAS_SAMPLER = 2u;
const HAS_REFERENCE = 4u;
const HAS_RATIO = 8u;

// Words of its result.
const RESULT_WORDS = 6u;
const RESULT_LOGPROB = 0u;
const RESULT_ENTROPY = 1u;
const RESULT_LOSS = 2u;
const RESULT_RATIO = 3u;
const RESULT_DIVERGENCE = 4u;
const RESULT_CLIPPED = 5u;

fn token_f32(entry: u32, word: u32) -> f32 { return bitcast<f32>(tokens[entry * TOKEN_WORDS + word]); }
