import { settingsTable, type Arm } from '../../compare/arms.ts';
import { Mono } from '../parts/text.tsx';
import styles from './compare.module.css';

/** Settings in which the methods' runs differ, the seed aside. */
export function SettingsTable({ arms }: { readonly arms: readonly Arm[] }) {
  const rows = settingsTable(arms);
  if (rows.length === 0) return null;
  return (
    <section aria-labelledby="compare-settings">
      <h2 id="compare-settings">Settings that differ</h2>
      <div className={styles.scroll} tabIndex={0} role="region" aria-label="Settings">
        <table className={`${styles.table} ${styles.settings}`} data-testid="settings">
          <thead>
            <tr>
              <th scope="col">Setting</th>
              {arms.map((arm) => (
                <th key={arm.name} scope="col">
                  {arm.name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ path, values }) => (
              <tr key={path}>
                <Mono scope="row" as="th">
                  {path}
                </Mono>
                {values.map((value, i) => (
                  <td key={arms[i]!.name}>{value}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
