/**
 * A few lines over one x: the metrics of a run, or one metric of the runs that are compared. Drawn
 * by uPlot, which zooms by dragging and shows the same place in all charts with one `sync`. The
 * legend is ours, because it has to be reached by keyboard and read without colours.
 */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { categorical, css, inks } from "./colour";
import { CLOCK_STEPS, FONT } from "./frame";
import { drop, nextFrame, whenSized } from "./frames";
import { aligned, ordered, tickSteps, type Aligned, type SeriesLine } from "./series-geometry";
import { compact, duration, moment, number } from "../format";
import { cell } from "./words";
import type { Chart, DataTable } from "../types";

export type { SeriesLine } from "./series-geometry";

export interface SeriesData {
  readonly title: string;
  readonly lines: readonly SeriesLine[];
  readonly xLabel: string;
  /** What x counts: steps or any number, seconds since 1970, or seconds since a start. */
  readonly xKind: "number" | "time" | "duration";
  readonly logX: boolean;
  readonly logY: boolean;
  /** 0 … <1: the weight of what was before; what was measured lies faint behind. */
  readonly smoothing: number;
  readonly dark: boolean;
  /** Charts of one name show the same place. */
  readonly sync?: string;
}

export interface SeriesCallbacks {
  /** The x under the pointer, or null. */
  onPlace?(x: number | null): void;
}

const HEIGHT = 220;
const NARROWEST = 120;

export function series(element: HTMLElement, callbacks: SeriesCallbacks = {}): Chart<SeriesData> {
  const host = document.createElement("div");
  Object.assign(host.style, {
    width: "100%",
    height: "100%",
    display: "flex",
    flexDirection: "column",
    minHeight: "0",
  });
  host.setAttribute("role", "group");
  host.setAttribute("aria-roledescription", "chart");
  host.tabIndex = 0;
  const body = document.createElement("div");
  Object.assign(body.style, {
    flex: "1",
    minHeight: element.clientHeight ? "0" : `${HEIGHT}px`,
    overflow: "hidden",
  });
  body.setAttribute("aria-hidden", "true");
  const legend = document.createElement("div");
  Object.assign(legend.style, {
    display: "flex",
    flexWrap: "wrap",
    gap: "0 12px",
    font: FONT,
    // Four rows: eight runs on a narrow screen.
    maxHeight: "7em",
    overflowY: "auto",
  });
  host.append(body, legend);
  element.append(host);

  let data: SeriesData | null = null;
  let now: Aligned = { x: [], lines: [] };
  let plot: uPlot | null = null;
  let shape = "";
  let frame = 0;
  const off = new Set<string>();
  let entries: { button: HTMLButtonElement; value: HTMLElement }[] = [];

  function draw(): void {
    frame = 0;
    if (!data) return;
    now = aligned(data.lines, data.smoothing, data.logX, data.logY);
    host.setAttribute("aria-label", data.title);
    host.setAttribute("aria-description", describe(data));
    const [width, height] = [
      Math.max(NARROWEST, body.clientWidth),
      Math.max(80, body.clientHeight),
    ];
    const next = shapeOf(data);
    if (!plot || next !== shape) {
      plot?.destroy();
      shape = next;
      plot = new uPlot(
        optionsOf(data, width, height, off, (place) => {
          read(place);
          callbacks.onPlace?.(place === null ? null : (now.x[place] ?? null));
        }),
        columnsOf(now),
        body,
      );
      list(data);
    } else {
      // A zoom stays while new values arrive.
      const { min, max } = plot.scales["x"] ?? {};
      const whole = min === plot.data[0][0] && max === plot.data[0].at(-1);
      plot.setData(columnsOf(now), whole || plot.data[0].length < 2);
      if (!whole && min !== undefined && max !== undefined) plot.setScale("x", { min, max });
    }
    read(null);
  }

  function list(of: SeriesData): void {
    entries = of.lines.map((line, at) => {
      const button = document.createElement("button");
      button.type = "button";
      Object.assign(button.style, {
        all: "unset",
        cursor: "pointer",
        display: "inline-flex",
        gap: "4px",
        alignItems: "center",
        lineHeight: "1.7",
        maxWidth: "100%",
        overflowWrap: "anywhere",
        fontVariantNumeric: "tabular-nums",
      });
      const swatch = document.createElement("span");
      Object.assign(swatch.style, {
        width: "12px",
        flex: "none",
        borderTop: `3px ${line.dashed ? "dashed" : "solid"} ${css(colourOf(line, at, of.dark))}`,
      });
      const name = document.createElement("span");
      name.textContent = line.name;
      const value = document.createElement("b");
      button.append(swatch, name, value);
      const mark = (): void => {
        button.setAttribute("aria-pressed", String(!off.has(line.name)));
        button.style.opacity = off.has(line.name) ? "0.5" : "1";
        button.style.textDecoration = off.has(line.name) ? "line-through" : "none";
      };
      button.addEventListener("focus", () => (button.style.outline = "2px solid Highlight"));
      button.addEventListener("blur", () => (button.style.outline = "none"));
      button.addEventListener("click", () => {
        if (!off.delete(line.name)) off.add(line.name);
        mark();
        const each = of.smoothing > 0 ? 2 : 1;
        for (let i = 0; i < each; i++)
          plot?.setSeries(1 + at * each + i, { show: !off.has(line.name) });
      });
      mark();
      return { button, value };
    });
    legend.replaceChildren(...entries.map(({ button }) => button));
  }

  /** The legend's values: at the pointer, else the last ones. */
  function read(place: number | null): void {
    entries.forEach(({ value }, at) => {
      const line = now.lines[at];
      const values = line?.smooth ?? line?.raw ?? [];
      const shown =
        place === null ? values.findLast((one) => typeof one === "number") : values[place];
      const text = typeof shown === "number" ? number(shown) : "–";
      if (value.textContent !== text) value.textContent = text;
    });
  }

  host.addEventListener("keydown", (event) => {
    if (event.target !== host || !plot || !now.x.length) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const to = Math.max(
      0,
      Math.min(now.x.length - 1, (plot.cursor.idx ?? (step > 0 ? -1 : now.x.length)) + step),
    );
    plot.setCursor({ left: plot.valToPos(now.x[to] ?? 0, "x"), top: plot.over.clientHeight / 2 });
  });
  const wake = (): void => {
    if (!frame) frame = nextFrame(draw);
  };
  const unmeasured = whenSized(body, () => {
    if (plot && body.clientWidth > 0)
      plot.setSize({
        width: Math.max(NARROWEST, body.clientWidth),
        height: Math.max(80, body.clientHeight),
      });
  });

  return {
    update(after) {
      data = after;
      wake();
    },
    destroy() {
      drop(frame);
      unmeasured();
      plot?.destroy();
      host.remove();
    },
  };
}

