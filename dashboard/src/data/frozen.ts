/** The source of a report: all data stand in the file. The format is in docs/design/dashboard.md. */
import type { Board, Curves, Source } from "../types";
import { boardOf } from "./board";
import { decode } from "./curves";
import { unpacked } from "./packing";
import { cardOf, forecastsOf, importanceOf, progressOf } from "./source";
import type { BoardView, ForecastView, HealthCardView, ImportanceView, PairView, ProgressView, RunView, SliceView } from "./wire";

export interface FrozenImage {
  readonly run: string;
  readonly name: string;
  readonly step: number | null;
  readonly type: string;
  readonly data: string;
}

interface Packed {
  readonly made: number;
  readonly version: string;
  readonly board: BoardView;
  readonly metrics: readonly string[];
  readonly importance: ImportanceView | null;
  readonly slices: Readonly<Record<string, SliceView>>;
  readonly pairs: readonly PairView[];
  readonly health: readonly HealthCardView[];
  readonly progress: ProgressView | null;
  readonly forecasts: readonly ForecastView[];
  readonly runs: Readonly<Record<string, RunView>>;
  readonly notes: readonly string[];
}

interface Document {
  readonly packed: string;
  readonly curves: Readonly<Record<string, string>>;
  readonly images: readonly FrozenImage[];
}

export interface Frozen {
  readonly source: Source;
  readonly sweep: string;
  readonly made: number;
  readonly version: string;
  readonly notes: readonly string[];
  readonly runs: Readonly<Record<string, RunView>>;
  readonly images: readonly FrozenImage[];
}

class Absent extends Error {}

/** The same with its parameters the other way round. */
function turned({ x, y, mean }: PairView): PairView {
  return { x: y, y: x, mean: x.at.map((_, at) => mean.map((row) => row[at] ?? NaN)) };
}

export async function thaw(text: string): Promise<Frozen> {
  const file = JSON.parse(text) as Document;
  const packed = JSON.parse(new TextDecoder().decode(await unpacked(file.packed))) as Packed;
  const board: Board = boardOf(packed.board);
  const curves = new Map<string, Promise<Curves>>();
  const objective = board.head.metric?.name ?? packed.metrics[0] ?? "";
  const curvesOf = (name: string): Promise<Curves> => {
    const kept = file.curves[name];
    if (kept === undefined) return Promise.reject(new Absent(`the curves of ${name || "this sweep"} are not in this report`));
    const known = curves.get(name) ?? unpacked(kept).then(decode);
    curves.set(name, known);
    return known;
  };
  // What is seen first is there before the first drawing: it is made once, with all of it.
  if (objective in file.curves) await curvesOf(objective).catch(() => undefined);
  const source: Source = {
    frozen: true,
    board: async () => board,
    curves: (_, metric) => curvesOf(metric || objective),
    metrics: async () => packed.metrics.filter((name) => name in file.curves),
    importance: async () => {
      if (!packed.importance) throw new Absent("the importance is not in this report");
      return importanceOf(packed.importance);
    },
    slice: async (_, parameter) => {
      const slice = packed.slices[parameter];
      if (!slice) throw new Absent(`the model along ${parameter} is not in this report`);
      return slice;
    },
    pair: async (_, x, y) => {
      const pair = packed.pairs.map((one) => (one.x.parameter === x ? one : turned(one)))
        .find((one) => one.x.parameter === x && one.y.parameter === y);
      if (!pair) throw new Absent(`a report has it of the most important parameters, not of ${x} and ${y}`);
      return pair;
    },
    health: async () => packed.health.map(cardOf),
    progress: async () => {
      if (!packed.progress) throw new Absent("the progress is not in this report");
      return progressOf(packed.progress);
    },
    forecasts: async () => forecastsOf(packed.forecasts, board),
  };
  return {
    source, sweep: board.head.id, made: packed.made, version: packed.version, notes: packed.notes, runs: packed.runs,
    images: file.images,
  };
}
