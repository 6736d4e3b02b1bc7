/**
 * When charts draw: in the next frame. A browser that prints makes no frame between `beforeprint` and the picture that it
 * takes, so that while the page is printed they draw at once, whole, as sharp as paper is, in the size that they have there.
 */

const due = new Map<number, () => void>();
const measures = new Set<() => void>();
let last = 0;
let hurried = false;

/** Does it with the next frame; the number drops it. */
export function nextFrame(act: () => void): number {
  const own = ++last;
  const run = (): void => {
    if (due.delete(own)) act();
  };
  due.set(own, run);
  if (hurried) queueMicrotask(run);
  else requestAnimationFrame(run);
  return own;
}

export function drop(frame: number): void {
  due.delete(frame);
}

/** Whether there will be no other frame. */
export function inHurry(): boolean {
  return hurried;
}

export function hurry(now: boolean): void {
  hurried = now;
  for (const measure of measures) measure();
  if (now) for (const run of [...due.values()]) run();
}

/** Calls `measure` when the element may have another size; what it returns ends that. */
export function whenSized(element: HTMLElement, measure: () => void): () => void {
  const observer = new ResizeObserver(measure);
  observer.observe(element);
  measures.add(measure);
  return () => {
    observer.disconnect();
    measures.delete(measure);
  };
}

/** Device pixels a CSS pixel. */
export function pixelRatio(): number {
  const { devicePixelRatio: ratio = 1 } = globalThis;
  return hurried ? Math.max(2, ratio) : ratio || 1;
}
