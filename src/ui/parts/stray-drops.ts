/**
 * A file that is dropped beside a field for files would be opened in place of the page, and take a
 * run with it: such drops are refused. Fields have called preventDefault before the event arrives
 * here.
 */
export function refuseStrayDrops(page: Window): void {
  for (const type of ['dragover', 'drop'] as const) {
    page.addEventListener(type, (event) => {
      if (event.defaultPrevented) return;
      event.preventDefault();
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'none';
    });
  }
}
