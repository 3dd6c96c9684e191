/** The sentence of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}

/** The store could not take more bytes: the run pauses, what is stored stays. */
export class StorageFullError extends Error {
  override readonly name = 'StorageFullError';
}
