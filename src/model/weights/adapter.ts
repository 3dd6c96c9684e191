/**
 * Adapters an engine can hold: the policy, Refl-KD's reflector, and a teacher that is neither (an
 * average of students).
 */
export type TrainableName = 'student' | 'reflector' | 'teacher';
export type AdapterName = 'none' | TrainableName;
/** What rows carry to choose one. */
export const ADAPTER_INDEX = {
  none: 0,
  student: 1,
  reflector: 2,
  teacher: 3,
} as const satisfies Record<AdapterName, number>;

export interface LoraConfig {
  readonly rank: number;
  readonly alpha: number;
  /** Of q, k, v, o, gate, up, down. */
  readonly targets: readonly LoraTarget[];
}
export type LoraTarget = 'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down';
export const LORA_TARGETS: readonly LoraTarget[] = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'];

/**
 * PEFT-named f32 tensors of one adapter:
 * `base_model.model.model.layers.N.<block>.<proj>.lora_{A,B}.weight`.
 */
export type AdapterTensors = Map<
  string,
  { readonly shape: readonly number[]; readonly data: Float32Array }
>;
