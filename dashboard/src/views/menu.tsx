/** A small menu behind a button: it closes by Escape, by a press elsewhere, and when the focus goes on. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

export interface MenuProps {
  readonly label: string;
  readonly title?: string;
  readonly disabled?: boolean;
  readonly children: ComponentChildren;
}

export function Menu({ label, title, disabled = false, children }: MenuProps): JSX.Element {
  const element = useRef<HTMLDetailsElement>(null);
  const open = useSignal(false);
  useEffect(() => {
    if (!open.value) return undefined;
    const shut = (): void => {
      if (element.current) element.current.open = false;
    };
    const outside = (target: EventTarget | null): boolean => target instanceof Node && !element.current?.contains(target);
    const pressed = (event: PointerEvent): void => {
      if (outside(event.target)) shut();
    };
    const left = (event: FocusEvent): void => {
      if (outside(event.relatedTarget)) shut();
    };
    const typed = (event: KeyboardEvent): void => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      event.preventDefault(); // for the page it means another thing
      const inside = !outside(document.activeElement);
      shut();
      if (inside) element.current?.querySelector("summary")?.focus();
    };
    document.addEventListener("pointerdown", pressed, true);
    document.addEventListener("keydown", typed, true);
    element.current?.addEventListener("focusout", left);
    const menu = element.current;
    return () => {
      document.removeEventListener("pointerdown", pressed, true);
      document.removeEventListener("keydown", typed, true);
      menu?.removeEventListener("focusout", left);
    };
  }, [open.value]);
  return (
    <details class="menu" title={title} ref={element} onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary aria-disabled={disabled}>{label}</summary>
      {!disabled && <div>{children}</div>}
    </details>
  );
}
