import { availableParallelism } from 'node:os';
import { Rng } from '../../lib/rng.ts';
import { mean } from '../../lib/stats.ts';
import { guestBooter, type BootOptions } from '../../sandbox/booter.ts';
import { createNodeSandbox, nodeHost } from '../../sandbox/node/node-sandbox.ts';
import { poolSize } from '../../sandbox/pool.ts';
import type { PythonRunner } from '../../sandbox/python-sandbox.ts';
import type { Program } from '../../sandbox/sandbox.ts';
import { cpython } from './cpython.ts';
import { processorMs, residentMib } from './processor.ts';
import { load, rounded, spread, type BenchContext, type Section } from './section.ts';

const SEED = 1;
const LIMIT_SECONDS = 10;
const HANGING: Pick<Program, 'solution'> = { solution: 'while True: pass' };

export const sandboxSection: Section = {
  name: 'sandbox',
  summary:
    'programs a second, start, latency with hanging programs, memory, beside CPython with one process a program',
  async run(context) {
    const programs = threeAsserts(context);
    return {
      programs: `${programs.length} reference solutions with three asserts each`,
      start_ms: await starts(context),
      throughput: await throughput(programs, context),
      hanging: await hanging(programs, context),
      memory: await memory(programs, context),
    };
  },
};

/** Reference solutions with their first three asserts, in a seeded order. */
function threeAsserts({ problems }: BenchContext): Program[] {
  const programs = problems
    .map((problem): Program => {
      const { setup, setupAfterSolution, reference: solution } = problem;
      const asserts = [...problem.shown, ...problem.hidden].slice(0, 3);
      return { solution, setup, setupAfterSolution, asserts, timeoutSeconds: LIMIT_SECONDS };
    })
    .filter((program) => program.asserts.length === 3);
  return new Rng(SEED).shuffle(programs);
}

/** A guest from nothing, and from the memory image: until it can take a program. */
async function starts({ size, note }: BenchContext): Promise<Record<string, unknown>> {
  const measure = async (options: BootOptions, times: number): Promise<number[]> => {
    const boot = guestBooter(nodeHost(true), options);
    // Where no image is kept yet, this makes one.
    (await boot()).kill('it was measured');
    const out: number[] = [];
    for (let i = 0; i < times; i++) {
      const begin = performance.now();
      const guest = await boot();
      out.push(performance.now() - begin);
      guest.kill('it was measured');
    }
    return out;
  };
  const result = {
    cold: spread(await measure({ without: ['snapshot'] }, Math.ceil(5 * size))),
    snapshot: spread(await measure({}, Math.ceil(10 * size))),
  };
  note(`start: cold ${result.cold['p50']} ms, from the image ${result.snapshot['p50']} ms`);
  return result;
}

/** Takes programs one after the other so long as there are any; several of these share a list. */
async function drain(queue: Program[], each: (program: Program) => Promise<void>): Promise<void> {
  for (let program = queue.pop(); program !== undefined; program = queue.pop()) await each(program);
}

/**
 * Grades programs with `lanes` in flight; milliseconds from asking to the verdict, of each. Throws
 * when one does not pass.
 */
async function grade(
  sandbox: PythonRunner,
  programs: readonly Program[],
  lanes: number,
): Promise<number[]> {
  const times: number[] = [];
  const queue = [...programs];
  const one = async (program: Program): Promise<void> => {
    const begin = performance.now();
    const verdict = await sandbox.grade(program);
    if (verdict.status !== 'pass')
      throw new Error(`A reference got ${verdict.status}: ${program.solution.slice(0, 80)}`);
    times.push(performance.now() - begin);
  };
  await Promise.all(Array.from({ length: lanes }, () => drain(queue, one)));
  return times;
}

/** Adds the processor time a program took between two readings, where both were made. */
function spent(
  to: number[],
  before: number | undefined,
  after: number | undefined,
  programs: number,
): void {
  if (before !== undefined && after !== undefined) to.push((after - before) / programs);
}

const perSecond = (count: number, begin: number): number =>
  (1000 * count) / (performance.now() - begin);

