/** A histogram over the steps, and the one at the chosen step. */
import type { Occurrence } from "../run/history";

export function Histograms({ name, occurrences, step }: { name: string; occurrences: readonly Occurrence[]; step: number }) {
  const shown = occurrences.findLast((one) => one.step <= step)?.media;
  if (shown?.kind !== "histogram") return null;
  const most = Math.max(...shown.values, 1);
  return (
    <svg viewBox={`0 0 ${shown.values.length} 40`} preserveAspectRatio="none" class="bars" role="img" aria-label={name}>
      {shown.values.map((value, at) => <rect key={at} x={at} width="1" y={40 - (40 * value) / most} height={(40 * value) / most} />)}
    </svg>
  );
}
