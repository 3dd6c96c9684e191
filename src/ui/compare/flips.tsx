import type { Comparison, Discordant, Flip } from '../../compare/compare.ts';
import { formatP } from '../../lib/format.ts';
import { Label, Mono, Muted } from '../parts/text.tsx';
import styles from './compare.module.css';

interface Pair extends Discordant {
  readonly title: string;
  readonly up: string;
  readonly down: string;
}

/**
 * Problems whose greedy answer changed sides: by training, and between each method and the
 * reference.
 */
export function Flips({ comparison }: { readonly comparison: Comparison }) {
  const { arms, reference } = comparison;
  const pairs = [
    ...arms.flatMap(({ name, greedy }): Pair[] =>
      greedy ? [{ ...greedy, title: `${name}, by training`, up: 'gained', down: 'lost' }] : [],
    ),
    ...arms.flatMap(({ name, difference }): Pair[] =>
      difference?.greedy
        ? [
            {
              ...difference.greedy,
              title: `${name} and ${reference}, after training`,
              up: `only ${name}`,
              down: `only ${reference}`,
            },
          ]
        : [],
    ),
  ];
  if (pairs.length === 0) return null;
  return (
    <section aria-labelledby="compare-flips">
      <h2 id="compare-flips">Flipped problems</h2>
      <div className={styles.flips} data-testid="flips">
        {pairs.map((pair) => (
          <details key={pair.title}>
            <summary>
              <b>{pair.title}</b>
              <span data-way="up">
                {pair.up} {pair.gained.length}
              </span>
              <span data-way="down">
                {pair.down} {pair.lost.length}
              </span>
              <Muted>
                McNemar p{' '}
                {pair.mcnemar.map(({ seed, p }) => `${formatP(p)} (seed ${seed})`).join(', ')}
              </Muted>
            </summary>
            <div className={styles.ways}>
              <Problems title={pair.up} flips={pair.gained} />
              <Problems title={pair.down} flips={pair.lost} />
            </div>
          </details>
        ))}
      </div>
    </section>
  );
}

function Problems({ title, flips }: { readonly title: string; readonly flips: readonly Flip[] }) {
  return (
    <div>
      <Label as="h3">{title}</Label>
      {flips.length === 0 && <Muted as="p">none</Muted>}
      <Mono as="ul">
        {flips.map(({ seed, problem }) => (
          <li key={`${seed} ${problem}`}>
            {problem} <Muted>seed {seed}</Muted>
          </li>
        ))}
      </Mono>
    </div>
  );
}
