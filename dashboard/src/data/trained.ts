/** How long a run was at work: its attempts together, without the nights that it waited at a rung. */

interface Times {
  readonly started: number;
  readonly ended: number | null;
}

/** Seconds; NaN for a run that was never started. `now`: the end of an attempt that goes on. Without any attempt its own times tell. */
export function trainedSeconds(run: { readonly started: unknown; readonly ended: unknown; readonly attempts: readonly Times[] }, now = NaN): number {
  if (run.attempts.length) return run.attempts.reduce((sum, one) => sum + ((one.ended ?? now) - one.started), 0);
  if (typeof run.started !== "number") return NaN;
  return (typeof run.ended === "number" ? run.ended : now) - run.started;
}
