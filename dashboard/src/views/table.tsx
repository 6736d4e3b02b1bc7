/** The table of runs: only what is in sight is drawn, and a row follows hover and choice by itself. */
import { computed, useComputed, useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { save } from "../charts/export";
import { inShort, ofEarlierFile, ranWith, remarksOf } from "../charts/words";
import { level, lineOf, type Level, type Line } from "../data/level";
import { read } from "../data/source";
import type { RunView } from "../data/wire";
import { elided, number, signed } from "../format";
import { frozen, go, linkTo } from "../router";
import { inFull } from "../state/labels";
import { copy } from "../state/page";
import { paper } from "../state/paper";
import { configOf, csv, flags, sortedRows, writer, yaml, type Config, type Sort } from "../state/rows";
import type { Board, Column } from "../types";
import { Menu } from "./menu";
import type { SweepModel } from "./model";
import { Panel } from "./panel";
import { useUnhurried } from "./sight";
import { useVirtualizer } from "./virtual";

const ROW = 28;
const WIDTHS = { number: 104, category: 110, time: 150 } as const;
const BOTH = 150;
const narrow = matchMedia("(max-width: 600px)").matches;
const RUN = narrow ? 140 : 210;
const STATE = narrow ? 96 : 128;
/** Of the summary's many numbers the first few are shown unasked. */
const MOST_METRICS = 6;
/** The table's width on paper in CSS pixels, a fifth smaller than on the screen; see style.css. */
const SHEET = 806;
const PRINTED_WIDTHS = { run: 150, state: 104 };
/** So many rows are on paper. */
const PRINTED = 15;
/** The first column says a run's number. */
const UNASKED: ReadonlySet<string> = new Set(["started", "number", "ended"]);

/** What fits into any cell, in whatever font: a few letters, some more digits. */
const FITS = /^(?:[ -~]{0,6}|[-−+.,\de]{0,8})$/;

/** What the keyboard does to the table from anywhere on the page. */
export interface TableKeys {
  move(by: number): void;
  open(): void;
  choose(): void;
}

export function RunsTable({ model, keys }: { readonly model: SweepModel; readonly keys: { current: TableKeys | null } }): JSX.Element {
  const { selection, board } = model;
  const { sort } = selection;
  const hidden: Signal<ReadonlyMap<string, boolean>> = useSignal(new Map());
  const differences = useSignal(false);
  const columns = useMemo(() => computed(() => {
    let metrics = 0;
    const objective = board.value?.head.metric;
    const all = [...selection.columns.value.values()].sort((one, other) => rank(one) - rank(other));
    return all.map((column) => {
      // The summary has the objective once more.
      const again = !model.labels.value.has(column.name);
      if (column.role === "metric" && !again) metrics += 1;
      if (!objective && ["value", "best", "steps"].includes(column.name)) return { column, shown: false };
      const usual = !UNASKED.has(column.name) && !again && (column.role !== "metric" || metrics <= MOST_METRICS);
      return { column, shown: hidden.value.get(column.name) ?? usual };
    });
  }), [model]);
  const visible = useMemo(() => computed(() => {
    const shown = columns.value.flatMap((one) => (one.shown ? [one.column] : []));
    return paper.value ? onPaper(shown, (column) => widthOf(column, board.value, model.labels.value)) : shown;
  }), [model]);
  const writers = useMemo(() => computed(() => visible.value.map((column) => writer(column, board.value?.n ?? 0))), [model]);
  const order = useMemo(() => computed(() => {
    const known = board.value;
    if (!known) return new Uint32Array();
    const best = { by: "value", down: selection.goal.value === "maximize" };
    return sortedRows(known, selection.columns.value, sort.value.by ? sort.value : best);
  }), [model]);
  const kept = useMemo(() => computed(() => {
    const keeps = selection.kept.value;
    return order.value.filter((row) => keeps[row] === 1);
  }), [model]);
  const labels = model.labels.value;
  const widths = paper.value ? PRINTED_WIDTHS : { run: RUN, state: STATE };
  const element = useRef<HTMLDivElement>(null);
  const aside = useSignal(false);
  const look = useComputed(() => (aside.value ? "runs aside" : "runs"));
  // On paper nobody scrolls aside: measured when its columns are there.
  useLayoutEffect(() => {
    const runs = element.current;
    if (!runs) return;
    runs.style.removeProperty("zoom");
    if (paper.value) runs.style.setProperty("zoom", String(Math.min(1, runs.clientWidth / runs.scrollWidth)));
  }, [paper.value, visible.value]);
  // Other runs and another order are shown at once; after a brush of charts that are above the screen the table may wait.
  const rows = useUnhurried(element, kept, order);
  const known = board.value;
  const virtualizer = useVirtualizer({
    count: rows.value.length, getScrollElement: () => element.current, estimateSize: () => ROW, overscan: 6, scrollPaddingStart: ROW,
  });

  const place = (): number => rows.value.indexOf(model.current.value);
  const go_ = (at: number): void => {
    const row = rows.value[Math.max(0, Math.min(rows.value.length - 1, at))];
    if (row === undefined) return;
    model.current.value = row;
    selection.hover.value = row;
    virtualizer.scrollToIndex(Math.max(0, Math.min(rows.value.length - 1, at)));
  };
  const open = (row: number): void => {
    const id = known?.ids[row];
    if (id !== undefined) go(linkTo({ view: "run", id }));
  };
  useLayoutEffect(() => {
    keys.current = {
      move: (by) => go_(place() < 0 ? 0 : place() + by),
      open: () => open(model.current.value),
      choose: () => {
        if (model.current.value >= 0) selection.toggle(model.current.value);
      },
    };
    return () => {
      keys.current = null;
    };
  });

  const pressed = (event: KeyboardEvent): void => {
    const page = Math.max(1, Math.floor((element.current?.clientHeight ?? 0) / ROW) - 2);
    const to = { PageDown: place() + page, PageUp: place() - page, Home: 0, End: rows.value.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    go_(to);
  };

  return (
    <Panel
      id="table" title="Runs" size="full" height={Math.min(460, ROW * ((known?.n ?? 0) + 1) + 20)}
      tools={known && (
        <>
          <button type="button" aria-pressed={differences.value} disabled={selection.baseline.value < 0}
            title={selection.baseline.value < 0 ? "There is no baseline to differ from" : "Differences to the baseline; of a run that did not come to its end, those of the objective at the last step that both have"}
            onClick={() => (differences.value = !differences.value)}>Δ baseline</button>
          <CopyMenu model={model} board={known} />
          <button type="button" onClick={() => save(csv(known, columns.value.map(({ column }) => column), rows.value, selection.step.value), `${known.head.name || known.head.project || "runs"}.csv`, "text/csv")}>CSV</button>
          <Menu label="Columns">{columns.value.filter(({ column }) => labels.has(column.name)).map(({ column, shown }) => (
            <label><input type="checkbox" checked={shown} onChange={() => (hidden.value = new Map(hidden.value).set(column.name, !shown))} />{column.name === "value" ? inFull(column, labels) : headOf(column, labels)}</label>
          ))}</Menu>
        </>
      )}
    >
      {known && rows.value.length > PRINTED && (
        <p class="note on-paper">{frozen ? `The first of ${rows.value.length} runs.` : `The first of ${rows.value.length} runs: the CSV and a report (swept report ${known.head.id}) have all.`}</p>
      )}
      <div
        class={look} ref={element} role="grid" tabIndex={0} aria-label="Runs" aria-rowcount={rows.value.length + 1}
        aria-colcount={visible.value.length + 2} aria-multiselectable="true" onKeyDown={pressed}
        onPointerLeave={() => (selection.hover.value = -1)} onScroll={() => (aside.value = (element.current?.scrollLeft ?? 0) > 0)}
        {...(model.current.value >= 0 ? { "aria-activedescendant": `run-row-${model.current.value}` } : {})}
      >
        <div class="heads" role="row" aria-rowindex={1}>
          <Head by="run" label="run" width={widths.run} sort={sort} first />
          <Head by="state" label="state" width={widths.state} sort={sort} />
          {visible.value.map((column) => <Head by={column.name} label={headOf(column, labels)} says={saysOf(column)} width={widthOf(column, known, labels)} sort={sort} number={column.kind === "number"} />)}
        </div>
        <div class="lines" role="presentation" style={{ height: `${virtualizer.getTotalSize()}px` }}>
          {known && virtualizer.getVirtualItems().map((item, at) => {
            const row = rows.value[item.index];
            return row === undefined ? null : (
              <Row
                key={at} row={row} index={item.index} top={item.start} model={model} board={known} columns={visible.value} writers={writers.value} version={model.data.version}
                baseline={differences.value ? selection.baseline.value : -1} open={open}
              />
            );
          })}
        </div>
      </div>
      {known && rows.value.length === 0 && (
        <p class="note">{known.n === 0 ? "There are no runs yet." : "No run passes the filter."}{" "}
          {known.n > 0 && <button type="button" onClick={() => selection.clear()}>Clear the filter</button>}
        </p>
      )}
    </Panel>
  );
}

/** The objective and as many of the parameters as there is room for. */
function onPaper(columns: readonly Column[], width: (column: Column) => number): readonly Column[] {
  let room = SHEET - PRINTED_WIDTHS.run - PRINTED_WIDTHS.state;
  const fits = (column: Column): boolean => {
    room -= width(column);
    return room >= 0;
  };
  const metrics = columns.filter(({ role, name }) => role === "metric" && name !== "best");
  const varied = columns.filter(({ role, inert }) => role === "parameter" && inert === "");
  return [...metrics.slice(0, 1), ...varied].filter(fits);
}

/** The objective first, then what was searched, then the rest. */
function rank(column: Column): number {
  const own = ["value", "best", "steps", "seconds"].indexOf(column.name);
  if (own >= 0) return own;
  return column.role === "parameter" ? 10 : column.role === "metric" ? 20 : 30;
}

/** With room for both values where runs had another than was suggested. */
function widthOf(column: Column, board: Board | null, labels: ReadonlyMap<string, string>): number {
  const usual = Math.max(WIDTHS[column.kind], Math.min(200, 46 + 7.8 * headOf(column, labels).length));
  return board?.effective.has(column.name) ? Math.max(usual, BOTH) : usual;
}

function headOf(column: Column, labels: ReadonlyMap<string, string>): string {
  if (column.name === "best") return "best on the way";
  return column.name === "seconds" ? "duration" : labels.get(column.name) ?? column.label;
}

function saysOf(column: Column): string {
  if (column.name === "best") return `${column.label}: the best along the run's curve`;
  if (column.name === "seconds") return "duration: all attempts together, without the time in between";
  return column.inert ? `${column.label} cannot act here: ${column.inert}` : column.label;
}

interface HeadProps {
  readonly by: string;
  readonly label: string;
  readonly says?: string;
  readonly width: number;
  readonly sort: Signal<Sort>;
  readonly number?: boolean;
  /** It stays where the table is scrolled aside. */
  readonly first?: boolean;
}

function Head({ by, label, says = label, width, sort, number = false, first = false }: HeadProps): JSX.Element {
  const sorted = sort.value.by === by;
  return (
    <div class={first ? "first" : number ? "number" : ""} role="columnheader" style={{ width: `${width}px` }} title={says}
      aria-sort={sorted ? (sort.value.down ? "descending" : "ascending") : "none"}>
      <button type="button" tabIndex={-1} onClick={() => (sort.value = { by, down: sorted ? !sort.value.down : number })}>
        <span class="clip">{label}</span>{sorted && <span>{sort.value.down ? "↓" : "↑"}</span>}
      </button>
    </div>
  );
}

interface RowProps {
  readonly row: number;
  readonly index: number;
  readonly top: number;
  readonly model: SweepModel;
  readonly board: Board;
  readonly columns: readonly Column[];
  /** How each of them is written. */
  readonly writers: readonly ((row: number) => string)[];
  readonly version: ReadonlySignal<number>;
  readonly baseline: number;
  readonly open: (row: number) => void;
}

function Row({ row, index, top, model, board, columns, writers, version, baseline, open }: RowProps): JSX.Element {
  const { selection } = model;
  version.value;
  const labels = model.labels.value;
  const widths = paper.value ? PRINTED_WIDTHS : { run: RUN, state: STATE };
  const at = useSignal(row);
  at.value = row;
  const hovered = useComputed(() => selection.hover.value === at.value);
  const chosen = useComputed(() => selection.chosen.value.has(at.value));
  const current = useComputed(() => model.current.value === at.value);
  const compared = baseline >= 0 && row !== baseline ? levelOf(model, board, row, baseline) : null;
  const state = board.states[row] ?? "pending";
  const wanted = board.desired[row];
  const name = board.names[row] || (board.ids[row] ?? "");
  const best = selection.best.value === row;
  return (
    <div
      role="row" id={`run-row-${row}`} aria-rowindex={index + 2} aria-selected={chosen.value}
      class={`${hovered.value ? "hover" : ""} ${current.value ? "current" : ""}`} style={{ transform: `translateY(${top}px)` }}
      onPointerEnter={() => (selection.hover.value = row)} onClick={() => (model.current.value = row)} onDblClick={() => open(row)}
    >
      <div class="first" role="gridcell" style={{ width: `${widths.run}px` }}>
        <input type="checkbox" tabIndex={-1} checked={chosen.value} aria-label={`Choose ${elided(name, 80)}`} onChange={() => selection.toggle(row)} />{" "}
        {ofEarlierFile(board, row) && <><span class="earlier" title={remarksOf(board, row)[0]}>v{board.specVersions[row]}<span class="hidden-text"> of the sweep's file</span></span>{" "}</>}
        <a href={linkTo({ view: "run", id: board.ids[row] ?? "" })} tabIndex={-1} title={`${elided(name, 300)}\n${inShort(board.why[row] ?? "")}`}>
          <span class="muted">#{board.numbers[row]}</span> {elided(name, 300)}
        </a>
      </div>
      <div role="gridcell" style={{ width: `${widths.state}px` }} title={inShort(board.endedBecause[row] ?? "")}>
        <span class={`state ${state}`}>{state}</span>{state === "running" && wanted !== "go" ? <span class="muted"> ({wanted})</span> : null}
      </div>
      {columns.map((column, place) => (
        <Cell
          column={column} text={writers[place]?.(row) ?? ""} row={row} baseline={baseline} level={compared} best={best && column.name === "value"}
          width={widthOf(column, board, labels)} whole={[row, baseline].every((at) => board.states[at] === "finished")} ran={ranWith(board, column.name, row)} really={board.effective.get(column.name)?.get(row)}
        />
      ))}
    </div>
  );
}

interface CellProps {
  readonly column: Column;
  readonly text: string;
  readonly row: number;
  readonly baseline: number;
  /** With the baseline's objective, where differences are shown and both can be compared. */
  readonly level: Level | null;
  /** Both came to their end. */
  readonly whole: boolean;
  readonly best: boolean;
  readonly width: number;
  /** Both values in words, and the one that it ran with, where that is not what was suggested. */
  readonly ran: string;
  readonly really: number | string | undefined;
}

/** By the objective's curves where these are the ones that are there. */
function levelOf({ curves, selection }: SweepModel, board: Board, row: number, baseline: number): Level | null {
  const known = curves.value;
  const objective = known !== null && known.metric === board.head.metric?.name;
  const lineAt = (at: number): Line | null => (objective ? lineOf(known, at) : null);
  return level(board, row, baseline, lineAt, selection.step.value);
}

function Cell({ column, text: written, row, baseline, level: compared, whole, best, width, ran, really }: CellProps): JSX.Element {
  let text = written;
  let says = "";
  let look = column.kind === "number" ? "number" : "";
  if (baseline >= 0 && row !== baseline) {
    const [own, theirs] = [column.values[row] ?? NaN, column.values[baseline] ?? NaN];
    const same = own === theirs || (own !== own && theirs !== theirs);
    if (column.role === "parameter") look += same ? " same" : " differs";
    else if (column.kind === "number" && column.role === "metric" && own === own) {
      // Of other metrics only the ends are known: they compare nothing where one run was longer.
      const both = column.name === "value" ? compared : whole ? { own, theirs, step: null } : null;
      text = both && both.theirs === both.theirs ? signed(both.own - both.theirs, 3) : "";
      says = !both ? "the runs are of different lengths, and no step is known that both have" : both.step === null ? "" : `${text} at step ${number(both.step)}, the last that both have`;
    }
  }
  return (
    <div class={`${look}${best ? " best" : ""}${really === undefined && FITS.test(text) ? " fits" : ""}`} role="gridcell" style={{ width: `${width}px` }} title={ran || says || elided(text, 300)}>
      {elided(text, 300)}{really !== undefined && <> <span aria-hidden="true">→</span><span class="hidden-text">, ran with</span> <b>{typeof really === "number" ? number(really) : elided(really, 80)}</b></>}
    </div>
  );
}

function CopyMenu({ model, board }: { readonly model: SweepModel; readonly board: Board }): JSX.Element {
  const row = model.current.value >= 0 ? model.current.value : model.selection.best.value;
  const give = (how: (config: Config) => string, what: string) => async (event: Event): Promise<void> => {
    const menu = event.currentTarget instanceof Element ? event.currentTarget.closest("details") : null;
    if (menu) menu.open = false;
    const searched = configOf(model.selection.columns.value, row);
    const whole = frozen ? null : await read<RunView>(`/api/runs/${encodeURIComponent(board.ids[row] ?? "")}`).catch(() => null);
    await copy(how(whole ? whole.config : searched), what);
  };
  return (
    <Menu label={row >= 0 ? `Copy #${board.numbers[row]}` : "Copy"} title="Of the current run, or of the best one" disabled={row < 0}>
      <button type="button" onClick={give(yaml, "YAML")}>as YAML</button>
      <button type="button" onClick={give((config) => JSON.stringify(config, null, 2), "JSON")}>as JSON</button>
      <button type="button" onClick={give(flags, "the command line")}>as command line</button>
    </Menu>
  );
}
