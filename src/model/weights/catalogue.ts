import type { ModelOffer } from '../../schema/models.ts';

/**
 * Models of the hub that are offered by name, smallest first in each family. Parameters are those
 * of the published weights, a tied embedding once. Any other repository with a supported
 * config.json can be named as well.
 */
const PUBLISHED: readonly Omit<ModelOffer, 'download'>[] = [
  {
    repo: 'Qwen/Qwen2.5-Coder-0.5B-Instruct',
    title: 'Qwen2.5-Coder 0.5B',
    parameters: 494_032_768,
    embedding: 136_134_656,
    note: 'The smallest model that solves a fair part of MBPP: for laptops and first experiments.',
  },
  {
    repo: 'Qwen/Qwen2.5-Coder-1.5B-Instruct',
    title: 'Qwen2.5-Coder 1.5B',
    parameters: 1_543_714_304,
    embedding: 233_373_696,
    note: 'The model that the lab is made for: training on a 4-bit base takes about 2 GiB of GPU memory.',
  },
  {
    repo: 'Qwen/Qwen2.5-Coder-3B-Instruct',
    title: 'Qwen2.5-Coder 3B',
    parameters: 3_085_938_688,
    embedding: 311_164_928,
    note: 'Stronger, for GPUs with 6 GiB and more; its licence allows research use only.',
  },
  {
    repo: 'Qwen/Qwen3-0.6B',
    title: 'Qwen3 0.6B',
    parameters: 596_049_920,
    embedding: 155_582_464,
    note: 'A general model of the next family, about as fast as the 0.5B one.',
  },
  {
    repo: 'Qwen/Qwen3-1.7B',
    title: 'Qwen3 1.7B',
    parameters: 1_720_574_976,
    embedding: 311_164_928,
    note: 'A general model of the next family, a little larger than the 1.5B one.',
  },
  {
    repo: 'HuggingFaceTB/SmolLM2-135M-Instruct',
    title: 'SmolLM2 135M',
    parameters: 134_515_008,
    embedding: 28_311_552,
    note: 'A small general model: quick to fetch, weak at programs.',
  },
  {
    repo: 'HuggingFaceTB/SmolLM2-360M-Instruct',
    title: 'SmolLM2 360M',
    parameters: 361_821_120,
    embedding: 47_185_920,
    note: 'A small general model between the 135M and the 0.5B one.',
  },
];

/** All of them are published in bf16. */
export const CATALOGUE: readonly ModelOffer[] = PUBLISHED.map((offer) => ({
  ...offer,
  download: 2 * offer.parameters,
}));
