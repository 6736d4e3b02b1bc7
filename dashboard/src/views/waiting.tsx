/** How much room panels take whose parts, or whose answers, come later: what is below them stays where it is. */
import type { JSX } from "preact";
import type { Column, SweepHead } from "../types";
import { Panel } from "./panel";

export const SLICE_HEIGHT = 300;

export function timelineHeight(head: SweepHead | undefined): number {
  const lanes = (head?.agents ?? []).reduce((sum, agent) => sum + Math.max(1, agent.slots), 0);
  return Math.min(320, 84 + 22 * Math.max(1, lanes));
}

/** A heading, a word of caution, a line for each parameter that acts, and two for each that cannot. */
export function importanceHeight(parameters: readonly Column[]): number {
  const inert = parameters.filter((column) => column.inert).length;
  return 72 + 21 * (parameters.length - inert) + (inert ? 12 + 34 * inert : 0);
}

/** The panels of views/insights.tsx before it is there: room, and nothing to find or press. */
export function WaitingPanels({ sweep, head, parameters }: { readonly sweep: boolean; readonly head: SweepHead | undefined; readonly parameters: readonly Column[] }): JSX.Element {
  return (
    <div class="waiting-panels" aria-hidden="true" inert>
      {sweep && <Panel id="importance" title="Importance" size="small"><div style={{ minHeight: `${importanceHeight(parameters)}px` }} /></Panel>}
      {sweep && <Panel id="slice" title="One parameter" size="small" height={SLICE_HEIGHT}><div class="chart" /><p class="caption" /></Panel>}
      <Panel id="timeline" title="Agents and slots" size="broad" height={timelineHeight(head)}><div class="chart" /></Panel>
    </div>
  );
}
