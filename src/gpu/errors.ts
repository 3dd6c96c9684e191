/**
 * The GPU device went away (reset, driver update, `destroy()`): reopen it and restore the last
 * checkpoint.
 */
export class DeviceLostError extends Error {
  override readonly name = 'DeviceLostError';
  /** Its driver said that memory had run out. */
  get outOfMemory(): boolean {
    return /out.?of.?(device.?|host.?)?memory/i.test(this.message);
  }
}

/**
 * An allocation did not succeed. `bytes` is what was asked for, `allocated` what the lab held at
 * that moment.
 */
export class OutOfGpuMemoryError extends Error {
  override readonly name = 'OutOfGpuMemoryError';
  constructor(
    readonly label: string,
    readonly bytes: number,
    readonly allocated: number,
    advice = 'Close other tabs that use the GPU, or choose fewer completions, shorter answers or a smaller model.',
  ) {
    const mib = (n: number) => `${Math.ceil(n / 2 ** 20)} MiB`;
    super(
      `The GPU has no room for ${label} (${mib(bytes)}; ${mib(allocated)} are in use already). ` +
        advice,
    );
  }

  /** The same with other advice. */
  with(advice: string): OutOfGpuMemoryError {
    return new OutOfGpuMemoryError(this.label, this.bytes, this.allocated, advice);
  }
}

/** A kernel's WGSL does not compile on this device; the message shows where. */
export class ShaderError extends Error {
  override readonly name = 'ShaderError';
}
