/** When nothing else is to be done: what is on the first screen is drawn in slices, which would else take turns with it. */

/** So long at most unless said, where the page is never without work. */
const LEISURE_MS = 500;

export function leisure(most = LEISURE_MS): Promise<void> {
  return new Promise((resolve) => {
    if (typeof requestIdleCallback === "undefined") setTimeout(resolve);
    else requestIdleCallback(() => resolve(), { timeout: most });
  });
}
