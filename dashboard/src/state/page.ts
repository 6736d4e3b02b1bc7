/** What the whole page shares: light or dark, who is logged in, and a word that passes. */
import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { change, said, session } from "../data/source";
import { elided } from "../format";
import type { Liveness } from "../data/live";
import { paper } from "./paper";

const scheme = matchMedia("(prefers-color-scheme: dark)");
const darkness = signal(scheme.matches);
scheme.addEventListener("change", () => {
  darkness.value = scheme.matches;
});
export const dark: ReadonlySignal<boolean> = computed(() => darkness.value && !paper.value);

/** Of the view that is shown; null where it has no stream. */
export const liveness: Signal<Liveness | null> = signal(null);
/** What the bar says after the links: the name of what is shown. */
export const title: Signal<readonly { readonly text: string; readonly href?: string }[]> = signal([]);

const changing = signal(false);
export const mayChange: ReadonlySignal<boolean> = changing;
const asked = signal(false);
/** Whether it is known who looks at the page. */
export const sessionKnown: ReadonlySignal<boolean> = asked;
/** Shown while somebody who is not logged in wants to change something. */
export const loginAsked = signal(false);

export async function askSession(): Promise<void> {
  try {
    changing.value = (await session()).may_change;
  } catch {
    changing.value = false;
  }
  asked.value = true;
}

/** The browser forgets its session. Where reading needs one too, nothing stays on the screen. */
export async function logOut(): Promise<void> {
  try {
    await change("/logout", {});
    const { may_read: reads, may_change: changes } = await session();
    changing.value = changes;
    if (!reads) location.reload();
    else say("This browser is logged out.");
  } catch (error) {
    say(said(error).why);
  }
}

/** What passes is read in one look. */
const MOST_LETTERS = 300;

export const toast = signal("");
let fading: ReturnType<typeof setTimeout> | undefined;

export function say(text: string): void {
  toast.value = elided(text, MOST_LETTERS);
  clearTimeout(fading);
  fading = setTimeout(() => {
    toast.value = "";
  }, 4000);
}

/** Does what needs a login, or says how to log in. */
export async function withLogin(act: () => Promise<unknown>, done: string): Promise<void> {
  if (!mayChange.value) await askSession();
  if (!mayChange.value) {
    loginAsked.value = true;
    return;
  }
  try {
    await act();
    say(done);
  } catch (error) {
    const { why, hint } = said(error);
    say(hint ? `${why}. ${hint}` : why);
  }
}

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    say(`${what} copied`);
  } catch {
    say("the browser did not allow copying");
  }
}
