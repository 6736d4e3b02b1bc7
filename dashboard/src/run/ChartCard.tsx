/** A chart with its title and the table behind it, made when it comes into view: a run may have hundreds of metrics. */
import { effect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { describe, rows, series, type SeriesData } from "../charts/series";
import { paper } from "../state/paper";
import type { Chart, DataTable } from "../types";
import { Rows } from "./Rows";

/** Whether the element has come near the screen; it stays so. */
export function useSeen(): [{ current: HTMLDivElement | null }, boolean] {
  const place = useRef<HTMLDivElement | null>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    if (!place.current || seen) return undefined;
    const watch = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
    }, { rootMargin: "300px" });
    watch.observe(place.current);
    const stop = effect(() => {
      if (paper.value) setSeen(true);
    });
    return () => {
      watch.disconnect();
      stop();
    };
  }, [seen]);
  return [place, seen];
}

export interface Drawing<Data> {
  readonly make: (element: HTMLElement) => Chart<Data>;
  readonly describe: (data: Data) => string;
  readonly rows: (data: Data) => DataTable;
}

/** The chart alone. `data` is called only for one that is in view. */
export function Drawn<Data>({ drawing, data, tabled = false }: { drawing: Drawing<Data>; data: () => Data; tabled?: boolean }) {
  const [outer, seen] = useSeen();
  const place = useRef<HTMLDivElement | null>(null);
  const chart = useRef<Chart<Data> | null>(null);
  const now = seen ? data() : null;
  useEffect(() => {
    if (!seen || !place.current) return undefined;
    const made = drawing.make(place.current);
    chart.current = made;
    return () => {
      chart.current = null;
      made.destroy();
    };
  }, [seen, drawing]);
  useEffect(() => {
    if (now !== null && !tabled) chart.current?.update(now);
  });
  return (
    <div class="drawn" ref={outer}>
      <div class="plot" ref={place} hidden={tabled} />
      {tabled && now !== null && <Rows {...drawing.rows(now)} caption={drawing.describe(now)} />}
    </div>
  );
}

export function ChartCard<Data>({ title, badge, ...drawn }: { title: string; badge?: string; drawing: Drawing<Data>; data: () => Data }) {
  const [tabled, setTabled] = useState(false);
  return (
    <div class="plotcard" role="group" aria-label={title}>
      <header class="plothead">
        <h3 title={title}>{title}</h3>
        {badge !== undefined && <span class="badge">{badge}</span>}
        <button type="button" class="plain" aria-pressed={tabled} aria-label={`${title} as a table`} title="as a table"
          onClick={() => setTabled(!tabled)}>▤</button>
      </header>
      <Drawn {...drawn} tabled={tabled} />
    </div>
  );
}

export const LINES: Drawing<SeriesData> = { make: (element) => series(element), describe, rows };
