/** A chart of `wandb.plot`, drawn as the other charts of the page are. */
import { describe as describeBins, histogram, rows as rowsOfBins, type HistogramData } from "../charts/histogram";
import { categorical, css, sequential, textOn } from "../charts/colour";
import { describe as describePoints, rows as rowsOfPoints, scatter, type ScatterData } from "../charts/scatter";
import type { SeriesData } from "../charts/series";
import { Drawn, LINES, type Drawing } from "../run/ChartCard";
import { told } from "../run/values";
import { dark } from "../state/page";
import type { Column } from "../types";
import type { Figure } from "./figures";

const POINTS: Drawing<ScatterData> = { make: (element) => scatter(element), describe: describePoints, rows: rowsOfPoints };
const BINS: Drawing<HistogramData> = { make: (element) => histogram(element), describe: describeBins, rows: rowsOfBins };

export function FigureView({ name, shown }: { name: string; shown: Figure }) {
  const isDark = dark.value;
  const title = shown.title || name;
  switch (shown.kind) {
    case "lines":
      return (
        <Drawn drawing={LINES} data={(): SeriesData => ({
          title, lines: shown.lines.map((line) => ({ ...line, name: line.name || title })), xLabel: shown.x, xKind: "number",
          logX: false, logY: false, smoothing: 0, dark: isDark,
        })} />
      );
    case "points":
      return (
        <Drawn drawing={POINTS} data={() => ({
          title, x: column(shown.x, shown.points.x), y: column(shown.y, shown.points.y), labels: shown.points.x.map(() => ""),
          colours: shown.points.x.map(() => categorical(0, isDark)), better: null, hover: -1, dark: isDark,
        })} />
      );
    case "histogram":
      return <Drawn drawing={BINS} data={() => ({ title, histograms: [{ step: 0, bins: shown.bins, values: shown.values }], dark: isDark })} />;
    case "bars":
      return <Bars title={title} bars={shown.bars} />;
    case "matrix":
      return <Matrix title={title} labels={shown.labels} counts={shown.counts} isDark={isDark} />;
  }
}

function Bars({ title, bars }: { title: string; bars: readonly { readonly label: string; readonly value: number }[] }) {
  const most = bars.reduce((found, bar) => Math.max(found, Math.abs(bar.value) || 0), 0) || 1;
  return (
    <table class="barchart"><caption class="hidden-text">{title}</caption>
      <tbody>{bars.map((bar, at) => (
        <tr key={at}><th scope="row" title={bar.label}>{bar.label}</th>
          <td><span class="length" style={{ width: `${(100 * (Math.abs(bar.value) || 0)) / most}%` }} /></td><td class="number">{told(bar.value)}</td></tr>
      ))}</tbody></table>
  );
}

/** Coloured by the share of its row: how often what was there was taken for something else. */
function Matrix({ title, labels, counts, isDark }: {
  title: string; labels: readonly string[]; counts: readonly (readonly number[])[]; isDark: boolean;
}) {
  return (
    <div class="datatable" tabIndex={0} role="group" aria-label={title}>
      <table class="matrix">
        <caption>{`${title}: rows are what was there, columns what was predicted`}</caption>
        <thead><tr><td />{labels.map((label) => <th key={label} scope="col">{label}</th>)}</tr></thead>
        <tbody>{labels.map((label, at) => {
          const row = counts[at] ?? [];
          const total = row.reduce((sum, count) => sum + count, 0) || 1;
          return (
            <tr key={label}><th scope="row">{label}</th>
              {row.map((count, place) => {
                const ground = sequential(count / total, isDark);
                return <td key={place} style={count ? { background: css(ground), color: css(textOn(ground)) } : {}}>{told(count)}</td>;
              })}</tr>
          );
        })}</tbody>
      </table>
    </div>
  );
}

function column(name: string, values: readonly number[]): Column {
  const known = values.filter(Number.isFinite);
  return {
    name, label: name, role: "metric", kind: "number", whole: false, log: false, categories: [], inert: "", values: Float64Array.from(values),
    low: known.reduce((a, b) => Math.min(a, b), Infinity), high: known.reduce((a, b) => Math.max(a, b), -Infinity),
  };
}
