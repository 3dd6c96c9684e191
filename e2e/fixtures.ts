import { chromium, expect, test as base, type BrowserContext, type Page } from '@playwright/test';

/**
 * `complaints`: every error and warning the page wrote to its console, and every exception nobody
 * caught.
 */
export const test = base.extend<{ complaints: string[] }>({
  complaints: async ({ page }, use) => {
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await use(complaints);
  },
});
export { expect };

/**
 * Starts a short run from the Start screen, of GRPO unless another method is named, and waits for
 * its screen.
 */
export async function startRun(
  page: Page,
  settings: Readonly<Record<string, string>>,
  method?: string,
): Promise<void> {
  await page.goto('/');
  if (method !== undefined) await page.getByRole('radio', { name: method, exact: true }).check();
  for (const [label, value] of Object.entries(settings))
    await page.getByLabel(label, { exact: true }).fill(value);
  await page.getByRole('button', { name: 'Start training' }).click();
  await page.waitForURL(/#\/run\//, { timeout: 180_000 });
}

/** Waits until at least `steps` updates have been applied, by what the curves show. */
export async function updates(page: Page, steps: number, timeout = 150_000): Promise<void> {
  const caption = page.locator('[data-curve="reward"] figcaption');
  const shown = async () =>
    Number(/step (\d+)/.exec((await caption.textContent()) ?? '')?.[1] ?? 0);
  await expect
    .poll(shown, { timeout, message: `steps finished, of ${steps} waited for` })
    .toBeGreaterThanOrEqual(steps);
}

/** A browser with a profile on disk, for flows in which it is killed and started again. */
export function browserWith(
  profile: string,
  options: { readonly webgpu: boolean },
): Promise<BrowserContext> {
  const { launchOptions, baseURL, viewport } = base.info().project.use;
  return chromium.launchPersistentContext(profile, {
    ...launchOptions,
    ...(baseURL === undefined ? {} : { baseURL }),
    viewport: viewport ?? null,
    args: (launchOptions?.args ?? []).filter(
      (arg) => options.webgpu || arg !== '--enable-unsafe-webgpu',
    ),
  });
}
