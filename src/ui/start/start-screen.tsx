import type { Route } from '../../state/route.ts';
import { usePreset } from '../hooks.ts';
import { DeviceCard } from './device-card.tsx';
import { Launch } from './launch.tsx';
import { MethodChoice } from './method-choice.tsx';
import { Unfinished } from './unfinished.tsx';
import { StoredRuns } from './stored-runs.tsx';
import './start.css';

export function StartScreen({ route: { method } }: { readonly route: Extract<Route, { screen: 'start' }> }) {
  const preset = usePreset(method);
  const model = preset.state === 'ready' ? preset.data : null;
  return (
    <main id="main" tabIndex={-1} className="page start">
      <div className="start-head">
        <h1 className="title">Teach a small model to write Python that passes.</h1>
        <p className="sentence">
          It answers each problem several times, a sandbox runs the answers, and what passes becomes the gradient. All of
          it on this machine: nothing is installed, nothing is sent.
        </p>
      </div>
      <Unfinished />
      <div className="rack">
        <DeviceCard />
        <section className="module" aria-labelledby="model-title">
          <h2 className="label" id="model-title">
            Model
          </h2>
          <p className="module-name">nano</p>
          <p className="module-text">
            Embedded: about a million parameters in the Qwen2 architecture, with its own tokenizer. Nothing to download.
          </p>
          <dl className="facts">
            <Fact name="Adapter" value={model ? `LoRA, rank ${model.lora.rank}, α ${model.lora.alpha}` : '–'} />
            <Fact name="Answer" value={model ? `up to ${model.maxTokens} tokens` : '–'} />
          </dl>
        </section>
        <section className="module" aria-labelledby="data-title">
          <h2 className="label" id="data-title">
            Data
          </h2>
          <p className="module-name">starter</p>
          <p className="module-text">
            Python problems of the project’s own. Some asserts are shown to the model; hidden ones must pass too.
          </p>
          <dl className="facts">
            <Fact name="Reward" value="1 if all asserts pass, else 0" />
            <Fact name="Training" value={model ? `${model.train} problems` : '–'} />
            <Fact name="Test" value={model ? (model.test > 0 ? `${model.test} held out` : 'none in this run') : '–'} />
          </dl>
        </section>
        <MethodChoice chosen={method} />
        <Launch method={method} />
      </div>
      <StoredRuns />
    </main>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
