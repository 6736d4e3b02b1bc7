/** TanStack's virtualiser for Preact: only the rows in sight are elements. */
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer, type VirtualizerOptions } from "@tanstack/virtual-core";
import { useLayoutEffect, useReducer, useState } from "preact/hooks";

type Options = Pick<VirtualizerOptions<HTMLElement, HTMLElement>, "count" | "getScrollElement" | "estimateSize" | "overscan" | "scrollPaddingStart">;

export function useVirtualizer(options: Options): Virtualizer<HTMLElement, HTMLElement> {
  const [, redraw] = useReducer((count: number, _: void) => count + 1, 0);
  const whole: VirtualizerOptions<HTMLElement, HTMLElement> = {
    observeElementRect, observeElementOffset, scrollToFn: elementScroll, ...options, onChange: () => redraw(undefined),
  };
  const [virtualizer] = useState(() => new Virtualizer(whole));
  virtualizer.setOptions(whole);
  useLayoutEffect(() => virtualizer._didMount(), []);
  useLayoutEffect(() => virtualizer._willUpdate());
  return virtualizer;
}
