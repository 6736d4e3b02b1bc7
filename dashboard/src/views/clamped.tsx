/** Texts of programs may be 10 kB long: a few lines of them, and all of it where somebody asks. */
import { useSignal, type Signal } from "@preact/signals";
import type { JSX, RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Coded } from "./coded";

/** Whether something inside of `element` does not fit, now and after a change of its width. */
export function useCut(element: RefObject<HTMLElement | null>, cut: Signal<boolean>, open: boolean, what: string): void {
  useLayoutEffect(() => {
    const host = element.current;
    if (!host || open) return undefined;
    const measure = (): void => {
      const parts = [host, ...host.querySelectorAll<HTMLElement>(".clamped")];
      cut.value = parts.some((part) => part.classList.contains("clamped") && part.scrollHeight > part.clientHeight + 1);
    };
    measure();
    if (typeof ResizeObserver === "undefined") return undefined;
    const observer = new ResizeObserver(measure);
    observer.observe(host);
    return () => observer.disconnect();
  }, [open, what]);
}

interface ClampedProps {
  readonly text: string;
  readonly lines?: number;
  /** Of swept itself, which sets what is typed in backticks; names and reasons of programs are as they are. */
  readonly coded?: boolean;
}

export function Clamped({ text, lines = 3, coded = false }: ClampedProps): JSX.Element {
  const element = useRef<HTMLSpanElement>(null);
  const cut = useSignal(false);
  const open = useSignal(false);
  useCut(element, cut, open.value, text);
  return (
    <>
      <span class={open.value ? "" : "clamped"} style={{ "--lines": lines }} ref={element}>{coded ? <Coded text={text} /> : text}</span>
      {cut.value && <ShowAll open={open} />}
    </>
  );
}

/** Shorter texts need not be measured. */
const LONG = 100;

/** A value in a table or a list, where most are short. */
export function Excerpt({ text }: { readonly text: string }): JSX.Element {
  return text.length > LONG ? <Clamped text={text} /> : <>{text}</>;
}

export function ShowAll({ open }: { readonly open: Signal<boolean> }): JSX.Element {
  return <button type="button" class="link" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>{open.value ? "show less" : "show all"}</button>;
}
