import type { ReactElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { encodeTokenBlock, decodeTokenBlock } from '../../schema/columns.ts';
import type { NewEvent } from '../../schema/events.ts';
import { findGroup, findRollout, foldRun } from '../../state/fold.ts';
import { createLab } from '../../state/lab.ts';
import { ledgerOf } from '../../state/ledger.ts';
import { NO_FILTER } from '../../state/route.ts';
import { testChannel } from '../../state/testing/channel.ts';
import { targetBlock } from '../../state/testing/distillation.ts';
import {
  numbered,
  REFLKD_CONFIG,
  reflKdStep,
  SRRL_CONFIG,
  srrlStep,
  startOf,
  stepOf,
} from '../../state/testing/log.ts';
import { LabContext } from '../hooks.ts';
import { ProgramView } from '../parts/program-view.tsx';
import { VerdictView } from '../parts/verdict-view.tsx';
import { ChangeView } from './change-view.tsx';
import { Distilled } from './distilled.tsx';
import { LedgerView } from './ledger-view.tsx';
import { Followers, Lineage } from './lineage.tsx';
import { TargetView } from './target-view.tsx';
import { TokenView } from './token-view.tsx';

const EVIL = '<img src=x onerror=alert(1)>';

describe('what the model wrote', () => {
  const view = foldRun('r', numbered([startOf('r'), ...stepOf(1, EVIL)]));
  const rollout = findRollout(view, '1/0/0');
  if (!rollout) throw new Error('no rollout');

  it('is shown as text, never as markup, in the tokens', () => {
    const f32 = () => Float32Array.of(-0.5, -1);
    const block = decodeTokenBlock(
      encodeTokenBlock({
        ids: Uint32Array.of(1, 2),
        ends: Uint32Array.of(4, EVIL.length),
        logprobs: f32(),
        entropy: f32(),
        kl: f32(),
        ratio: f32(),
      }),
    );
    const html = renderToStaticMarkup(
      <TokenView
        rollout={rollout}
        tokens={{ block, text: ['<img', EVIL.slice(4)] }}
        colour="logprob"
      />,
    );
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
            asserts: [
              { status: 'fail', source: `assert f() == '${EVIL}'`, actual: EVIL, expected: EVIL },
            ],
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

/** The text of one completion's parts, tags left out. */
function parts(config: typeof SRRL_CONFIG, events: readonly NewEvent[], id: string) {
  const view = foldRun('r', numbered([startOf('r', config), ...events]));
  const find = (which: string) => {
    const rollout = findRollout(view, which);
    if (!rollout) throw new Error(`no rollout ${which}`);
    return rollout;
  };
  const rollout = find(id);
  const group = findGroup(view, rollout);
  const route = {
    screen: 'rollout',
    runId: 'r',
    rollout: id,
    colour: 'logprob',
    filter: NO_FILTER,
  } as const;
  const lab = createLab(testChannel(), () => undefined);
  const html = (element: ReactElement) =>
    renderToStaticMarkup(<LabContext value={lab}>{element}</LabContext>);
  const shared = { rollout, group, route };
  return {
    lineage: html(<Lineage {...shared} />),
    followers: html(<Followers {...shared} />),
    distilled: html(<Distilled {...shared} />),
    change: html(<ChangeView before={find('1/0/0')} after={rollout} />),
    ledger: html(
      <LedgerView
        ledger={ledgerOf(rollout, group, config)!}
        reflection={rollout.completion.kind === 'reflection'}
      />,
    ),
  };
}

const plain = (html: string) =>
  html
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
const links = (html: string) =>
  [...html.matchAll(/href="#\/run\/r\/rollout\/([^"]+)"/g)].map(([, id]) => id);

describe('a refinement that passed', () => {
  const { lineage, change } = parts(SRRL_CONFIG, srrlStep(1), '1/0/0.1');

  it('leads back to the attempt it came from', () => {
    expect(plain(lineage)).toContain('attempt 1 ✗ fail 1 of 2 → refinement 1.2 ✓ pass');
    expect(links(lineage)).toEqual(['1/0/0', '1/0/0.1']);
  });

  it('shows what it changed, line by line and assert by assert', () => {
    expect(change.match(/data-kind="removed"/g)).toHaveLength(1);
    expect(change.match(/data-kind="added"/g)).toHaveLength(2);
    expect(plain(change)).toContain('Of 2 asserts 1 now passes.');
  });
});

describe('an attempt', () => {
  it('leads on to what followed from it, retries below their reflections', () => {
    expect(links(parts(REFLKD_CONFIG, reflKdStep(1), '1/0/0').followers)).toEqual([
      '1/0/0.0',
      '1/0/0.0.0',
      '1/0/0.0.1',
      '1/0/0.1',
      '1/0/0.1.0',
      '1/0/0.1.1',
    ]);
    expect(parts(SRRL_CONFIG, srrlStep(1), '1/0/1').followers).toBe('');
  });
});

describe('a reflection', () => {
  const { ledger, distilled } = parts(REFLKD_CONFIG, reflKdStep(1), '1/0/0.0');

  it('accounts for its retries against the attempts without it', () => {
    expect(plain(ledger)).toContain('Retries passed 2 of 2');
    expect(plain(ledger)).toContain('Without reflection 1 of 4 earned 1 0.250');
    expect(plain(ledger)).toContain('w = A, as A &gt; δ = 0 +0.750');
  });

  it('leads to the program that was distilled thanks to it, with the teacher’s prompt', () => {
    expect(links(distilled)).toEqual(['1/0/0.0.0']);
    expect(plain(distilled)).toContain('Why: It returns a constant.');
  });
});

describe('a distilled target', () => {
  const block = targetBlock([
    { id: 1, loss: 0.25, teacher: [[1, 0.9]], student: [[1, 0.8]] },
    {
      id: 2,
      loss: 0.5,
      teacher: [
        [2, 0.5],
        [3, 0.25],
      ],
      student: [
        [4, 0.75],
        [2, 0.125],
      ],
    },
    { id: 9, loss: 0, teacher: [[9, 1]], student: [[9, 1]] },
  ]);
  const texts = new Map([
    [1, 'a'],
    [2, ' '],
    [3, EVIL],
    [4, '\n'],
    [9, '<end>'],
  ]);
  const html = renderToStaticMarkup(
    <TargetView text="a " tokens={{ block: { ...block, ends: Uint32Array.of(1, 2, 2) }, texts }} />,
  );

  it('is tinted by the loss of each token, its end token by name', () => {
    expect(
      [...html.matchAll(/--strength:([\d.]+)/g)].map(([, strength]) => Number(strength)),
    ).toEqual([0.25, 0.5, 0]);
    expect(html).toContain('&lt;end&gt;');
  });

  it(
    'opens at the token of the largest loss, teacher’s and student’s tokens matched, a ' +
      'stranger’s markup as text',
    () => {
      expect(plain(html)).toContain('Token 2 of 3 ␣ , KL 0.500');
      const rows = [...html.matchAll(/<tr data-target.*?<\/tr>/g)].map(([row]) => plain(row));
      expect(rows).toEqual([
        '␣ target 50.0 % 12.5 %',
        '&lt;img␣src=x␣onerror=alert(1)&gt; 25.0 % –',
        '⏎ – 75.0 %',
      ]);
      expect(html).not.toContain('<img');
    },
  );
});
