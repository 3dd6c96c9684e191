import { useLabState } from '../hooks.ts';
import { DeviceCard } from './device-card.tsx';
import { Launch } from './launch.tsx';
import { Unfinished } from './unfinished.tsx';
import { StoredRuns } from './stored-runs.tsx';
import './start.css';

export function StartScreen() {
  const model = useLabState((state) => (state.preset.state === 'ready' ? state.preset.data : null));
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
        <section className="module" aria-labelledby="method-title">
          <h2 className="label" id="method-title">
            Method
          </h2>
          <p className="module-name">GRPO</p>
          <p className="module-text">
            Several answers to one problem are graded together: those better than the group’s mean become likelier.
          </p>
          <dl className="facts">
            <Fact name="Loss" value={model ? `${model.loss.aggregation}, clip ${model.loss.epsLow} / ${model.loss.epsHigh}` : '–'} />
            <Fact name="Reward" value="1 if all asserts pass, else 0" />
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
            <Fact name="Training" value={model ? `${model.train} problems` : '–'} />
            <Fact name="Test" value={model ? (model.test > 0 ? `${model.test} held out` : 'none in this run') : '–'} />
          </dl>
        </section>
        <Launch />
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
