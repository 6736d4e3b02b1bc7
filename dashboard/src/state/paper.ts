/**
 * Paper: light whatever the screen is, as wide as a sheet, with what is out of sight too. It is laid out and drawn within
 * `beforeprint`; see charts/frames.ts.
 */
import { signal, type ReadonlySignal } from "@preact/signals";
import { options } from "preact";
import { hurry } from "../charts/frames";

const printed = signal(false);
/** Whether the page is being printed. */
export const paper: ReadonlySignal<boolean> = printed;

function lay(now: boolean): void {
  // Effects of components, which else wait for a frame too.
  if (now) Reflect.set(options, "requestAnimationFrame", queueMicrotask.bind(globalThis));
  else Reflect.deleteProperty(options, "requestAnimationFrame");
  document.documentElement.classList.toggle("paper", now);
  printed.value = now;
  hurry(now);
}

addEventListener("beforeprint", () => lay(true));
addEventListener("afterprint", () => lay(false));
