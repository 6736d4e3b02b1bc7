/** What each panel of a sweep's page draws, as signals: from the data and the one selection, recomputed where they change. */
import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { CurvesData } from "../charts/curves";
import type { HistoryData } from "../charts/history";
import type { ImportanceData } from "../charts/importance";
import type { PairData } from "../charts/pair";
import type { ParallelData } from "../charts/parallel";
import type { SliceData } from "../charts/slice";
import { parameterColumn } from "../data/board";
import type { SweepData } from "../data/sweep";
import { dark } from "../state/page";
import { labelsOf } from "../state/labels";
import { isFurther, Selection, type Runs } from "../state/selection";
import type { Board, Column, Curves, Fetched, Pair, Slice } from "../types";

/** More axes than this by default cannot be read; the menu has the others. */
const MOST_AXES = 16;

function ready<T>(fetched: Fetched<T>): T | null {
  return fetched.state === "ready" ? fetched.value : null;
}

export class SweepModel {
  readonly board: ReadonlySignal<Board | null>;
  readonly curves: ReadonlySignal<Curves | null>;
  readonly selection: Selection;
  /** The run that the keyboard is at. */
  readonly current = signal(-1);

  readonly curvesX: Signal<"step" | "time"> = signal("step");
  readonly logX = signal(false);
  readonly logY = signal(false);
  readonly smoothing = signal(0);
  readonly historyX: Signal<"number" | "ended"> = signal("number");
  readonly rank = signal(false);
  readonly slice: Signal<Fetched<Slice> | null> = signal(null);
  /** The second parameter that somebody asked for, or "". */
  readonly wanted = signal("");
  readonly pair: Signal<Fetched<Pair> | null> = signal(null);

  readonly curvesData: ReadonlySignal<CurvesData | null>;
  readonly historyData: ReadonlySignal<HistoryData | null>;
  readonly parallelData: ReadonlySignal<ParallelData | null>;
  readonly importanceData: ReadonlySignal<ImportanceData | null>;
  readonly sliceData: ReadonlySignal<SliceData | null>;
  readonly pairData: ReadonlySignal<PairData | null>;
  readonly second: ReadonlySignal<string>;
  /** All columns that can be an axis, those shown first. */
  readonly axes: ReadonlySignal<readonly Column[]>;
  readonly parameters: ReadonlySignal<readonly Column[]>;
  /** What columns are called, by their names; those that are not listed are missing. */
  readonly labels: ReadonlySignal<ReadonlyMap<string, string>>;
  readonly parameter: ReadonlySignal<string>;
  readonly longest: ReadonlySignal<number>;

