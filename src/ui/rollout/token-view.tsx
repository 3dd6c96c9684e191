import type { TokenBlock } from '../../schema/columns.ts';
import type { Kind } from '../../settings/kinds.ts';
import type { RolloutView } from '../../state/fold.ts';
import type { RolloutTokens } from '../../state/lab.ts';
import type { Colouring } from '../../state/route.ts';
import { formatFixed, formatSigned, formatValue } from '../format.ts';
import { SCALES, type Tint } from './colour.ts';
import { TokenStrip, useTokenWalk, visible } from './token-strip.tsx';
import { Muted } from '../parts/text.tsx';
import styles from './token-view.module.css';

interface Props {
  readonly rollout: RolloutView;
  readonly tokens: RolloutTokens;
  readonly colour: Colouring;
}

/**
 * The completion token by token: tinted by one quantity, all of them read out for the token under
 * the pointer or the arrow keys.
 */
export function TokenView({ rollout, tokens, colour }: Props) {
  const count = tokens.block.ids.length;
  const walk = useTokenWalk(count);
  return (
    <div>
      <Readout rollout={rollout} tokens={tokens} at={walk.at} colour={colour} />
      <TokenStrip
        walk={walk}
        text={rollout.completion.text}
        ends={tokens.block.ends}
        nameOf={(index) => tokens.text[index]}
        tintOf={(index) => tintOf(rollout, tokens.block, index, colour)}
        label={`Completion of ${count} tokens. Left and right arrow keys read them out.`}
        readout="readout"
        testId="tokens"
      />
    </div>
  );
}

/** The value a colouring shows for token `i`; null where the token has none. */
export function valueOf(
  rollout: RolloutView,
  block: TokenBlock,
  i: number,
  colour: Colouring,
): number | null {
  switch (colour) {
    case 'logprob':
      return block.logprobs[i] ?? null;
    case 'entropy':
      return block.entropy[i] ?? null;
    case 'kl':
      return block.kl[i] ?? null;
    case 'ratio':
      return block.ratio[i] ?? null;
    case 'advantage':
      return rollout.reward?.inLoss ? weightOf(rollout.completion.kind, rollout.reward) : null;
    default:
      return colour satisfies never;
  }
}

/** A reflection's tokens carry its gated weight, all others their advantage. */
function weightOf(kind: Kind, { advantage, weight }: NonNullable<RolloutView['reward']>): number {
  return kind === 'reflection' ? (weight ?? advantage) : advantage;
}

function tintOf(
  rollout: RolloutView,
  block: TokenBlock,
  i: number,
  colour: Colouring,
): Tint | null {
  const value = valueOf(rollout, block, i, colour);
  return value === null ? null : SCALES[colour].tint(value);
}

function Readout({ rollout, tokens, at, colour }: Props & { readonly at: number | null }) {
  const { block, text } = tokens;
  const read = (name: Colouring) => (at === null ? null : valueOf(rollout, block, at, name));
  const logprob = read('logprob');
  const advantage = read('advantage');
  const cells: readonly (readonly [Colouring, string])[] = [
    [
      'logprob',
      logprob === null
        ? '–'
        : `${formatFixed(logprob, 3)} (${formatFixed(100 * Math.exp(logprob), 1)} %)`,
    ],
    ['advantage', at === null ? '–' : advantage === null ? 'not in loss' : formatSigned(advantage)],
    ['entropy', formatValue(read('entropy'))],
    ['kl', formatValue(read('kl'))],
    ['ratio', at === null ? '–' : formatFixed(read('ratio') ?? 0, 3)],
  ];
  return (
    <dl className={styles.readout} id="readout" aria-live="polite">
      <div>
        <dt>{at === null ? 'Token' : `Token ${at + 1} of ${block.ids.length}`}</dt>
        <dd>
          {at === null ? (
            <Muted className={styles.hint}>point at one</Muted>
          ) : (
            <code>{visible(text[at] ?? '')}</code>
          )}
        </dd>
      </div>
      {cells.map(([name, value]) => (
        <div key={name} data-now={name === colour}>
          <dt>{SCALES[name].name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
