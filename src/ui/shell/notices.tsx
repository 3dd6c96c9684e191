import { useLab, useLabState } from '../hooks.ts';

/** What went wrong lately: stays until it is dismissed. */
export function Notices() {
  const lab = useLab();
  const notices = useLabState((state) => state.notices);
  return (
    <div role="alert" className="notices">
      {notices.map((notice) => (
        <p key={notice.id}>
          <span>{notice.message}</span>
          <button type="button" className="button quiet" onClick={() => lab.dismiss(notice.id)}>
            Dismiss
          </button>
        </p>
      ))}
    </div>
  );
}
