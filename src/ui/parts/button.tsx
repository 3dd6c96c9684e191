import { part } from './part.tsx';
import styles from './button.module.css';

/** A button, or what is drawn as one (`as="a"`). */
export const Button = part('button', styles.button, {
  primary: styles.primary,
  quiet: styles.quiet,
  danger: styles.danger,
  large: styles.large,
});