  constructor(readonly data: SweepData) {
    this.board = computed(() => ready(data.board.value));
    this.curves = computed(() => ready(data.curves.value));
    const usual = computed(() => data.metrics.value[0] ?? "");
    const runs: Runs = {
      board: this.board, version: data.version, curves: this.curves, curvesVersion: data.curvesVersion, dark, usual,
    };
    const selection = new Selection(runs);
    this.selection = selection;
    data.replaced = (before, after) => {
      selection.moved(before, after);
      this.current.value = after.rows.get(before.ids[this.current.value] ?? "") ?? -1;
    };

    this.parameters = computed(() => [...selection.columns.value.values()].filter((column) => column.role === "parameter"));
    this.labels = computed(() => labelsOf(selection.columns.value.values()));
    this.axes = computed(() => {
      const columns = selection.columns.value;
      const named = selection.axes.value.flatMap((name) => columns.get(name) ?? []);
      return named.length ? named : usualAxes([...columns.values()], usual.value);
    });
    this.parameter = computed(() => {
      const wanted = selection.parameter.value;
      const board = this.board.value;
      if (!board) return "";
      if (wanted && parameterColumn(board, wanted)) return wanted;
      const ranked = ready(data.importance.value)?.rows.find((row) => row.inert === "" && row.share > 0)?.parameter;
      return ranked ?? this.parameters.value.find((column) => column.inert === "")?.label ?? "";
    });
    this.longest = computed(() => {
      data.curvesVersion.value;
      const curves = this.curves.value;
      let most = this.board.value?.head.full ?? 0;
      for (const step of curves?.steps ?? []) if (step > most) most = step;
      return Math.ceil(most);
    });

    this.curvesData = computed(() => {
      data.curvesVersion.value;
      const board = this.board.value;
      const curves = this.curves.value;
      if (!board || !curves) return null;
      return {
        board, curves: { ...curves }, shown: selection.shown.value, forecasts: data.forecasts.value, x: this.curvesX.value,
        logX: this.logX.value, logY: this.logY.value, smoothing: this.smoothing.value,
      };
    });
    this.historyData = computed(() => {
      const board = this.board.value;
      return board && {
        board: this.pictured(board), shown: selection.shown.value, x: this.historyX.value, logY: this.logY.value,
        brushes: selection.brushes.value,
      };
    });
    this.parallelData = computed(() => {
      const board = this.board.value;
      return board && {
        columns: this.axes.value, flipped: selection.flipped.value, n: board.n, brushes: selection.brushes.value,
        shown: selection.shown.value, title: board.head.name || board.head.id, effective: board.effective,
      };
    });
    this.importanceData = computed(() => {
      const importance = ready(data.importance.value);
      return importance && { importance, selected: this.parameter.value, dark: dark.value };
    });
    this.sliceData = computed(() => {
      const board = this.board.value;
      const parameter = this.parameter.value;
      const column = board && parameter ? parameterColumn(board, parameter) : undefined;
      if (!board || !column) return null;
      const fetched = this.slice.value;
      const slice = fetched?.state === "ready" && fetched.value.parameter === parameter ? fetched.value : null;
      return {
        board: this.pictured(board), parameter: column.name, slice, shown: selection.shown.value, brushes: selection.brushes.value,
        rank: this.rank.value, step: selection.step.value,
      };
    });
    this.second = computed(() => {
      const board = this.board.value;
      const wanted = this.wanted.value;
      return board && wanted !== this.parameter.value && parameterColumn(board, wanted) ? wanted : "";
    });
    this.pairData = computed(() => {
      const board = this.board.value;
      const [x, y] = board ? [parameterColumn(board, this.parameter.value), parameterColumn(board, this.second.value)] : [];
      if (!board || !x || !y) return null;
      const pair = this.pair.value?.state === "ready" ? this.pair.value.value : null;
      const asked = pair?.x.parameter === x.label && pair.y.parameter === y.label ? pair : null;
      return { board: this.pictured(board), x: x.name, y: y.name, pair: asked, shown: selection.shown.value };
    });
  }

  /** The board as it was at the chosen step. */
  private readonly stepped = computed(() => {
    const board = this.board.value;
    return board && this.selection.step.value !== null ? { ...board, columns: new Map(this.selection.columns.value) } : null;
  });

  private pictured(board: Board): Board {
    return this.stepped.value ?? board;
  }
}

/** Parameters that can act, in the file's order, then the objective; those that cannot act where there is room. */
/** `usual`: the metric whose curves are shown unasked. */
function usualAxes(columns: readonly Column[], usual: string): readonly Column[] {
  const parameters = columns.filter((column) => column.role === "parameter");
  const acting = parameters.filter((column) => column.inert === "");
  const shown = parameters.length < MOST_AXES ? parameters : acting.slice(0, MOST_AXES - 1);
  const value = columns.filter((column) => column.name === "value" && column.values.some((one) => !Number.isNaN(one)));
  if (value.length) return [...shown, ...value];
  // Runs by hand have no objective: what they seem to be for stands there, behind a few of their other figures.
  const metrics = columns.filter(isFurther);
  const aims = metrics.filter((column) => column.label === usual);
  return [...shown, ...metrics.filter((column) => column.label !== usual).slice(0, aims.length ? 2 : 3), ...aims];
}
