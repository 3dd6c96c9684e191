import { useState } from 'react';
import type { Route } from '../../state/route.ts';
import { DataCard } from './data-card.tsx';
import { DeviceCard } from './device-card.tsx';
import { Launch } from './launch.tsx';
import { MethodChoice } from './method-choice.tsx';
import { ModelCard } from './model-card.tsx';
import { ModelShelf } from './model-shelf.tsx';
import { Unfinished } from './unfinished.tsx';
import { DamagedList } from '../models/damaged-list.tsx';
import { StoredRuns } from './stored-runs.tsx';
import { Page, PageHead } from '../parts/page.tsx';
import { Sentence } from '../parts/text.tsx';
import { Rack } from '../parts/rack.tsx';

export function StartScreen({ route }: { readonly route: Extract<Route, { screen: 'start' }> }) {
  const [shelfOpen, setShelfOpen] = useState(false);
  return (
    <Page>
      <PageHead title="Teach a small model to write Python that passes.">
        <Sentence>
          It answers each problem several times, a sandbox runs the answers, and what passes becomes
          the gradient. All of it on this machine: nothing is installed, nothing is sent.
        </Sentence>
      </PageHead>
      <Unfinished />
      <Rack>
        <DeviceCard />
        <ModelCard route={route} open={shelfOpen} onToggle={() => setShelfOpen((open) => !open)} />
        {shelfOpen && <ModelShelf route={route} />}
        <DataCard route={route} />
        <MethodChoice route={route} />
        <Launch key={route.model} route={route} />
      </Rack>
      <StoredRuns />
      <DamagedList />
    </Page>
  );
}
