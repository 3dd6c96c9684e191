import type { ComparedArm, Comparison, Gain, GainDifference } from '../../compare/compare.ts';
import {
  formatCount,
  formatP,
  formatPercent,
  formatPoints,
  formatSeconds,
  formatSigned,
} from '../../lib/format.ts';
import type { Interval } from '../../lib/stats.ts';
import { formatRoute, NO_FILTER } from '../../state/route.ts';
import { Hidden, Muted } from '../parts/text.tsx';
import styles from './compare.module.css';

/** A line a method: what it cost and what it learned. */
export function ArmTable({ comparison }: { readonly comparison: Comparison }) {
  const { arms } = comparison;
  const span = spanOf(arms.map((arm) => (arm.sampled ?? arm.greedy)?.gain.ci95));
  return (
    <div className={styles.scroll} tabIndex={0} role="region" aria-label="Methods">
      <table className={styles.table} data-testid="arms">
        <thead>
          <tr>
            <th scope="col">Method</th>
            <th scope="col">Seeds</th>
            <th scope="col">Tokens a run</th>
            <th scope="col">Steps</th>
            <th scope="col">Greedy</th>
            <th scope="col">Sampled</th>
            <th scope="col">Gain, points</th>
            <th scope="col">
              <Hidden>Gain drawn</Hidden>
            </th>
            <th scope="col">Rescued</th>
            <th scope="col">Time a run</th>
          </tr>
        </thead>
        <tbody>
          {arms.map((arm) => (
            <ArmRow key={arm.name} arm={arm} span={span} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ArmRow({ arm, span }: { readonly arm: ComparedArm; readonly span: Interval }) {
  const { greedy, sampled, rescue, tokens } = arm;
  const gain = (sampled ?? greedy)?.gain;
  return (
    <tr>
      <th scope="row">{arm.name}</th>
      <td>
        {arm.seeds.map((seed, i) => (
          <a
            key={seed}
            href={formatRoute({ screen: 'run', runId: arm.runs[i]!, filter: NO_FILTER })}
          >
            {seed}
          </a>
        ))}
      </td>
      <td>{formatCount(tokens.prompt + tokens.generated)}</td>
      <td>{Number(arm.steps.toFixed(1))}</td>
      <td>{change(greedy)}</td>
      <td>{change(sampled)}</td>
      <td>{gain ? formatPoints(gain.difference, gain.ci95) : '–'}</td>
      <td>{gain && <Whisker value={gain.difference} ci95={gain.ci95} span={span} />}</td>
      <td>
        {rescue?.rate == null
          ? '–'
          : `${formatPercent(rescue.rate)} of ${formatCount(rescue.failed)}`}
      </td>
      <td>{formatSeconds(arm.wall_s)}</td>
    </tr>
  );
}

/** What each method gained more, or less, than the reference on the same problems. */
export function DifferenceTable({ comparison }: { readonly comparison: Comparison }) {
  const { arms, reference } = comparison;
  const compared = arms.flatMap((arm) =>
    arm.difference ? [{ name: arm.name, ...arm.difference }] : [],
  );
  if (compared.length === 0) return null;
  const span = spanOf(compared.map(({ greedy, sampled }) => (sampled ?? greedy)?.ci95));
  return (
    <section aria-labelledby="compare-difference">
      <h2 id="compare-difference">Gain beyond that of {reference}</h2>
      <div className={styles.scroll} tabIndex={0} role="region" aria-label="Differences">
        <table className={styles.table} data-testid="differences">
          <thead>
            <tr>
              <th scope="col">Method</th>
              <th scope="col">Greedy, points</th>
              <th scope="col">p</th>
              <th scope="col">Sampled, points</th>
              <th scope="col">p</th>
              <th scope="col">
                <Hidden>Difference drawn</Hidden>
              </th>
              <th scope="col">By seed</th>
            </tr>
          </thead>
          <tbody>
            {compared.map(({ name, greedy, sampled }) => {
              const drawn = sampled ?? greedy;
              return (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <DifferenceCells found={greedy} />
                  <DifferenceCells found={sampled} />
                  <td>
                    {drawn && <Whisker value={drawn.difference} ci95={drawn.ci95} span={span} />}
                  </td>
                  <td>
                    {drawn?.by_seed
                      .map(({ difference }) => formatSigned(100 * difference, 1))
                      .join('  ') ?? '–'}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <Muted as="p" className={styles.note}>
        Paired by problem and seed; p by flipping the signs of the problems’ differences, adjusted
        after Holm. Intervals speak of other problems, the figures by seed of other runs.
      </Muted>
    </section>
  );
}

function DifferenceCells({ found }: { readonly found: GainDifference | null }) {
  return (
    <>
      <td>{found ? formatPoints(found.difference, found.ci95) : '–'}</td>
      <td>{found ? formatP(found.p_holm) : '–'}</td>
    </>
  );
}

function change(gain: Gain | null): string {
  return gain ? `${formatPercent(gain.before.rate)} → ${formatPercent(gain.after.rate)}` : '–';
}

/** The range that all whiskers of a column share, 0 within it. */
function spanOf(intervals: readonly (Interval | undefined)[]): Interval {
  const ends = intervals.flatMap((interval) => interval ?? []);
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  return high - low > 0 ? [low, high] : [-0.01, 0.01];
}

const WIDTH = 120;

/** A value, its interval and 0 on a common scale; the figures stand beside it. */
function Whisker({
  value,
  ci95,
  span,
}: {
  readonly value: number;
  readonly ci95: Interval;
  readonly span: Interval;
}) {
  const x = (fraction: number) => 4 + ((fraction - span[0]) / (span[1] - span[0])) * (WIDTH - 8);
  const sure = ci95[0] * ci95[1] > 0;
  return (
    <svg
      className={styles.whisker}
      viewBox={`0 0 ${WIDTH} 16`}
      width={WIDTH}
      height={16}
      aria-hidden="true"
      data-sure={sure}
    >
      <line className={styles.zero} x1={x(0)} x2={x(0)} y1={0} y2={16} />
      <line x1={x(ci95[0])} x2={x(ci95[1])} y1={8} y2={8} />
      <circle cx={x(value)} cy={8} r={3.5} />
    </svg>
  );
}
