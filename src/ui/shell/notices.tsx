import { useLab, useLabState } from '../hooks.ts';
import { Button } from '../parts/button.tsx';
import styles from './notices.module.css';

/** What went wrong lately on this screen. */
export function Notices() {
  const lab = useLab();
  const notices = useLabState((state) => state.notices);
  return (
    <div role="alert" className={styles.notices}>
      {notices.map((notice) => (
        <p key={notice.id}>
          <span>{notice.message}</span>
          <Button type="button" quiet onClick={() => lab.dismiss(notice.id)}>
            Dismiss
          </Button>
        </p>
      ))}
    </div>
  );
}
