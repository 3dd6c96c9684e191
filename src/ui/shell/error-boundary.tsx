import { Component, type ReactNode } from 'react';
import { messageOf } from '../../lib/errors.ts';
import { Page, PageHead } from '../parts/page.tsx';
import { Sentence } from '../parts/text.tsx';
import { Button } from '../parts/button.tsx';

interface Props {
  /** The address that is shown: another one is tried anew. */
  readonly address: string;
  readonly children: ReactNode;
}

interface State {
  /** Why: the error's message. */
  readonly failed: string | null;
}

/** A screen that fails says so and leaves the others; what is stored and what runs go on. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { failed: null };

  static getDerivedStateFromError(error: unknown): State {
    return { failed: messageOf(error) };
  }

  override componentDidUpdate({ address }: Props): void {
    if (this.state.failed !== null && address !== this.props.address)
      this.setState({ failed: null });
  }

  override render(): ReactNode {
    const { failed } = this.state;
    if (failed === null) return this.props.children;
    return (
      <Page>
        <PageHead title="This screen failed.">
          <Sentence>
            {failed} Nothing stored is lost, and a run that was going on still is.{' '}
            <a href="#/">Go to the start</a>, or{' '}
            <Button type="button" quiet onClick={() => location.reload()}>
              Reload the page
            </Button>
          </Sentence>
        </PageHead>
      </Page>
    );
  }
}
