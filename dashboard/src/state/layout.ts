/** Which panels are open and how high they are, kept by the browser where it keeps anything. */
import { signal, type Signal } from "@preact/signals";

export interface PanelLayout {
  readonly open: boolean;
  readonly height: number | null;
  readonly wide: boolean | null;
}

const KEY = "swept:panels";

function stored(): Readonly<Record<string, PanelLayout>> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return value !== null && typeof value === "object" ? Object.fromEntries(Object.entries(value)) : {};
  } catch {
    return {};
  }
}

const panels: Signal<Readonly<Record<string, PanelLayout>>> = signal(stored());
const USUAL: PanelLayout = { open: true, height: null, wide: null };

export function layoutOf(id: string): PanelLayout {
  return { ...USUAL, ...panels.value[id] };
}

export function setLayout(id: string, change: Partial<PanelLayout>): void {
  panels.value = { ...panels.value, [id]: { ...layoutOf(id), ...change } };
  try {
    localStorage.setItem(KEY, JSON.stringify(panels.value));
  } catch {
    // A notebook's frame keeps nothing.
  }
}
