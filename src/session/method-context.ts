import type { MethodContext } from '../methods/method.ts';
import { encodeDistillationBlock, encodeTokenBlock } from '../schema/columns.ts';
import type { RunConfig } from '../schema/config.ts';
import type { LogWriter } from './log-writer.ts';
import type { OpenedModel, RunPorts } from './run-ports.ts';

/**
 * What a method works with, and how to silence it: what is late of an abandoned step stays out of
 * the log.
 */
export function methodContext(
  ports: RunPorts,
  config: RunConfig,
  { engine, text }: OpenedModel,
  log: LogWriter,
  progress: MethodContext['progress'],
): { readonly context: MethodContext; readonly silence: () => void } {
  let alive = true;
  return {
    context: {
      engine,
      text,
      grade: (problem, completion, format = text.format) =>
        ports.grade(problem, completion, { format, timeoutSeconds: config.timeoutSeconds }),
      emit: (event) => {
        if (alive) log.emit(event);
      },
      columns: (block) => log.columns(encodeTokenBlock(block)),
      distillation: (block) => log.columns(encodeDistillationBlock(block)),
      progress: (phase, done, total) => {
        if (alive) progress(phase, done, total);
      },
      now: () => ports.clock() / 1000,
    },
    silence: () => {
      alive = false;
    },
  };
}
