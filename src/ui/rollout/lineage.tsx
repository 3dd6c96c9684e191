import type { GroupView, RolloutView } from '../../state/fold.ts';
import { linesOf } from '../../state/rows.ts';
import { childrenOf, lineageOf } from '../../state/tree.ts';
import { KIND_WORDS } from '../../settings/kinds.ts';
import { nameOf, resultText, rolloutHref, RolloutMark, RolloutRow } from '../run/rollout-row.tsx';
import type { RunRoute } from '../../state/route.ts';
import { Label, Muted } from '../parts/text.tsx';
import { Sheet } from '../parts/sheet.tsx';
import styles from './lineage.module.css';

interface Props {
  readonly rollout: RolloutView;
  readonly group: GroupView | null;
  readonly route: RunRoute;
}

/**
 * Problem → attempt → what followed, down to the completion that is shown; nothing where that is an
 * attempt.
 */
export function Lineage({ rollout, group, route }: Props) {
  const lineage = lineageOf(rollout, group);
  if (lineage.length < 2) return null;
  return (
    <nav className={styles.lineage} aria-label="How it came about">
      <ol>
        <li>
          <a href="#problem" onClick={toPrompt}>
            Problem
          </a>
        </li>
        {lineage.map((part) => (
          <li key={part.id}>
            <span aria-hidden="true">→</span>
            <a
              href={rolloutHref(route, part.id)}
              aria-current={part === rollout ? 'page' : undefined}
            >
              {nameOf(part)} <RolloutMark rollout={part} />{' '}
              <Muted className={styles.result}>{resultText(part)}</Muted>
            </a>
          </li>
        ))}
      </ol>
    </nav>
  );
}

/** The hash is the address, so this link scrolls and focuses by itself. */
function toPrompt(event: { preventDefault(): void }): void {
  event.preventDefault();
  const prompt = document.getElementById('prompt');
  prompt?.scrollIntoView({ block: 'nearest' });
  prompt?.focus({ preventScroll: true });
}

/** What followed from a completion: refinements of an attempt, reflections with their retries. */
export function Followers({ rollout, group, route }: Props) {
  const children = childrenOf(rollout, group);
  const first = children[0];
  if (!group || !first) return null;
  const below = linesOf(group).filter(
    (line) =>
      line.rollout !== null &&
      line.rollout !== rollout &&
      lineageOf(line.rollout, group).includes(rollout),
  );
  const depth = below[0]?.depth ?? 0;
  return (
    <Sheet className={styles.followers} aria-labelledby="followers-title">
      <Label as="h3" id="followers-title">
        Its {KIND_WORDS[first.completion.kind][1]}
      </Label>
      {below.map((line) => (
        <RolloutRow
          key={line.key}
          row={{ ...line, depth: line.depth - depth }}
          route={route}
          selected={null}
        />
      ))}
    </Sheet>
  );
}
