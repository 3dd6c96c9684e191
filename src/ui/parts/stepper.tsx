interface Props {
  /** Null: there is nothing that way. */
  readonly onPrevious: (() => void) | null;
  readonly onNext: (() => void) | null;
}

/** To the neighbours in a list, as j and k do. */
export function Stepper({ onPrevious, onNext }: Props) {
  return (
    <span className="rollout-step">
      <button
        type="button"
        className="button"
        disabled={!onPrevious}
        onClick={onPrevious ?? undefined}
      >
        <kbd>k</kbd> Previous
      </button>
      <button type="button" className="button" disabled={!onNext} onClick={onNext ?? undefined}>
        <kbd>j</kbd> Next
      </button>
    </span>
  );
}
