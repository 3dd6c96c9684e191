/**
 * Puts a shader together from files, and finds the file again that an error is in. Each file
 * declares the storage bindings and the fields of `struct Params` that it reads; the fields of all
 * files become one struct. That is the only text processing.
 */
import pieceText from '../../shaders/lib/piece.wgsl';
import { ShaderError } from './errors.ts';
import type { BindingInfo, ParamInfo } from './kernel.ts';

/** A WGSL file. */
export interface ShaderPart {
  /** Its path in the repository, for errors. */
  readonly file: string;
  readonly text: string;
}

/** The parameters' binding and the place in the grid, which every shader has. */
const PIECE: ShaderPart = { file: 'shaders/lib/piece.wgsl', text: pieceText };

const BINDING =
  /@group\(0\)\s*@binding\((\d+)\)\s*var<storage,\s*(read|read_write)>\s*(\w+)\s*:\s*array<[^;]+>;/g;
const PARAMS = /struct Params\s*{([^}]*)}/g;
const FIELD = /(\w+)\s*:\s*(u32|i32|f32)/g;

/** Bindings and parameters that files declare, in order. */
export function declarations(parts: readonly ShaderPart[]): {
  readonly bindings: BindingInfo[];
  readonly params: ParamInfo[];
} {
  const text = parts.map((part) => part.text).join('\n');
  const bindings = Array.from(
    text.matchAll(BINDING),
    ([, binding = '', access, name = '']): BindingInfo => ({
      binding: Number(binding),
      access: access === 'read' ? 'read' : 'read_write',
      name,
    }),
  );
  const params = [...text.matchAll(PARAMS)].flatMap(([, body = '']) =>
    Array.from(body.matchAll(FIELD), ([, name = '', type]) => ({
      name,
      type: type as ParamInfo['type'],
    })),
  );
  return { bindings, params };
}

export interface Assembled {
  readonly code: string;
  /** The file and its line (both from 1) that a line of the code is; null: of the prelude. */
  locate(line: number): { readonly file: string; readonly line: number } | null;
}

/** The shader of these files behind a prelude, line by line. */
export function assemble(parts: readonly ShaderPart[], prelude: readonly string[]): Assembled {
  const fields = declarations(parts).params.map(({ name, type }) => `${name}: ${type}`);
  const lines = [...prelude, `struct Params { ${fields.join(', ')} }`];
  const starts: { readonly file: string; readonly first: number }[] = [];
  for (const { file, text } of [PIECE, ...parts]) {
    starts.push({ file, first: lines.length + 1 });
    // As many lines as before, so that they keep their numbers.
    lines.push(...text.replace(PARAMS, (struct) => struct.replace(/[^\n]/g, '')).split('\n'));
  }
  return {
    code: lines.join('\n'),
    locate(line) {
      const part = starts.findLast(({ first }) => first <= line);
      return part ? { file: part.file, line: line - part.first + 1 } : null;
    },
  };
}

/**
 * Waits for the compiler. An error names the kernel, the file, its line and column, and shows the
 * line with a caret; null where it compiles.
 */
export async function shaderError(
  module: GPUShaderModule,
  name: string,
  { code, locate }: Assembled,
): Promise<ShaderError | null> {
  const { messages } = await module.getCompilationInfo();
  const errors = messages.filter(({ type }) => type === 'error');
  if (errors.length === 0) return null;
  const lines = code.split('\n');
  const reports = errors.map(({ lineNum, linePos, message }) => {
    const place = locate(lineNum);
    const where = place
      ? `${place.file}:${place.line}:${linePos}`
      : `prelude:${lineNum}:${linePos}`;
    const source = lines[lineNum - 1];
    if (source === undefined || lineNum === 0) return message; // the compiler names no place
    const [first, ...more] = message.split('\n'); // what else could have been meant comes last
    const caret = ' '.repeat(Math.max(0, linePos - 1)) + '^';
    return [`${where}: ${first}`, source, caret, ...more].join('\n');
  });
  return new ShaderError(`The shader of kernel ${name} does not compile.\n${reports.join('\n')}`);
}
