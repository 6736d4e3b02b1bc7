/** A chart of lines that is made when it comes into view: a run may have hundreds of metrics. */
import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { describe, rows, series, type SeriesData } from "../charts/series";
import type { Chart } from "../types";
import { DataTable } from "./DataTable";

const media = matchMedia("(prefers-color-scheme: dark)");
export const dark = signal(media.matches);
media.addEventListener("change", () => {
  dark.value = media.matches;
});

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
    return () => watch.disconnect();
  }, [seen]);
  return [place, seen];
}

/** `data` is called only for a chart that is shown. */
export function LineChart({ title, data, badge }: { title: string; data: () => SeriesData; badge?: string }) {
  const [card, seen] = useSeen();
  const place = useRef<HTMLDivElement | null>(null);
  const chart = useRef<Chart<SeriesData> | null>(null);
  const [tabled, setTabled] = useState(false);
  const now = seen ? data() : null;
  useEffect(() => {
    if (!seen || !place.current) return undefined;
    const made = series(place.current);
    chart.current = made;
    return () => {
      chart.current = null;
      made.destroy();
    };
  }, [seen]);
  useEffect(() => {
    if (now) chart.current?.update(now);
  });
  return (
    <section class="plotcard" ref={card} aria-label={title}>
      <header class="plothead">
        <h4 title={title}>{title}</h4>
        {badge && <span class="badge">{badge}</span>}
        <button type="button" class="plain" aria-pressed={tabled} aria-label={`${title} as a table`} title="as a table"
          onClick={() => setTabled(!tabled)}>▤</button>
      </header>
      <div class="plot" ref={place} hidden={tabled} />
      {tabled && now && <DataTable {...rows(now)} caption={describe(now)} />}
    </section>
  );
}
