import {
  memo,
  useMemo,
  useState,
  type CSSProperties,
  type HTMLAttributes,
  type KeyboardEvent,
} from 'react';
import { tokenSpans } from '../../state/token-spans.ts';
import type { Scale, Tint } from './colour.ts';
import { classNames } from '../parts/part.tsx';
import styles from './token-strip.module.css';

/**
 * A walk through the tokens of a strip. A click, a tap or an arrow key stays at its token; the
 * pointer looks at others meanwhile.
 */
export interface TokenWalk {
  /** The token to read out; null: none. */
  readonly at: number | null;
  readonly handlers: Pick<
    HTMLAttributes<HTMLElement>,
    'onKeyDown' | 'onClick' | 'onPointerOver' | 'onPointerLeave'
  >;
}

/** @param start the token that is read out while nothing points at one */
export function useTokenWalk(count: number, start: number | null = null): TokenWalk {
  const [hovered, setHovered] = useState<number | null>(null);
  const [walked, setWalked] = useState<number | null>(null);
  const from = walked ?? start;

  function onKeyDown(event: KeyboardEvent<HTMLElement>): void {
    const to = {
      ArrowRight: (from ?? -1) + 1,
      ArrowLeft: (from ?? count) - 1,
      Home: 0,
      End: count - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setHovered(null);
    const next = Math.max(0, Math.min(count - 1, to));
    setWalked(next);
    event.currentTarget.querySelector(`[data-i="${next}"]`)?.scrollIntoView({ block: 'nearest' });
  }

  return {
    at: hovered ?? from,
    handlers: {
      onKeyDown,
      onClick: (event) => setWalked(indexOf(event.target)),
      onPointerOver: (event) => setHovered(indexOf(event.target)),
      onPointerLeave: () => setHovered(null),
    },
  };
}

interface StripProps {
  readonly walk: TokenWalk;
  readonly text: string;
  /** UTF-8 end offset of each token in `text`. */
  readonly ends: Uint32Array;
  /** What stands for a token without text in `text`, such as the end token. */
  readonly nameOf: (index: number) => string | undefined;
  readonly tintOf: (index: number) => Tint | null;
  readonly label: string;
  /** Id of the element that reads the token out. */
  readonly readout: string;
  readonly testId: string;
}

/** A text cut into its tokens, each tinted. */
export function TokenStrip({
  walk,
  text,
  ends,
  nameOf,
  tintOf,
  label,
  readout,
  testId,
}: StripProps) {
  const spans = useMemo(() => tokenSpans(text, ends), [text, ends]);
  const count = ends.length;
  return (
    <div
      className={styles.tokens}
      role="group"
      tabIndex={0}
      aria-label={label}
      aria-describedby={readout}
      data-testid={testId}
      {...walk.handlers}
    >
      {spans.map((span, i) => (
        <Token
          key={i}
          index={i}
          text={i < count ? span || (nameOf(i) ?? '') || '∎' : span}
          special={span === ''}
          tint={i < count ? tintOf(i) : null}
          active={i === walk.at}
        />
      ))}
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

const SPECIAL = classNames(styles.token, styles.special);

const Token = memo(
  function Token({ index, text, special, tint, active }: TokenProps) {
    return (
      <span
        className={special ? SPECIAL : styles.token}
        data-i={index}
        data-hue={tint?.hue}
        data-active={active}
        style={{ '--strength': (tint?.strength ?? 0).toFixed(3) } as CSSProperties}
      >
        {text}
      </span>
    );
  },
  (a, b) =>
    a.text === b.text &&
    a.active === b.active &&
    a.tint?.hue === b.tint?.hue &&
    a.tint?.strength === b.tint?.strength,
);

function indexOf(target: EventTarget): number | null {
  const index = target instanceof HTMLElement ? target.dataset['i'] : undefined;
  return index === undefined ? null : Number(index);
}

/** What the tints of a strip mean. */
export function Legend({ scale }: { readonly scale: Scale }) {
  return (
    <div className={styles.legend}>
      <span>{scale.ends[0]}</span>
      <span
        className={styles.ramp}
        data-diverging={scale.diverging}
        data-hue={scale.tint(1).hue === 'cool' && !scale.diverging ? 'cool' : 'warm'}
      />
      <span>{scale.ends[1]}</span>
      <span className={styles.about}>{scale.about}</span>
    </div>
  );
}

/** White space made visible. */
export function visible(text: string): string {
  return text.replaceAll('\n', '⏎').replaceAll('\t', '⇥').replaceAll(' ', '␣');
}
