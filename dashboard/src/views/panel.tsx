/** A panel of the page, and the element that hosts a chart in it, with its data as a table behind it. */
import { effect, useSignal, type ReadonlySignal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { number } from "../format";
import { layoutOf, setLayout } from "../state/layout";
import type { Chart, DataTable } from "../types";
import { Excerpt } from "./clamped";
import { inSight } from "./sight";

export interface ChartHostProps<Data> {
  readonly make: (element: HTMLElement) => Chart<Data>;
  /** Null as long as there is nothing to draw. */
  readonly data: ReadonlySignal<Data | null>;
  readonly id?: string;
  /** As high as it is, not as its panel says. */
  readonly free?: boolean;
}

export function ChartHost<Data>({ make, data, id, free }: ChartHostProps<Data>): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!element.current) return undefined;
    const chart = make(element.current);
    const sight = inSight(element.current);
    const stop = effect(() => {
      if (sight.seen.value && data.value !== null) chart.update(data.value);
    });
    return () => {
      stop();
      sight.stop();
      chart.destroy();
    };
  }, [data]);
  return <div class={free ? "chart free" : "chart"} ref={element} {...(id ? { onPointerUp: () => keepHeight(id, element.current) } : {})} />;
}

/** The browser's own handle resized it. */
function keepHeight(id: string, element: HTMLElement | null): void {
  const height = element?.style.height ? element.offsetHeight : null;
  if (height !== null && height !== layoutOf(id).height) setLayout(id, { height });
}

export interface PanelProps {
  readonly id: string;
  readonly title: string;
  /** "small" and "broad" are half and the whole of a common screen, but a quarter and half of a large one. */
  readonly size?: "small" | "half" | "broad" | "wide" | "full";
  readonly height?: number;
  readonly tools?: ComponentChildren;
  /** Asked for when people want to read the figures. */
  readonly table?: () => DataTable | null;
  readonly children: ComponentChildren;
}

export function Panel({ id, title, size = "half", height = 300, tools, table, children }: PanelProps): JSX.Element {
  const { open, height: kept, wide } = layoutOf(id);
  const figures = useSignal(false);
  const width = wide === null ? size : wide ? "full" : "half";
  const narrow = width === "half" || width === "small";
  const body = `panel-${id}`;
  return (
    <section class={`panel ${width}`} aria-label={title} style={{ "--height": `${kept ?? height}px` }}>
      <header>
        <h2>
          <button type="button" aria-expanded={open} aria-controls={body} onClick={() => setLayout(id, { open: !open })}>{title}</button>
        </h2>
        {open && (
          <div class="tools">
            {tools}
            {table && (
              <button
                type="button" class="plain" aria-pressed={figures.value} title="The figures behind the chart"
                onClick={() => (figures.value = !figures.value)}
              >
                {figures.value ? "Chart" : "Figures"}
              </button>
            )}
            {size !== "full" && (
              <button
                type="button" class="plain breadth" title={narrow ? "Take the whole width" : "Take half of the width"}
                aria-label={`${title}: ${narrow ? "take the whole width" : "take half of the width"}`}
                onClick={() => setLayout(id, { wide: narrow })}
              >
                {narrow ? "↔" : "→←"}
              </button>
            )}
          </div>
        )}
      </header>
      {open && <div class="body" id={body}>{figures.value && table ? <Figures table={table()} title={title} /> : children}</div>}
    </section>
  );
}

const MOST_ROWS = 500;

function Figures({ table, title }: { readonly table: DataTable | null; readonly title: string }): JSX.Element {
  const first = useRef<HTMLDivElement>(null);
  useEffect(() => first.current?.focus(), []);
  if (!table) return <p class="note">There are no figures yet.</p>;
  return (
    <>
      <div class="datatable" tabIndex={0} ref={first} role="region" aria-label={`Figures of ${title}`}>
        <table class="data">
          <thead><tr>{table.columns.map((name) => <th scope="col">{name}</th>)}</tr></thead>
          <tbody>
            {table.rows.slice(0, MOST_ROWS).map((row) => (
              <tr>{row.map((cell) => <td class={typeof cell === "number" ? "number" : undefined}>{typeof cell === "number" ? number(cell, 6) : cell === null ? "–" : <Excerpt text={cell} />}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
      {table.rows.length > MOST_ROWS && <p class="note">The first {MOST_ROWS} of {table.rows.length} rows; the table of runs has them all as CSV.</p>}
    </>
  );
}
