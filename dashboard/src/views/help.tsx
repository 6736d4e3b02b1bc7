/** What the keys do, and how one logs in: dialogs, which the browser closes with Escape. */
import { signal, type Signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { askSession, loginAsked } from "../state/page";
import { WRITING } from "./keys";

export const helpAsked = signal(false);

const KEYS: readonly (readonly [string, string])[] = [
  ["/", "filter the runs"],
  ["j k ↓ ↑", "through the runs, in the table's order"],
  ["Enter", "opens the run"],
  ["x", "chooses it, for comparison"],
  ["Esc", "forgets the run, then clears brushes and filter"],
  ["Tab", "to the next chart or axis; arrows work there; on an axis b brushes, f flips, h hides, Delete removes the brush"],
  ["?", "this help"],
];

export function Help(): JSX.Element {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (event.target instanceof Element && event.target.closest(WRITING)) return;
      event.preventDefault();
      helpAsked.value = true;
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
  return (
    <Dialog shown={helpAsked} title="Keyboard and filter">
      <dl>{KEYS.map(([key, what]) => <><dt>{key.split(" ").map((one) => <><kbd>{one}</kbd> </>)}</dt><dd>{what}</dd></>)}</dl>
      <p>The filter takes comparisons, <code>and</code>, <code>or</code>, <code>not</code> and brackets, or plain words:</p>
      <pre>value &gt; 0.7 and optimizer = "SGD" and not state:failed</pre>
      <p class="muted">Drag on an axis to brush it, with Shift for a second range. Drag its title to move it. What you see is in the
        address: send it, or go back with the browser's button.</p>
    </Dialog>
  );
}

export function Login(): JSX.Element {
  return (
    <Dialog shown={loginAsked} title="Not logged in">
      <p>Changing something needs a login. On the server's machine, in the project's folder, this prints a link that logs a browser in:</p>
      <pre>swept dashboard</pre>
      <p><button type="button" onClick={() => void askSession().then(() => (loginAsked.value = false))}>I am logged in now</button></p>
    </Dialog>
  );
}

function Dialog({ shown, title, children }: { readonly shown: Signal<boolean>; readonly title: string; readonly children: ComponentChildren }): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  const dismiss = (): void => {
    shown.value = false;
  };
  // At once, and whatever the element was: keys and clicks of the next moment are meant for what has been asked for.
  const wanted = shown.value;
  useLayoutEffect(() => {
    const dialog = element.current;
    if (!wanted) dialog?.close();
    else if (!dialog?.open) dialog?.showModal();
  });
  // The browser tells with the next frame only that it has closed one; by then somebody may have asked for it again.
  return (
    <dialog ref={element} aria-label={title} onCancel={dismiss} onClose={() => {
      if (!element.current?.open) dismiss();
    }}>
      <h2>{title}</h2>
      {children}
      <form method="dialog" onSubmit={dismiss}><button>Close</button></form>
    </dialog>
  );
}
