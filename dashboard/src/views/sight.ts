/**
 * What is on the screen. A brush changes every panel, and its frame is for those that people see: charts out of sight are drawn
 * when they are scrolled to, and what is read in other ways too, by screen readers and searches, follows in a pause.
 */
import { effect, signal, useSignal, type ReadonlySignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { leisure } from "../leisure";
import { paper } from "../state/paper";

/** So far beyond the screen charts are drawn already, so that scrolling shows no empty ones. */
const MARGIN = 300;
/** Milliseconds without a change are a pause. */
const QUIET = 120;

export interface Sight {
  readonly seen: ReadonlySignal<boolean>;
  stop(): void;
}

/** Whether the element is on the screen or near it; for printing everything is. */
export function inSight(element: HTMLElement): Sight {
  const { top, bottom } = element.getBoundingClientRect();
  const seen = signal(typeof IntersectionObserver === "undefined" || (top < innerHeight + MARGIN && bottom > -MARGIN));
  if (typeof IntersectionObserver === "undefined") return { seen, stop: () => undefined };
  let on = seen.peek();
  const observer = new IntersectionObserver((entries) => {
    on = entries.at(-1)?.isIntersecting ?? true;
    seen.value = on || paper.peek();
  }, { rootMargin: `${MARGIN}px` });
  observer.observe(element);
  const unprinted = effect(() => {
    seen.value = paper.value || on;
  });
  return {
    seen,
    stop: () => {
      observer.disconnect();
      unprinted();
    },
  };
}

/** `source` as it was in the last pause, as long as the element is out of sight and `hurry` stays the same. */
export function useUnhurried<T>(
  element: RefObject<HTMLElement | null>,
  source: ReadonlySignal<T>,
  hurry: ReadonlySignal<unknown>,
): ReadonlySignal<T> {
  const shown = useSignal(source.peek());
  useLayoutEffect(() => {
    if (!element.current) return undefined;
    const sight = inSight(element.current);
    let before: unknown;
    let pause: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    const follow = (): void => {
      if (!over) shown.value = source.peek();
    };
    const stop = effect(() => {
      const now = source.value;
      const urgent = sight.seen.value || before !== hurry.value;
      before = hurry.value;
      clearTimeout(pause);
      if (urgent) shown.value = now;
      else pause = setTimeout(() => void leisure().then(follow), QUIET);
    });
    return () => {
      over = true;
      clearTimeout(pause);
      stop();
      sight.stop();
    };
  }, [source]);
  return shown;
}
