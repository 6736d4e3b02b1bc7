/** The histograms of one key over all its steps, up to the chosen one, which is drawn large. */
import { describe, histogram, rows, type Histogram, type HistogramData } from "../charts/histogram";
import { Drawn, type Drawing } from "../run/ChartCard";
import type { Occurrence } from "../run/history";
import { dark } from "../state/page";

const HISTOGRAMS: Drawing<HistogramData> = { make: (element) => histogram(element), describe, rows };

export function Histograms({ name, occurrences, step }: { name: string; occurrences: readonly Occurrence[]; step: number }) {
  const isDark = dark.value;
  const data = (): HistogramData => ({
    title: name, dark: isDark,
    histograms: occurrences.flatMap(({ step: at, media }): Histogram[] => (
      media.kind === "histogram" && at <= step ? [{ step: at, bins: media.bins, values: media.values }] : []
    )),
  });
  return <Drawn drawing={HISTOGRAMS} data={data} />;
}
