import { REPORT_ARCHIVE } from '../../schema/report.ts';

/** Characters decoded at a time: whole groups of four. */
const PORTION = 2 ** 22;

/** The archive that a report holds; null where the document is none. */
export function reportArchive(document: Document): Blob | null {
  const { id, type } = REPORT_ARCHIVE;
  const text = document.querySelector(`script#${id}[type="${type}"]`)?.textContent;
  if (text == null) return null;
  const parts: BlobPart[] = [];
  for (let at = 0; at < text.length; at += PORTION) {
    parts.push(Uint8Array.from(atob(text.slice(at, at + PORTION)), (char) => char.charCodeAt(0)));
  }
  return new Blob(parts, { type });
}
