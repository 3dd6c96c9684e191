import * as v from 'valibot';
import { messageOf } from '../lib/errors.ts';
import { unzip } from '../lib/zip.ts';
import type { RunEvent } from '../schema/events.ts';
import type { FromPage, SessionAnswers, SessionRequest, ToPage } from '../schema/protocol.ts';
import {
  REPORT_INDEX,
  reportRun,
  reportTexts,
  type ReportIndex,
  type ReportTexts,
} from '../schema/report.ts';
import type { Channel } from '../state/client.ts';
import { RunSummary } from '../state/messages.ts';
import { columnIndex, readBlock, type BlockKind, type ColumnIndex } from '../storage/columns.ts';
import { parseLog } from '../storage/log-lines.ts';

const Index = v.object({
  version: v.literal(1),
  madeAt: v.number(),
  runs: v.pipe(v.array(RunSummary), v.minLength(1)),
});
const Texts = v.object({
  rollouts: v.record(v.string(), v.array(v.string())),
  targets: v.record(v.string(), v.array(v.tuple([v.number(), v.string()]))),
});

type Answer = SessionAnswers[SessionRequest['type']];

/** A run as it is read when somebody first looks at it. */
interface OpenRun {
  readonly events: readonly RunEvent[];
  readonly index: ColumnIndex;
  readonly texts: ReportTexts;
}

export interface Report {
  readonly index: ReportIndex;
  /** Answers what a page asks of its session's worker, as far as reading goes. */
  readonly channel: Channel;
}

/** Reads a report's archive; throws a sentence where it is damaged. */
export async function openReport(archive: Blob): Promise<Report> {
  const files = new Map(
    (await unzip(archive, 'The archive in this report')).map(({ path, file }) => [path, file]),
  );
  const index = await json(REPORT_INDEX, Index);
  const runs = new Map<string, Promise<OpenRun>>();

  function fileOf(path: string): Blob {
    const file = files.get(path);
    if (!file) throw new Error(`This report holds no ${path}; make it again.`);
    return file;
  }

  async function json<T>(path: string, schema: v.GenericSchema<unknown, T>): Promise<T> {
    const parsed = v.safeParse(schema, JSON.parse(await fileOf(path).text()));
    if (parsed.success) return parsed.output;
    const [issue] = parsed.issues;
    throw new Error(
      `${path} of this report does not parse (${v.getDotPath(issue) ?? 'it'}: ${issue.message}); make it again.`,
    );
  }

  function open(runId: string): Promise<OpenRun> {
    let run = runs.get(runId);
    if (!run) runs.set(runId, (run = read(runId)));
    return run;
  }

  async function read(runId: string): Promise<OpenRun> {
    if (!index.runs.some((run) => run.runId === runId))
      throw new Error(`This report holds no run ${runId}.`);
    const { events } = parseLog(
      new Uint8Array(await fileOf(`${reportRun(runId)}events.jsonl`).arrayBuffer()),
    );
    return {
      events,
      index: columnIndex(runId, events),
      texts: await json(reportTexts(runId), Texts),
    };
  }

  async function blockOf(runId: string, kind: BlockKind, rollout: string): Promise<ArrayBuffer> {
    return readBlock((await open(runId)).index, kind, rollout, async (offset, bytes) => {
      const part = fileOf(`${reportRun(runId)}tokens.bin`).slice(offset, offset + bytes);
      return new Uint8Array(await part.arrayBuffer());
    });
  }

  async function answer(request: SessionRequest): Promise<Answer> {
    switch (request.type) {
      case 'runs':
        return index.runs;
      case 'damaged':
        return [];
      case 'log':
        return (await open(request.runId)).events;
      case 'tokens': {
        const { runId, rollout } = request;
        const block = await blockOf(runId, 'rollouts', rollout);
        return { block, text: (await open(runId)).texts.rollouts[rollout] ?? [] };
      }
      case 'distillation': {
        const { runId, rollout } = request;
        const block = await blockOf(runId, 'targets', rollout);
        return { block, texts: (await open(runId)).texts.targets[rollout] ?? [] };
      }
      default:
        throw new Error(
          'A report can be read only; open the lab to train, evaluate or fetch anything.',
        );
    }
  }

  const listeners: ((event: { readonly data: ToPage }) => void)[] = [];
  const post = (data: ToPage) => listeners.forEach((listener) => listener({ data }));
  const channel: Channel = {
    postMessage({ id, request }: FromPage) {
      answer(request).then(
        (value) => post({ type: 'answer', id, value }),
        (error: unknown) => post({ type: 'failure', id, message: messageOf(error) }),
      );
    },
    addEventListener: (_, listener) => void listeners.push(listener),
  };
  return { index, channel };
}
