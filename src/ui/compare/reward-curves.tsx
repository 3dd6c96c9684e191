import { useMemo, useState } from 'react';
import type { Arm } from '../../compare/arms.ts';
import { csv } from '../../compare/csv.ts';
import { formatCount } from '../../lib/format.ts';
import { CURVES, type Curve } from '../../state/curves.ts';
import { besideAt, rewardCurve } from '../../state/reward-curve.ts';
import { formatValue } from '../format.ts';
import { download } from '../parts/download.ts';
import { CurvePlot } from '../run/curve-plot.tsx';
import { ActionRow } from '../parts/console.tsx';
import { Button } from '../parts/button.tsx';
import { Hidden, Label, Muted } from '../parts/text.tsx';
import { CurveLegend, Pen, TileFrame, TileNote, TileValue } from '../parts/tile.tsx';
import styles from './compare.module.css';

const REWARD = CURVES.find(({ key }) => key === 'reward')!;

/**
 * Reward over tokens, a plot a method on the same axes, each with the first method's curve beside
 * its own.
 */
export function RewardCurves({ arms }: { readonly arms: readonly Arm[] }) {
  const curves = useMemo(() => arms.map((arm) => ({ arm, curve: rewardCurve(arm) })), [arms]);
  const first = curves[0];
  const end = Math.max(0, ...curves.map(({ curve }) => curve.steps.at(-1) ?? 0));
  function save(): void {
    const rows = curves.flatMap(({ arm, curve }) =>
      curve.steps.map((tokens, i) => [
        arm.name,
        i + 1,
        tokens,
        ...[curve.raw, curve.low, curve.high].map((of) => of[i] ?? ''),
      ]),
    );
    download(
      'reward.csv',
      csv(['arm', 'step', 'tokens', 'reward', 'lowest_seed', 'highest_seed'], rows),
      'text/csv',
    );
  }
  return (
    <section aria-labelledby="compare-reward">
      <div className={styles.head}>
        <h2 id="compare-reward">Reward over tokens</h2>
        <ActionRow>
          <Button type="button" onClick={save}>
            <Hidden>Save </Hidden>
            <span aria-hidden="true">↓</span>reward.csv
          </Button>
        </ActionRow>
      </div>
      <div className={styles.curves}>
        {curves.map(({ arm, curve }, i) => (
          <RewardTile
            key={arm.name}
            name={arm.name}
            curve={curve}
            beside={i > 0 && first ? first.curve : null}
            end={end}
          />
        ))}
      </div>
      <CurveLegend aria-hidden="true">
        <Pen /> mean over seeds <Pen smooth /> smoothed <Pen band /> range of the seeds{' '}
        {curves.length > 1 && <Pen beside />}
        {curves.length > 1 && ` ${first?.arm.name ?? ''}, smoothed`}
      </CurveLegend>
      <Muted as="p" className={styles.note}>
        Tokens are those computed, prompts and completions. Reward is that of first answers to the
        plain prompt, on the problems trained on (of the control with random rewards: its coins);
        what was learned is in the tables above.
      </Muted>
    </section>
  );
}

interface TileProps {
  readonly name: string;
  readonly curve: Curve;
  readonly beside: Curve | null;
  readonly end: number;
}

function RewardTile({ name, curve, beside, end }: TileProps) {
  const [cursor, setCursor] = useState<number | null>(null);
  const drawn = useMemo(
    () => (beside ? { ...curve, against: besideAt(beside, curve.steps) } : curve),
    [beside, curve],
  );
  const last = curve.steps.length - 1;
  const at = cursor ?? last;
  return (
    <TileFrame data-curve={`reward ${name}`}>
      <figcaption title={REWARD.about}>
        <Label className={styles.name}>{name}</Label>
        <TileValue data-held={cursor !== null}>{formatValue(curve.raw[at])}</TileValue>
        <TileNote className={styles.tileNote}>
          {last < 0
            ? ''
            : `${formatCount(curve.steps[at] ?? 0)} tokens, smoothed ${formatValue(curve.smooth[at])}`}
        </TileNote>
      </figcaption>
      <CurvePlot
        def={REWARD}
        curve={drawn}
        end={end}
        label={
          `Reward of ${name} over tokens. ` +
          (last < 0
            ? 'No values. '
            : `${last + 1} steps, the last ${formatValue(curve.raw[last])}, ` +
              `smoothed ${formatValue(curve.smooth[last])}. `) +
          'Left and right arrow keys read values.'
        }
        onCursor={setCursor}
        onStep={() => undefined}
      />
    </TileFrame>
  );
}
