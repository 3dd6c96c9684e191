/** Hands `text` to the browser as a file. */
export function download(name: string, text: string, type: 'application/json' | 'text/csv'): void {
  save(name, new Blob([text], { type }));
}

/** Hands `blob` to the browser as a file. */
export function save(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000); // the browser reads it after the click
}
