import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { encodeTokenBlock, decodeTokenBlock } from '../../schema/columns.ts';
import { findRollout, foldRun } from '../../state/fold.ts';
import { numbered, startOf, stepOf } from '../../state/testing/log.ts';
import { ProgramView } from '../parts/program-view.tsx';
import { VerdictView } from '../parts/verdict-view.tsx';
import { TokenView } from './token-view.tsx';

const EVIL = '<img src=x onerror=alert(1)>';

describe('what the model wrote', () => {
  const view = foldRun('r', numbered([startOf('r'), ...stepOf(1, EVIL)]));
  const rollout = findRollout(view, '1/0/0');
  if (!rollout) throw new Error('no rollout');

  it('is shown as text, never as markup, in the tokens', () => {
    const f32 = () => Float32Array.of(-0.5, -1);
    const block = decodeTokenBlock(
      encodeTokenBlock({ ids: Uint32Array.of(1, 2), ends: Uint32Array.of(4, EVIL.length), logprobs: f32(), entropy: f32(), kl: f32(), ratio: f32() }),
    );
    const html = renderToStaticMarkup(<TokenView rollout={rollout} tokens={{ block, text: ['<img', EVIL.slice(4)] }} colour="logprob" />);
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img');
  });

  it('is shown as text in program, verdict, values and output', () => {
    const html = renderToStaticMarkup(
      <>
        <ProgramView code={EVIL} text={EVIL} errorLines={[1]} />
        <VerdictView
          prompt=""
          verdict={{
            status: 'error',
            asserts: [{ status: 'fail', source: `assert f() == '${EVIL}'`, actual: EVIL, expected: EVIL }],
            error: { type: EVIL, message: EVIL, lines: [1] },
            stdout: EVIL,
            stderr: EVIL,
            ms: 1,
          }}
        />
      </>,
    );
    expect(html).not.toContain('<img');
    expect(html.split('&lt;img').length - 1).toBe(8);
  });
});
