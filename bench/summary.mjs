// Prints what the figures of bench/gpu.sh say in ratios and shares: node bench/summary.mjs FOLDER
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
if (folder === undefined || !existsSync(folder)) {
  process.stderr.write('Which folder? Give the one that bench/gpu.sh wrote into.\n');
  process.exit(2);
}
const figures = Object.fromEntries(
  readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => [
      file.replace(/\.json$/, ''),
      JSON.parse(readFileSync(join(folder, file), 'utf8')),
    ]),
);
const percent = (share) => `${(100 * share).toFixed(1)} %`;

for (const [
  name,
  { gpu, model, weights, device, decode, prefill, train, grpo, loading, peers },
] of Object.entries(figures)) {
  console.log(
    `${name}: ${model ?? 'no model'}, ${weights ?? ''} on ${gpu?.description ?? 'an unknown adapter'}`,
  );
  if (device)
    console.log(
      `  copy ${device.copy_gb_per_second} GB/s, product ${device.product_gflops} GFLOP/s, ` +
        `dispatch ${device.dispatch_us} µs`,
    );
  for (const group of decode?.groups ?? []) {
    const { sequences, adapter, tokens_per_second: rate, share_of_copy_bandwidth: share } = group;
    const first = Object.keys(group).find((key) => /^to_group_of_\d+$/.test(key));
    console.log(
      `  decode ${sequences}${adapter ? ' with adapter' : ''}: ${rate} tokens/s` +
        (first
          ? `, ${group[first]} × the group of ${first.split('_').pop()}, ${percent(share)} of the copy`
          : ''),
    );
  }
  if (prefill)
    console.log(
      `  prefill ${prefill.tokens_per_second} tokens/s, ${percent(prefill.share_of_product)} of the product`,
    );
  if (train)
    console.log(
      `  train step ${train.tokens_per_second} tokens/s, ${percent(train.share_of_product)} of the product`,
    );
  if (grpo)
    console.log(
      `  GRPO step ${grpo.sequences} × ${grpo.completion_tokens}: ${grpo.step_s} s (sampling ` +
        `${grpo.sampling_s}, update ${grpo.update_s})`,
    );
  if (loading) console.log(`  loading ${loading.median_s} s`);
  for (const { rows, inner, outputs, times_as_fast: times } of peers?.products ?? [])
    console.log(`  product ${rows} × ${inner} × ${outputs}: ${times} × jax-js`);
  for (const { name: block, lora, forward, forward_backward: both } of peers?.blocks ?? [])
    console.log(
      `  block ${block}${lora ? ' with LoRA' : ''}: forward ${forward.times_as_fast} × jax-js, ` +
        `with backward ${both.times_as_fast} ×`,
    );
}
const [own] = Object.entries(figures).filter(([name]) => name.startsWith('model-'));
const { torch } = figures;
if (own && torch) {
  const [ours, theirs] = [own[1].grpo, torch.grpo];
  const alike =
    ours &&
    ['sequences', 'prompt_tokens', 'completion_tokens'].every((key) => ours[key] === theirs[key]);
  console.log(
    alike
      ? `A whole step takes ${(ours.step_s / theirs.step_s).toFixed(2)} × the time of ` +
          `transformers and PEFT (sampling ${(ours.sampling_s / theirs.sampling_s).toFixed(2)}, ` +
          `update ${(ours.update_s / theirs.update_s).toFixed(2)}).`
      : 'The steps of the lab and of PyTorch have different shapes, so their times are not compared.',
  );
}
