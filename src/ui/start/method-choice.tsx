import { METHOD_NAMES } from '../../schema/config.ts';
import type { Route } from '../../state/route.ts';
import { go } from '../hooks.ts';
import { METHODS } from '../../settings/methods.ts';

/** The six ways to train, each in a sentence. */
export function MethodChoice({ route }: { readonly route: Extract<Route, { screen: 'start' }> }) {
  return (
    <fieldset className="methods">
      <legend className="visually-hidden">Method</legend>
      {METHOD_NAMES.map((method) => {
        const { title, about, control } = METHODS[method];
        return (
          <label key={method} className="method" data-chosen={method === route.method}>
            <span className="label">{control ? 'Control' : 'Method'}</span>
            <span className="module-name">
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
