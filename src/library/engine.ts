/**
 * The WebGPU engine: load a model, generate, score, train LoRA adapters.
 *
 * @example Score tokens with a model on a web server
 *
 * ```ts
 * import { httpSource, openEngine } from 'afterthought/engine';
 *
 * const engine = await openEngine({
 *   gpu: navigator.gpu,
 *   source: httpSource('/models/nano/'),
 *   weights: null,
 * });
 * const [score] = await engine.score([{ ids: [5, 17, 42], promptLength: 1, adapter: 'none' }]);
 * ```
 *
 * @module engine
 */
export { openEngine, GpuEngine, type OpenEngineOptions } from '../model/gpu-engine.ts';
export {
  LORA_TARGETS,
  type AdapterName,
  type AdapterTensors,
  type Aggregation,
  type Completion,
  type Engine,
  type GenerateRequest,
  type LoraConfig,
  type LoraTarget,
  type LossOptions,
  type OptimizerOptions,
  type Score,
  type ScoreRequest,
  type TeacherTokens,
  type TokenColumns,
  type TrainableName,
  type TrainResult,
  type TrainSequence,
} from '../model/engine.ts';
export { httpSource } from '../model/weights/http-source.ts';
export type { FileSource } from '../model/weights/source.ts';
export { blobSource } from '../storage/blob-source.ts';
export { loadTokenizer, type Pieces, type Tokenizer } from '../model/text/tokenizer.ts';
export { loadChatTemplate, type ChatMessage, type ChatTemplate } from '../model/text/chat.ts';
export { readAdapter, writeAdapter, type Adapter } from '../model/weights/peft.ts';