function colourOf(line: SeriesLine, at: number, dark: boolean): number {
  return line.colour ?? categorical(at, dark);
}

/** What needs a new chart rather than new values. */
function shapeOf({ lines, xLabel, xKind, logX, logY, smoothing, dark, sync }: SeriesData): string {
  return JSON.stringify([
    lines.map(({ name, colour, dashed }) => [name, colour, dashed]),
    xLabel,
    xKind,
    logX,
    logY,
    smoothing > 0,
    dark,
    sync,
  ]);
}

function columnsOf({ x, lines }: Aligned): uPlot.AlignedData {
  return [x, ...lines.flatMap(({ raw, smooth }) => (smooth ? [raw, smooth] : [raw]))];
}

function optionsOf(
  data: SeriesData,
  width: number,
  height: number,
  off: ReadonlySet<string>,
  placed: (at: number | null) => void,
): uPlot.Options {
  const ink = inks(data.dark);
  const axis = {
    stroke: css(ink.muted),
    font: FONT,
    grid: { stroke: css(ink.grid), width: 1 },
    ticks: { show: false },
  };
  const say = { number: compact, time: moment, duration }[data.xKind];
  return {
    width,
    height,
    legend: { show: false },
    padding: [8, 12, 0, 0],
    cursor: {
      drag: { x: true, y: true, uni: 40, dist: 4 },
      points: { size: 6 },
      ...(data.sync === undefined ? {} : { sync: { key: data.sync, setSeries: false } }),
    },
    scales: {
      x: { time: data.xKind === "time", distr: data.logX && data.xKind === "number" ? 3 : 1 },
      y: { distr: data.logY ? 3 : 1 },
    },
    axes: [
      {
        ...axis,
        size: 22,
        gap: 4,
        label: data.xLabel,
        labelSize: 15,
        labelFont: FONT,
        labelGap: 0,
        ...(data.xKind === "duration" ? { incrs: [...CLOCK_STEPS] } : {}),
        ...(data.xKind === "number" ? { incrs: (drawn: uPlot) => tickSteps(drawn.data[0]) } : {}),
        ...(data.xKind === "time"
          ? {}
          : {
              values: (_: uPlot, splits: number[]) =>
                splits.map((value) => (value === null ? "" : say(value))),
            }),
      },
      {
        ...axis,
        gap: 4,
        values: (_, splits) => splits.map((value) => (value === null ? "" : compact(value))),
        size: (_, values) =>
          Math.min(
            96,
            14 + 6.2 * Math.max(1, ...(values ?? []).map((value) => value?.length ?? 0)),
          ),
      },
    ],
    series: [
      {},
      ...data.lines.flatMap((line, at): uPlot.Series[] => {
        const colour = colourOf(line, at, data.dark);
        const drawn: uPlot.Series = {
          label: line.name,
          show: !off.has(line.name),
          stroke: css(colour),
          width: 1.5,
          ...(line.dashed ? { dash: [6, 4] } : {}),
          points: { show: (_, __, from, to) => to - from < 2, size: 5 },
        };
        if (data.smoothing <= 0) return [drawn];
        return [
          { ...drawn, stroke: css(colour, 0.28), width: 1, dash: [], points: { show: false } },
          drawn,
        ];
      }),
    ],
    hooks: { setCursor: [(plot) => placed(plot.cursor.idx ?? null)] },
  };
}

/** One sentence. */
export function describe({ title, lines, xLabel, xKind }: SeriesData): string {
  const say = { number, time: moment, duration }[xKind];
  const each = lines.slice(0, 8).map((line) => {
    const { x, y } = ordered(line);
    const last = y.findLastIndex((value) => Number.isFinite(value));
    return last < 0
      ? `${line.name} has no values`
      : `${line.name} is ${number(y[last] ?? NaN)} at ${xLabel} ${say(x[last] ?? NaN)}`;
  });
  const more = lines.length > 8 ? [`${lines.length - 8} more lines`] : [];
  return `${title}: ${[...each, ...more].join("; ") || "no values yet"}.`;
}

/** A row for each place of x. */
export function rows(data: SeriesData): DataTable {
  const { x, lines } = aligned(data.lines, 0, false, false);
  const say = (value: number) => (data.xKind === "time" ? moment(value) : cell(value));
  return {
    columns: [data.xLabel, ...data.lines.map((line) => line.name)],
    rows: x.map((at, place) => [say(at), ...lines.map(({ raw }) => cell(raw[place] ?? NaN))]),
  };
}
