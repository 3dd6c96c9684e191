import { assemble, declarations, type ShaderPart } from './shader.ts';

/**
 * A kernel is data: its WGSL, what it needs in its prelude, its grid, and the slow, obvious CPU
 * reference that it is tested against. Storage bindings (`@group(0)`) and parameters (`struct
 * Params`) are read from the WGSL of the kernel and of its libraries, so that nothing is counted by
 * hand twice.
 */
export interface Kernel<P extends string = string> {
  /** That of its file, `shaders/NAME.wgsl`. */
  readonly name: string;
  /** The text of its file; libraries are put before it. */
  readonly wgsl: string;
  readonly lib?: readonly ShaderPart[];
  /**
   * Whether it needs subgroups of a fixed size, which the recorder gives it as the constant
   * SUBGROUP.
   */
  readonly subgroups?: true;
  /** Prelude constants with the values used where a dispatch gives none. */
  readonly constants?: Readonly<Record<string, number | boolean>>;
  /** Workgroups for these parameters. */
  grid(
    params: Readonly<Record<P, number>>,
    constants: Readonly<Record<string, number | boolean>>,
  ): Grid;
  /** Estimated floating-point operations of the whole grid, for cutting submits and dispatches. */
  cost(
    params: Readonly<Record<P, number>>,
    constants: Readonly<Record<string, number | boolean>>,
  ): number;
  /** Parameters that are there for `cost`; the WGSL has none of these names. */
  readonly estimates?: readonly string[];
  /** Computes the outputs in place, in double precision, from arrays keyed by binding name. */
  reference(
    io: ReferenceIo,
    params: Readonly<Record<P, number>>,
    constants: Readonly<Record<string, number | boolean>>,
  ): void;
  /** Inputs at awkward sizes; every kernel of the table is tested on all of its cases. */
  cases(): KernelCase<P>[];
  /** For a backward kernel: how to check it by finite differences of its forward reference. */
  readonly gradients?: readonly GradientCheck[];
  /**
   * `u32` bindings of which some words are the bits of floats: entries of `stride` words, floats at
   * `words`.
   */
  readonly floatWords?: Readonly<
    Record<string, { readonly stride: number; readonly words: readonly number[] }>
  >;
}

export type Grid = readonly [x: number, y: number, z: 1];

/** Float bindings as doubles; `u32` bindings (ids, row state, packed weights) as they are. */
export type ReferenceIo = Record<string, Float64Array | Uint32Array>;

export interface KernelCase<P extends string = string> {
  readonly title: string;
  readonly params: Readonly<Record<P, number>>;
  readonly constants?: Readonly<Record<string, number | boolean>>;
  /**
   * One array a binding; outputs hold their content before the dispatch. Further names serve
   * gradient checks only.
   */
  readonly io: Readonly<Record<string, Float32Array | Uint32Array>>;
  /** Absolute + relative tolerance; default 1e-4. */
  readonly tolerance?: number;
}

/**
 * The kernel under test, its `gradient` buffer zeroed before, must leave there the derivative of
 * `loss` with respect to `wrt`. Applies to every case that holds an array `wrt`.
 */
export interface GradientCheck {
  readonly gradient: string;
  /**
   * The array that is perturbed: a binding of the kernel, or an extra array of the case (an input
   * of the forward).
   */
  readonly wrt: string;
  /**
   * The forward's scalar loss, `wrt` replaced by the perturbed array and everything else from the
   * case.
   */
  loss(
    wrt: Float64Array,
    io: ReferenceIo,
    params: Readonly<Record<string, number>>,
    constants: Readonly<Record<string, number | boolean>>,
  ): number;
  /** False where a case's parameters ask for no gradient. */
  applies?(params: Readonly<Record<string, number>>): boolean;
}

export interface BindingInfo {
  readonly name: string;
  readonly binding: number;
  readonly access: 'read' | 'read_write';
}

export interface ParamInfo {
  readonly name: string;
  readonly type: 'u32' | 'i32' | 'f32';
}

/** The files of a kernel in their order: its libraries, then its own. */
export function partsOf(kernel: Kernel): ShaderPart[] {
  return [...(kernel.lib ?? []), { file: `shaders/${kernel.name}.wgsl`, text: kernel.wgsl }];
}

/** Storage bindings of a kernel and its libraries, in binding order. */
export function bindingsOf(kernel: Kernel): BindingInfo[] {
  const { bindings } = declarations(partsOf(kernel));
  const found = bindings.toSorted((a, b) => a.binding - b.binding);
  found.forEach(({ binding }, i) => {
    if (binding !== i)
      throw new Error(
        `Kernel ${kernel.name}: binding ${i} is ${binding < i ? 'declared twice' : 'missing'} in its WGSL.`,
      );
  });
  if (found.length > 8)
    throw new Error(`Kernel ${kernel.name} binds ${found.length} storage buffers; a stage has 8.`);
  return found;
}

/** Fields of `struct Params` of a kernel and its libraries, in order; all are 4 bytes wide. */
export function paramsOf(kernel: Kernel): ParamInfo[] {
  const { params } = declarations(partsOf(kernel));
  if (params.length === 0) throw new Error(`Kernel ${kernel.name} has no struct Params.`);
  const twice = params.find(({ name }, i) => params.findIndex((p) => p.name === name) !== i);
  if (twice) throw new Error(`Kernel ${kernel.name} declares the parameter ${twice.name} twice.`);
  return params;
}

/** The complete WGSL: prelude of constants, shared functions, kernel. */
export function shaderSource(
  kernel: Kernel,
  constants: Readonly<Record<string, number | boolean>>,
): string {
  return assemble(partsOf(kernel), prelude(kernel, constants)).code;
}

/** What stands before a kernel's files: a feature, and a `const` for each constant. */
export function prelude(
  kernel: Kernel,
  constants: Readonly<Record<string, number | boolean>>,
): string[] {
  return [
    ...(kernel.subgroups ? ['enable subgroups;'] : []),
    ...Object.entries({ ...kernel.constants, ...constants }).map(([name, value]) =>
      typeof value === 'boolean' ? `const ${name} = ${value};` : `const ${name} = ${value}u;`,
    ),
  ];
}

/**
 * Workgroups for `count` of them on two axes, since one axis ends at 65,535. Kernels take their
 * `workgroup_number`.
 */
export function flatGrid(count: number): Grid {
  const n = Math.max(1, count);
  if (n <= 65535) return [n, 1, 1];
  const y = Math.ceil(n / 65535);
  return [Math.ceil(n / y), y, 1];
}
