import { ReaderSteps } from './reader.tsx';
import { Button } from './button.tsx';

interface Props {
  /** Null: there is nothing that way. */
  readonly onPrevious: (() => void) | null;
  readonly onNext: (() => void) | null;
}

/** To the neighbours in a list, as j and k do. */
export function Stepper({ onPrevious, onNext }: Props) {
  return (
    <ReaderSteps>
      <Button type="button" disabled={!onPrevious} onClick={onPrevious ?? undefined}>
        <kbd>k</kbd> Previous
      </Button>
      <Button type="button" disabled={!onNext} onClick={onNext ?? undefined}>
        <kbd>j</kbd> Next
      </Button>
    </ReaderSteps>
  );
}
