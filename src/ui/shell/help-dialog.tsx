import { Modal } from '../parts/modal.tsx';
import { Button } from '../parts/button.tsx';
import styles from './help-dialog.module.css';

const KEYS: readonly (readonly [keys: readonly string[], what: string])[] = [
  [['j', 'k'], 'Next and previous rollout or problem; in a list, move through it'],
  [['Enter'], 'Open the rollout or problem in focus'],
  [
    ['Esc'],
    'Back: from a rollout to its run, from an answer to its evaluation, from there and from the models to the start',
  ],
  [['c'], 'Next colouring of the tokens'],
  [['←', '→'], 'Move through the tokens, or along a curve, when it has the focus'],
  [['l'], 'Follow the latest rollouts, or stop following'],
  [['?'], 'This list'],
];

export function HelpDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <Modal title="Keys" onClose={onClose}>
      <dl className={styles.help}>
        {KEYS.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <Button>Close</Button>
      </form>
    </Modal>
  );
}
