import { METHODS } from '../../schema/config.ts';
import type { Route } from '../../state/route.ts';
import { go } from '../hooks.ts';
import { METHOD_TEXT } from '../methods.ts';

/** The six ways to train, each in a sentence. */
export function MethodChoice({ route }: { readonly route: Extract<Route, { screen: 'start' }> }) {
  return (
    <fieldset className="methods">
      <legend className="visually-hidden">Method</legend>
      {METHODS.map((method) => {
        const { name, about, control } = METHOD_TEXT[method];
        return (
          <label key={method} className="method" data-chosen={method === route.method}>
            <span className="label">{control ? 'Control' : 'Method'}</span>
            <span className="module-name">
              <input
                type="radio"
                name="method"
                value={method}
                checked={method === route.method}
                aria-label={name}
                aria-describedby={`about-${method}`}
                onChange={() => go({ ...route, method }, 'replace')}
              />
              {name}
            </span>
            <span className="module-text" id={`about-${method}`}>
              {about}
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}
