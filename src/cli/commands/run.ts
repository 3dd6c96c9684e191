import { basename, dirname, join, resolve } from 'node:path';
import type { Grader } from '../../eval/grader.ts';
import { nodeGpu } from '../../gpu/node-gpu.ts';
import { readAdapter, writeAdapter } from '../../model/weights/peft.ts';
import { longestPrompt, openPlanned, planLine, storagePlan } from '../../session/planning.ts';
import type { RunPorts } from '../../session/run-ports.ts';
import { isFinished } from '../../session/run-state.ts';
import { Run } from '../../session/run.ts';
import { FolderStore } from '../../storage/node/folder-store.ts';
import type { Command } from '../command.ts';
import { problemsOf } from '../dataset.ts';
import { openGrader } from '../grader.ts';
import { folderSource } from '../../storage/node/folder-source.ts';
import { outFolder, print, readText, remark } from '../io.ts';
import { machineMemory, storageRoom } from '../machine.ts';
import { openModelFiles, openModelFolder } from '../model.ts';
import { fittingConfig } from '../plan.ts';
import { readLog, writeComparison } from '../run/comparison.ts';
import { parseRunFlags, RUN_FLAGS } from '../run/flags.ts';
import { jobsOf, type Job } from '../run/matrix.ts';
import { report } from '../run/progress.ts';

export const run: Command = {
  name: 'run',
  summary: 'a training run, or a resumable matrix of methods and seeds',
  flags: RUN_FLAGS,
  async run(argv, { root }) {
    const flags = parseRunFlags(argv);
    const jobs = await jobsOf(flags);
    await outFolder(flags.out);
    const goOn =
      'Go on with: ' +
      `${jobs.length > 1 ? 'the same command and --resume' : `afterthought run --out ${jobs[0]!.folder} --resume`}`;
    const grader = openGrader();
    try {
      for (const [index, job] of jobs.entries()) {
        if (jobs.length > 1) remark(`Run ${index + 1} of ${jobs.length}: ${job.folder}`);
        const config = job.begun ? job.config : await fittingConfig(job.config, root, flags.memory);
        const code = await runJob(
          { ...job, config },
          nodeRunPorts(dirname(job.folder), root, grader, flags.memory),
          goOn,
        );
        if (code !== 0) return code;
        if (flags.json) await printSummary(job.folder);
      }
      if (jobs.length > 1)
        await writeComparison(
          resolve(flags.out),
          jobs.map(({ folder }) => folder),
        );
      return 0;
    } finally {
      await grader.close();
    }
  },
};

/** What a run needs under Node: runs live in folders below `folder`. */
export function nodeRunPorts(
  folder: string,
  root: string,
  grader: Grader,
  memory?: number,
): RunPorts {
  return {
    store: new FolderStore(folder),
    openModel: async (config, sets) => {
      const files = await openModelFiles(config.model, config.weights, root, config);
      const opened = await openPlanned({
        gpu: nodeGpu(),
        source: files.source,
        config,
        promptTokens: longestPrompt(files.text, sets),
        machine: machineMemory(memory),
      });
      remark(
        planLine({
          memory: opened.plan,
          storage: storagePlan(config, opened.plan, await storageRoom(folder)),
        }),
      );
      return { ...opened, text: files.text, device: opened.engine.opened.info };
    },
    room: () => storageRoom(folder),
    readAdapter: async (folder, { model, weights }) => {
      const files = await openModelFolder(model, weights, root);
      return (await readAdapter(folderSource(folder), files.config)).tensors;
    },
    problems: (config) => problemsOf(config, root),
    grade: grader.grade,
    adapterFiles: (tensors, config) => writeAdapter({ config: config.lora, tensors }, config.model),
    onEvents: () => undefined,
    onStatus: () => undefined,
    clock: Date.now,
  };
}

/**
 * Starts the run or goes on with it; resolves with 0 (finished), 1 (paused by itself) or 130 (by a
 * signal).
 */
async function runJob(
  { folder, config, begun }: Job,
  nodePorts: RunPorts,
  goOn: string,
): Promise<0 | 1 | 130> {
  const runId = basename(folder);
  const ports: RunPorts = {
    ...nodePorts,
    onEvents: (_, events) => events.forEach((event) => report(event)),
  };
  if (begun && isFinished(await readLog(folder))) {
    remark(`${folder} is finished.`);
    return 0;
  }
  const current = begun ? await Run.resume(ports, runId) : await Run.create(ports, runId, config);
  let interrupted = false;
  const onSignal = () => {
    if (interrupted) process.exit(130);
    interrupted = true;
    remark('Pausing after the current step; Ctrl-C again quits at once.');
    current.pause();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    const { state, reason } = await current.go();
    if (state === 'paused') {
      remark(`${reason} ${goOn}`);
      return interrupted ? 130 : 1;
    }
    remark(
      `${reason} The adapter is in ${join(folder, 'adapter')}, the figures in ${join(folder, 'summary.json')}.`,
    );
    return 0;
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

async function printSummary(folder: string): Promise<void> {
  await print(
    JSON.stringify(JSON.parse(await readText(join(folder, 'summary.json'), 'The summary'))),
  );
}
