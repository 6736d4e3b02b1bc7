/** The view in the address, and back: what one sees can be sent to somebody, and the back button undoes a brush. */
import { batch, effect } from "@preact/signals";
import { address, beforeLeaving, go, linkTo, type Place } from "../router";
import type { Brush, Brushes } from "../types";
import { USUAL, type Sort } from "./rows";
import type { Selection } from "./selection";

/** A drag is one step of the history, not fifty. */
const SETTLED_MS = 400;

export interface View {
  readonly brushes: Brushes;
  readonly filter: string;
  readonly top: number | null;
  readonly afterwards: boolean;
  readonly colourBy: string;
  readonly metric: string;
  readonly step: number | null;
  readonly chosen: readonly string[];
  readonly axes: readonly string[];
  readonly flipped: ReadonlySet<string>;
  readonly parameter: string;
  readonly sort: Sort;
}

/** Names may hold anything, so commas in them are written as `%2C` once more. */
const listed = (names: Iterable<string>): string => [...names].map((name) => name.replace(/[%,]/gu, encodeURIComponent)).join(",");
const unlisted = (text: string | null): string[] => (text ? text.split(",").map((name) => {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}) : []);

export function written(view: View): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, brush] of view.brushes) {
    // With all digits: an axis' own end is that of the run that lies there.
    query.set(`b.${name}`, brush.map(([low, high]) => `${low}~${high}`).join(","));
  }
  if (view.filter.trim()) query.set("q", view.filter);
  if (view.top !== null) query.set("top", String(view.top));
  if (view.afterwards) query.set("later", "1");
  if (view.colourBy !== "value") query.set("by", view.colourBy);
  if (view.metric) query.set("metric", view.metric);
  if (view.step !== null) query.set("step", String(view.step));
  if (view.chosen.length) query.set("pick", listed(view.chosen));
  if (view.axes.length) query.set("axes", listed(view.axes));
  if (view.flipped.size) query.set("flip", listed(view.flipped));
  if (view.parameter) query.set("slice", view.parameter);
  // Which way comes first: a name may hold anything.
  if (view.sort.by) query.set("sort", `${view.sort.down ? "down" : "up"}.${view.sort.by}`);
  return query;
}

function sortOf(text: string | null): Sort {
  const [, way, by] = /^(up|down)\.(.+)$/su.exec(text ?? "") ?? [];
  return by === undefined ? USUAL : { by, down: way === "down" };
}

export function viewOf(query: URLSearchParams): View {
  const brushes = new Map<string, Brush>();
  for (const [key, text] of query) {
    if (!key.startsWith("b.")) continue;
    const brush = text.split(",").flatMap((range) => {
      const [low, high] = range.split("~").map(Number);
      return low !== undefined && high !== undefined && low <= high ? [[low, high] as const] : [];
    });
    if (brush.length) brushes.set(key.slice(2), brush);
  }
  return {
    brushes, filter: query.get("q") ?? "", top: whole(query.get("top")), afterwards: query.get("later") === "1", colourBy: query.get("by") ?? "value",
    metric: query.get("metric") ?? "", step: whole(query.get("step")), chosen: unlisted(query.get("pick")),
    axes: unlisted(query.get("axes")), flipped: new Set(unlisted(query.get("flip"))), parameter: query.get("slice") ?? "",
    sort: sortOf(query.get("sort")),
  };
}

function whole(text: string | null): number | null {
  const value = Number(text);
  return text && Number.isFinite(value) && value >= 0 ? Math.floor(value) : null;
}

/** Keeps selection and address the same, from when the board is there. Returns how to stop. */
export function bind(selection: Selection, place: Place): () => void {
  const { runs } = selection;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let taken = "";
  const own = (): View => ({
    brushes: selection.brushes.value, filter: selection.filter.value, top: selection.top.value, afterwards: selection.afterwards.value,
    colourBy: selection.colourBy.value, metric: selection.metric.value, step: selection.step.value,
    chosen: [...selection.chosen.value].flatMap((row) => runs.board.peek()?.ids[row] ?? []), axes: selection.axes.value,
    flipped: selection.flipped.value, parameter: selection.parameter.value, sort: selection.sort.value,
  });
  const take = (query: URLSearchParams): void => {
    const view = viewOf(query);
    taken = written(view).toString();
    batch(() => {
      selection.brushes.value = view.brushes;
      selection.filter.value = view.filter;
      selection.top.value = view.top;
      selection.afterwards.value = view.afterwards;
      selection.colourBy.value = view.colourBy;
      selection.metric.value = view.metric;
      selection.step.value = view.step;
      selection.chosen.value = new Set(view.chosen.flatMap((id) => runs.board.peek()?.rows.get(id) ?? []));
      selection.axes.value = view.axes;
      selection.flipped.value = view.flipped;
      selection.parameter.value = view.parameter;
      selection.sort.value = view.sort;
    });
  };
  const stopReading = effect(() => {
    const { query, place: now } = address.value;
    if (now.view !== place.view || written(viewOf(query)).toString() === taken) return;
    take(query);
  });
  let pressed = false;
  let due = "";
  const write = (): void => {
    if (due === taken) return;
    taken = due;
    go(linkTo(place) + (due ? `?${due}` : ""));
  };
  const settle = (): void => {
    if (!pressed) write();
  };
  const stopLeaving = beforeLeaving(() => {
    if (address.peek().place.view === place.view) write();
  });
  const stopWriting = effect(() => {
    due = written(own()).toString();
    clearTimeout(timer);
    if (due !== taken) timer = setTimeout(settle, SETTLED_MS);
  });
  const down = (): void => {
    pressed = true;
  };
  const up = (): void => {
    pressed = false;
    if (due !== taken) timer = setTimeout(settle, SETTLED_MS);
  };
  addEventListener("pointerdown", down, true);
  addEventListener("pointerup", up, true);
  addEventListener("pointercancel", up, true);
  return () => {
    removeEventListener("pointerdown", down, true);
    removeEventListener("pointerup", up, true);
    removeEventListener("pointercancel", up, true);
    clearTimeout(timer);
    stopLeaving();
    stopReading();
    stopWriting();
  };
}
