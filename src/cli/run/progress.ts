import { formatPercent } from '../../lib/format.ts';
import type { RunEvent, RunEventOf } from '../../schema/events.ts';
import { remark } from '../io.ts';

/**
 * What the step's updates did. Where Refl-KD trained the reflector alone the figures are the
 * reflector's.
 */
function effect(event: RunEventOf<'update.applied'>): string {
  if (event.noSignal) return 'no signal';
  if (event.skipped) return 'skipped: the gradient was not finite';
  const alone = event.distillation?.targets === 0 ? event.reflection : null;
  const { kl, gradNorm } = alone ?? event;
  const gap = event.samplerGap === null ? '' : `  gap ${event.samplerGap.toExponential(1)}`;
  return `${alone ? 'reflector only  ' : ''}KL ${kl.toPrecision(3)}  |g| ${gradNorm.toPrecision(3)}${gap}`;
}

/** One line for people, on stderr, for the events they wait for. */
export function report(event: RunEvent): void {
  switch (event.type) {
    case 'run.started':
      remark(
        `${event.config.method} · ${event.config.model} · ${event.problems.train.length} ` +
          `problems · seed ${event.config.seed} · ` +
          `${event.device.description || event.device.vendor}`,
      );
      break;
    case 'run.resumed':
      remark(`Going on from step ${event.step}.`);
      break;
    case 'update.applied': {
      const { sample, grade, update } = event.seconds;
      remark(
        `step ${String(event.step).padStart(3)}  reward ${event.reward.toFixed(3)}  entropy ` +
          `${event.entropy.toFixed(3)}  ${effect(event)}  ` +
          `${event.zeroSignal}/${event.groups} without signal  ${sample.toFixed(1)} + ` +
          `${grade.toFixed(1)} + ${update.toFixed(1)} s  ${Math.round(event.tokensPerSecond)} ` +
          'tokens/s',
      );
      break;
    }
    case 'eval.completed': {
      const greedy = event.greedy ? `greedy ${event.greedy.passes}/${event.greedy.problems}` : '';
      const sampled = event.sampled ? `sampled ${formatPercent(event.sampled.rate)}` : '';
      remark(`evaluation ${event.when}: ${[greedy, sampled].filter(Boolean).join(', ')}`);
      break;
    }
    case 'warning.raised':
      remark(event.message);
      break;
    default:
      break;
  }
}
