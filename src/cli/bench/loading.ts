import { load, median, rounded, rounds, timed, type Section } from './section.ts';

export const loadingSection: Section = {
  name: 'loading',
  summary: 'from files to the first forward pass',
  async run({ bed, size, note }) {
    const times: number[] = [];
    for (let round = 0; round < rounds(size / 2); round++) {
      bed.close();
      times.push((await timed(() => bed.load())).spent.wall);
    }
    const { opened } = await bed.engine();
    const bytes = opened.memory.report().get('weights') ?? 0;
    note(`${rounded(median(times), 2)} s, the first ${rounded(times[0] ?? NaN, 2)} s`);
    return {
      load: load(),
      note: 'the files are in the page cache, at the latest after the first load; opening a device and compiling the first kernels is in it',
      first_s: rounded(times[0] ?? NaN, 3),
      median_s: rounded(median(times), 3),
      weights_mb: rounded(bytes / 1e6),
      weights_mb_per_second: rounded(bytes / 1e6 / median(times)),
    };
  },
};
