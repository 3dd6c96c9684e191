import { useMemo, type CSSProperties } from 'react';
import { formatPercent } from '../../lib/format.ts';
import { candidatesAt, furthestApart } from '../../state/distillation.ts';
import type { TargetTokens } from '../../state/lab.ts';
import { formatValue } from '../format.ts';
import { DISTILLED } from './colour.ts';
import { Legend, TokenStrip, useTokenWalk, visible } from './token-strip.tsx';
import { Hidden, Muted } from '../parts/text.tsx';
import styles from './target-view.module.css';

interface Props {
  /** The target's text. */
  readonly text: string;
  readonly tokens: TargetTokens;
}

/**
 * A target token by token: tinted by its loss; of one token, at first that of the largest, what
 * teacher and student expected.
 */
export function TargetView({ text, tokens }: Props) {
  const { block, texts } = tokens;
  const start = useMemo(() => furthestApart(block), [block]);
  const count = block.ids.length;
  const walk = useTokenWalk(count, start);
  const nameOf = (index: number) => texts.get(block.ids[index] ?? 0);
  return (
    <div className={styles.target}>
      <TokenStrip
        walk={walk}
        text={text}
        ends={block.ends}
        nameOf={nameOf}
        tintOf={(index) => DISTILLED.tint(block.loss[index] ?? 0)}
        label={`Target of ${count} tokens. Left and right arrow keys read out what teacher and student expected.`}
        readout="target-readout"
        testId="target-tokens"
      />
      <Legend scale={DISTILLED} />
      <p className={styles.readout} id="target-readout" aria-live="polite">
        {walk.at === null ? (
          <Muted>Point at a token.</Muted>
        ) : (
          <>
            Token {walk.at + 1} of {count} <code>{visible(nameOf(walk.at) ?? '')}</code>, KL{' '}
            {formatValue(block.loss[walk.at])}
          </>
        )}
      </p>
      {walk.at !== null && <Candidates tokens={tokens} at={walk.at} />}
    </div>
  );
}

function Candidates({
  tokens: { block, texts },
  at,
}: {
  readonly tokens: TargetTokens;
  readonly at: number;
}) {
  return (
    <>
      <table className={styles.candidates} data-testid="candidates">
        <Hidden as="caption">What teacher and student expected at token {at + 1}</Hidden>
        <thead>
          <tr>
            <th scope="col">Expected</th>
            <th scope="col">Teacher</th>
            <th scope="col">Student</th>
          </tr>
        </thead>
        <tbody>
          {candidatesAt(block, at).map(({ id, teacher, student }) => (
            <tr key={id} data-target={id === block.ids[at]}>
              <th scope="row">
                <code>{visible(texts.get(id) ?? '') || `id ${id}`}</code>
                {id === block.ids[at] && <Muted> target</Muted>}
              </th>
              <Probability value={teacher} />
              <Probability value={student} />
            </tr>
          ))}
        </tbody>
      </table>
      <p className={styles.note}>
        Probabilities at the distillation’s temperature, before the update; –: not among the eight
        likeliest.
      </p>
    </>
  );
}

function Probability({ value }: { readonly value: number | null }) {
  return (
    <td style={{ '--share': value ?? 0 } as CSSProperties}>
      {value === null ? '–' : formatPercent(value)}
    </td>
  );
}
