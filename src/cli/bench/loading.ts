import { copyFile, mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertFile } from '../../model/weights/convert.ts';
import { folderSource } from '../../storage/node/folder-source.ts';
import type { Bed } from './bed.ts';
import { residentMib } from './processor.ts';
import { timed } from './clock.ts';
import { load, median, rounded, rounds, type Section } from './section.ts';

export const loadingSection: Section = {
  name: 'loading',
  summary:
    'from files to the first forward pass: from safetensors, converted on the way, and packed ' +
    'as they are kept after that',
  async run({ bed, size, note }) {
    const count = rounds(size / 2);
    const converted = await times(bed, count);
    const host = residentMib(process.pid);
    const folder = await mkdtemp(join(tmpdir(), 'afterthought-bench-'));
    try {
      const packing = await timed(() => pack(bed, folder));
      const packed = await times(bed.from(folderSource(folder)), count);
      const { opened } = await bed.engine();
      const bytes = opened.memory.report().get('weights') ?? 0;
      note(
        `converted ${rounded(median(converted), 2)} s (the first ${rounded(converted[0] ?? NaN, 2)} s), ` +
          `packed ${rounded(median(packed), 2)} s, ${rounded(median(converted) / median(packed), 2)} times as fast`,
      );
      return {
        load: load(),
        note:
          'files are in the page cache, at the latest after the first load; a device ' +
          'opened and the first kernels compiled are in each time',
        first_s: rounded(converted[0] ?? NaN, 3),
        converted_s: rounded(median(converted), 3),
        packing_s: rounded(packing.spent.wall, 3),
        packed_s: rounded(median(packed), 3),
        converted_to_packed: rounded(median(converted) / median(packed), 3),
        host_after_conversion_mib: host,
        weights_mb: rounded(bytes / 1e6),
      };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function times(bed: Bed, count: number): Promise<number[]> {
  const seconds: number[] = [];
  for (let round = 0; round < count; round++) {
    bed.close();
    seconds.push((await timed(() => bed.load())).spent.wall);
  }
  bed.close();
  return seconds;
}

/** The model in `folder` as the lab keeps it; where no precision was asked for, at f16. */
async function pack({ source, weights }: Bed, folder: string): Promise<void> {
  for (const name of await readdir(source.label)) {
    if (name === 'config.json' || name.endsWith('.index.json'))
      await copyFile(join(source.label, name), join(folder, name));
    if (!name.endsWith('.safetensors')) continue;
    const file = await open(join(folder, name), 'w');
    try {
      await convertFile(source, name, weights ?? 'f16', (bytes) => file.writeFile(bytes));
    } finally {
      await file.close();
    }
  }
}
