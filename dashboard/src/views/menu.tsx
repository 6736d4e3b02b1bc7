/** A small menu behind a button: it closes by Escape, by a press elsewhere, and when the focus goes on. */
import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

export interface MenuProps {
  readonly label: string;
  readonly title?: string;
  readonly disabled?: boolean;
  readonly children: ComponentChildren;
}

export function Menu({ label, title, disabled = false, children }: MenuProps): JSX.Element {
  const element = useRef<HTMLDetailsElement>(null);
  useLayoutEffect(() => {
    const menu = element.current;
    if (!menu) return undefined;
    const outside = (target: EventTarget | null): boolean => target instanceof Node && !menu.contains(target);
    const pressed = (event: PointerEvent): void => {
      if (outside(event.target)) menu.open = false;
    };
    const left = (event: FocusEvent): void => {
      if (outside(event.relatedTarget)) menu.open = false;
    };
    // The element is asked, and not its `toggle` event, which comes later: a key pressed in between is not lost.
    const typed = (event: KeyboardEvent): void => {
      if (!menu.open || event.key !== "Escape" || event.defaultPrevented) return;
      event.preventDefault(); // for the page it means another thing
      const inside = !outside(document.activeElement);
      menu.open = false;
      if (inside) menu.querySelector("summary")?.focus();
    };
    document.addEventListener("pointerdown", pressed, true);
    document.addEventListener("keydown", typed, true);
    menu.addEventListener("focusout", left);
    return () => {
      document.removeEventListener("pointerdown", pressed, true);
      document.removeEventListener("keydown", typed, true);
      menu.removeEventListener("focusout", left);
    };
  }, []);
  return (
    <details class="menu" title={title} ref={element}>
      <summary aria-disabled={disabled}>{label}</summary>
      {!disabled && <div>{children}</div>}
    </details>
  );
}
