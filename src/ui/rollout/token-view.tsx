import { memo, useMemo, useState, type CSSProperties, type KeyboardEvent } from 'react';
import type { TokenBlock } from '../../schema/columns.ts';
import type { RolloutKind } from '../../schema/events.ts';
import type { RolloutView } from '../../state/fold.ts';
import type { RolloutTokens } from '../../state/lab.ts';
import type { Colouring } from '../../state/route.ts';
import { tokenSpans } from '../../state/token-spans.ts';
import { formatFixed, formatSigned, formatValue } from '../format.ts';
import { SCALES, type Tint } from './colour.ts';

interface Props {
  readonly rollout: RolloutView;
  readonly tokens: RolloutTokens;
  readonly colour: Colouring;
}

/** The completion token by token: tinted by one quantity, all of them read out for the token under the pointer or the arrow keys. */
export function TokenView({ rollout, tokens, colour }: Props) {
  const [hovered, setHovered] = useState<number | null>(null);
  const [walked, setWalked] = useState<number | null>(null);
  const count = tokens.block.ids.length;
  const spans = useMemo(() => tokenSpans(rollout.completion.text, tokens.block.ends), [rollout.completion.text, tokens]);
  const at = hovered ?? walked;

  function onKeyDown(event: KeyboardEvent): void {
    const to = { ArrowRight: (walked ?? -1) + 1, ArrowLeft: (walked ?? count) - 1, Home: 0, End: count - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setHovered(null);
    setWalked(Math.max(0, Math.min(count - 1, to)));
  }

  return (
    <div className="token-view">
      <Readout rollout={rollout} tokens={tokens} at={at} colour={colour} />
      <div
        className="tokens"
        role="group"
        tabIndex={0}
        aria-label={`Completion of ${count} tokens. Left and right arrow keys read them out.`}
        aria-describedby="readout"
        data-testid="tokens"
        onKeyDown={onKeyDown}
        onBlur={() => setWalked(null)}
        onPointerOver={(event) => setHovered(indexOf(event.target))}
        onPointerLeave={() => setHovered(null)}
      >
        {spans.map((text, i) => (
          <Token
            key={i}
            index={i}
            text={i < count ? text || endText(tokens.text[i]) : text}
            special={text === ''}
            tint={i < count ? tintOf(rollout, tokens.block, i, colour) : null}
            active={i === at}
          />
        ))}
      </div>
    </div>
  );
}

interface TokenProps {
  readonly index: number;
  readonly text: string;
  readonly special: boolean;
  readonly tint: Tint | null;
  readonly active: boolean;
}

const Token = memo(
  function Token({ index, text, special, tint, active }: TokenProps) {
    return (
      <span
        className={special ? 'token special' : 'token'}
        data-i={index}
        data-hue={tint?.hue}
        data-active={active}
        style={{ '--strength': (tint?.strength ?? 0).toFixed(3) } as CSSProperties}
      >
        {text}
      </span>
    );
  },
  (a, b) => a.text === b.text && a.active === b.active && a.tint?.hue === b.tint?.hue && a.tint?.strength === b.tint?.strength,
);

function indexOf(target: EventTarget): number | null {
  const index = target instanceof HTMLElement ? target.dataset['i'] : undefined;
  return index === undefined ? null : Number(index);
}

function endText(text: string | undefined): string {
  return text === undefined || text === '' ? '∎' : text;
}

/** The value a colouring shows for token `i`; null where the token has none. */
export function valueOf(rollout: RolloutView, block: TokenBlock, i: number, colour: Colouring): number | null {
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
function weightOf(kind: RolloutKind, { advantage, weight }: NonNullable<RolloutView['reward']>): number {
  return kind === 'reflection' ? (weight ?? advantage) : advantage;
}

function tintOf(rollout: RolloutView, block: TokenBlock, i: number, colour: Colouring): Tint | null {
  const value = valueOf(rollout, block, i, colour);
  return value === null ? null : SCALES[colour].tint(value);
}

function Readout({ rollout, tokens, at, colour }: Props & { readonly at: number | null }) {
  const { block, text } = tokens;
  const read = (name: Colouring) => (at === null ? null : valueOf(rollout, block, at, name));
  const logprob = read('logprob');
  const advantage = read('advantage');
  const cells: readonly (readonly [Colouring, string])[] = [
    ['logprob', logprob === null ? '–' : `${formatFixed(logprob, 3)} (${formatFixed(100 * Math.exp(logprob), 1)} %)`],
    ['advantage', at === null ? '–' : advantage === null ? 'not in loss' : formatSigned(advantage)],
    ['entropy', formatValue(read('entropy'))],
    ['kl', formatValue(read('kl'))],
    ['ratio', at === null ? '–' : formatFixed(read('ratio') ?? 0, 3)],
  ];
  return (
    <dl className="readout" id="readout" aria-live="polite">
      <div className="readout-token">
        <dt>{at === null ? 'Token' : `Token ${at + 1} of ${block.ids.length}`}</dt>
        <dd>{at === null ? <span className="muted">point at one</span> : <code>{visible(text[at] ?? '')}</code>}</dd>
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

/** White space made visible. */
function visible(text: string): string {
  return text.replaceAll('\n', '⏎').replaceAll('\t', '⇥').replaceAll(' ', '␣');
}
