/** The keyboard of a page. Keys mean something only where nobody writes and no chart has the focus. */
import { useLayoutEffect } from "preact/hooks";

/** Where keys are letters. */
export const WRITING = "input:not([type=checkbox], [type=range]), select, textarea, [contenteditable]";

export interface Keys {
  search(): void;
  move(by: number): void;
  open(): void;
  choose(): void;
  clear(): void;
}

export function useKeys(keys: Keys): void {
  // Not after the paint: a key that is pressed as soon as the page is seen is not lost.
  useLayoutEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
      const at = event.target instanceof Element ? event.target : null;
      const writing = at?.closest(WRITING);
      if (writing) {
        if (event.key === "Escape" && writing instanceof HTMLElement) writing.blur();
        return;
      }
      const act = meaning(event, at, keys);
      if (!act) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  });
}

function meaning(event: KeyboardEvent, at: Element | null, keys: Keys): (() => void) | null {
  switch (event.key) {
    case "/": return () => keys.search();
  }
  // A chart has arrows and Escape of its own.
  if (at?.closest(".chart")) return null;
  const control = at?.closest("button, a, summary, input") !== null && at !== null;
  switch (event.key) {
    case "j": return () => keys.move(1);
    case "k": return () => keys.move(-1);
    case "ArrowDown": return control ? null : () => keys.move(1);
    case "ArrowUp": return control ? null : () => keys.move(-1);
    case "Enter": return control ? null : () => keys.open();
    case "x": return () => keys.choose();
    case "Escape": return () => keys.clear();
    default: return null;
  }
}
