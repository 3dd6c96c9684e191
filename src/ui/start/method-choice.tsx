import { METHOD_NAMES } from '../../schema/config.ts';
import type { Route } from '../../state/route.ts';
import { go } from '../hooks.ts';
import { METHODS } from '../../settings/methods.ts';
import { Hidden, Label } from '../parts/text.tsx';
import { PanelName, PanelText } from '../parts/rack.tsx';
import styles from './method-choice.module.css';

/** The six ways to train, each in a sentence. */
export function MethodChoice({ route }: { readonly route: Extract<Route, { screen: 'start' }> }) {
  return (
    <fieldset className={styles.methods}>
      <Hidden as="legend">Method</Hidden>
      {METHOD_NAMES.map((method) => {
        const { title, about, control } = METHODS[method];
        return (
          <label key={method} className={styles.method} data-chosen={method === route.method}>
            <Label className={styles.kind}>{control ? 'Control' : 'Method'}</Label>
            <PanelName as="span" className={styles.name}>
              <input
                type="radio"
                name="method"
                value={method}
                checked={method === route.method}
                aria-label={title}
                aria-describedby={`about-${method}`}
                onChange={() => go({ ...route, method }, 'replace')}
              />
              {title}
            </PanelName>
            <PanelText as="span" className={styles.about} id={`about-${method}`}>
              {about}
            </PanelText>
          </label>
        );
      })}
    </fieldset>
  );
}