/** Rounds of each in turn, so that the machine's load weighs on all alike. */
async function throughput(
  programs: readonly Program[],
  { size, note }: BenchContext,
): Promise<Record<string, unknown>> {
  const workers = poolSize(availableParallelism());
  const worker = createNodeSandbox({ workers: 1, recheck: 0 });
  const pool = createNodeSandbox({ workers, recheck: 0 });
  const peer = cpython();
  const rates: Record<'worker' | 'pool' | 'peer', number[]> = { worker: [], pool: [], peer: [] };
  const each: number[] = [];
  // Processor time a program: of the worker, of this process that judges, and of the peer.
  const work: Record<'guest' | 'host' | 'peer', number[]> = { guest: [], host: [], peer: [] };
  try {
    const batch = programs.slice(0, 300);
    for (const sandbox of [worker, pool]) await grade(sandbox, batch, 2 * workers);
    for (let round = 0; round < Math.ceil(5 * size); round++) {
      let begin = performance.now();
      const { pid } = worker.stats();
      const before = [processorMs(pid)?.own, processorMs()?.own] as const;
      // One waits while one runs: a worker is never without work, as in a run.
      each.push(...(await grade(worker, batch, 2)));
      rates.worker.push(perSecond(batch.length, begin));
      // A guest that was replaced meanwhile has taken its time along.
      if (worker.stats().pid === pid)
        spent(work.guest, before[0], processorMs(pid)?.own, batch.length);
      spent(work.host, before[1], processorMs()?.own, batch.length);
      begin = performance.now();
      await grade(pool, batch, 2 * workers);
      rates.pool.push(perSecond(batch.length, begin));
      if (peer === null) continue;
      const few = batch.slice(0, 60);
      const ended = processorMs()?.ended;
      begin = performance.now();
      for (const program of few) {
        if (!(await peer.run(program)))
          throw new Error(`CPython fails a reference: ${program.solution.slice(0, 80)}`);
      }
      rates.peer.push(perSecond(few.length, begin));
      spent(work.peer, ended, processorMs()?.ended, few.length);
    }
  } finally {
    await Promise.all([worker.close(), pool.close()]);
  }
  const median = (values: readonly number[]): number | null =>
    values.length === 0 ? null : rounded(spread(values)['p50'] as number, 2);
  const rate = (values: readonly number[]) => ({
    median: median(values),
    rounds: values.map((value) => rounded(value)),
  });
  const ratio =
    peer === null
      ? null
      : rounded(mean(rates.worker.map((x, i) => x / (rates.peer[i] as number))), 2);
  note(`one worker ${median(rates.worker)} programs/s, pool of ${workers} ${median(rates.pool)}`);
  if (peer)
    note(
      `${peer.version}, a process a program: ${median(rates.peer)} programs/s; one worker is ${ratio} times as fast`,
    );
  return {
    load: load(),
    worker_programs_per_second: rate(rates.worker),
    pool_workers: workers,
    pool_programs_per_second: rate(rates.pool),
    ask_to_verdict_ms: spread(each),
    processor_ms_per_program: {
      worker: median(work.guest),
      judging: median(work.host),
      ...(peer === null ? {} : { cpython: median(work.peer) }),
    },
    ...(peer === null
      ? { cpython: 'there is no python3 here' }
      : {
          cpython: peer.version,
          cpython_programs_per_second: rate(rates.peer),
          worker_to_cpython: ratio,
        }),
  };
}

/** One program in twenty hangs; what do the honest ones notice? */
async function hanging(
  programs: readonly Program[],
  { size, note }: BenchContext,
): Promise<Record<string, unknown>> {
  const workers = poolSize(availableParallelism());
  const sandbox = createNodeSandbox({ workers, recheck: 0 });
  try {
    const honest = programs.slice(0, Math.ceil(380 * size));
    await grade(sandbox, honest.slice(0, 50), 2);
    const without = await grade(sandbox, honest, 2 * workers);
    const stuck: Promise<string>[] = [];
    const times: number[] = [];
    const queue = honest.map((program, i) => ({ program, hangs: i % 19 === 0 }));
    const begin = performance.now();
    await Promise.all(
      Array.from({ length: 2 * workers }, async () => {
        for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
          const { program, hangs } = next;
          // Its verdict is not waited for, as a run that goes on with other programs would not.
          if (hangs)
            stuck.push(
              sandbox.grade({ ...program, ...HANGING, timeoutSeconds: 1 }).then((v) => v.status),
            );
          times.push(...(await grade(sandbox, [program], 1)));
        }
      }),
    );
    const seconds = (performance.now() - begin) / 1000;
    const verdicts = await Promise.all(stuck);
    const result = {
      load: load(),
      hanging_programs: stuck.length,
      timed_out: verdicts.filter((status) => status === 'timeout').length,
      honest_ms_without: spread(without),
      honest_ms: spread(times),
      honest_programs_per_second: rounded(times.length / seconds),
      retried: sandbox.stats().retried,
    };
    note(
      `5 % hanging: honest programs p50 ${result.honest_ms['p50']} ms, p99 ${result.honest_ms['p99']} ms`,
    );
    return result;
  } finally {
    await sandbox.close();
  }
}

/** One worker over many programs: does it grow? Resident memory is read where /proc has it. */
async function memory(
  programs: readonly Program[],
  { size, note }: BenchContext,
): Promise<Record<string, unknown>> {
  const sandbox = createNodeSandbox({ workers: 1, recheck: 0 });
  const total = Math.ceil(5000 * size);
  const samples: {
    programs: number;
    guest: number;
    heap_mib: number;
    resident_mib: number | null;
  }[] = [];
  const guests: (number | undefined)[] = [];
  try {
    const step = Math.max(1, Math.floor(total / 20));
    for (let done = 0; done < total; done += step) {
      await grade(
        sandbox,
        Array.from({ length: step }, (_, i) => programs[(done + i) % programs.length] as Program),
        2,
      );
      const { heap, pid } = sandbox.stats();
      if (!guests.includes(pid)) guests.push(pid);
      const heap_mib = rounded(heap / 2 ** 20);
      samples.push({
        programs: done + step,
        guest: guests.indexOf(pid),
        heap_mib,
        resident_mib: residentMib(pid),
      });
    }
    const heaps = samples.map((sample) => sample.heap_mib);
    note(
      `memory: heap of a worker ${Math.min(...heaps)} to ${Math.max(...heaps)} MiB over ${total} programs`,
    );
    return { load: load(), programs: total, samples, recycled: sandbox.stats().recycled };
  } finally {
    await sandbox.close();
  }
}
