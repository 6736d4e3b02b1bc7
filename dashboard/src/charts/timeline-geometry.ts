/** Which attempt ran when and where: lanes of slots, and the gaps in which a slot waited. */

import type { AgentView, Board } from "../types";

export interface Stint {
  readonly row: number;
  readonly attempt: number;
  readonly from: number;
  readonly to: number;
  /** Null is under way. */
  readonly outcome: string | null;
  readonly reason: string;
}

export interface Lane {
  readonly agent: string;
  readonly host: string;
  /** Counted from 1 within its agent. */
  readonly slot: number;
  readonly slots: number;
  /** While the agent lived; to the sweep's last change if it still does. */
  readonly from: number;
  readonly to: number;
  /** When it was last heard of, if it went without a word. */
  readonly died: number | null;
  readonly stints: readonly Stint[];
  readonly waits: readonly (readonly [number, number])[];
}

/** Shorter gaps between two attempts are the change from one to the next. */
const CHANGE = 5;

/**
 * Lanes by host and agent. Which slot an attempt had is not recorded: each takes the first slot
 * that is free, so that lanes show how many ran at once, which is what matters.
 */
export function lanes(board: Board): readonly Lane[] {
  const now = board.head.updated;
  const byAgent = new Map<string, Stint[]>();
  const hosts = new Map<string, string>();
  board.attempts.forEach((attempts, row) => {
    for (const { agent, host, number, started, ended, outcome, reason } of attempts) {
      hosts.set(agent, host);
      const stint = {
        row,
        attempt: number,
        from: started,
        to: Math.max(started, ended ?? now),
        outcome,
        reason,
      };
      const list = byAgent.get(agent);
      if (list) list.push(stint);
      else byAgent.set(agent, [stint]);
    }
  });
  const known = new Map(board.head.agents.map((agent) => [agent.id, agent]));
  for (const agent of board.head.agents) {
    hosts.set(agent.id, agent.host);
    if (!byAgent.has(agent.id)) byAgent.set(agent.id, []);
  }
  return [...byAgent]
    .sort(([a], [b]) => compare(hosts.get(a), hosts.get(b)) || compare(a, b))
    .flatMap(([agent, stints]) =>
      lanesOf(agent, hosts.get(agent) ?? "", stints, known.get(agent), now),
    );
}

function compare(a = "", b = ""): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function lanesOf(
  agent: string,
  host: string,
  stints: readonly Stint[],
  view: AgentView | undefined,
  now: number,
): readonly Lane[] {
  const slots: Stint[][] = Array.from({ length: Math.max(1, view?.slots ?? 1) }, () => []);
  for (const stint of [...stints].sort((a, b) => a.from - b.from)) {
    // A second of overlap is the clocks', not a further slot's.
    const free = slots.find((taken) => (taken.at(-1)?.to ?? -Infinity) <= stint.from + 1);
    if (free) free.push(stint);
    else slots.push([stint]);
  }
  const from = view?.started ?? stints.reduce((least, stint) => Math.min(least, stint.from), now);
  const died = view && view.ended === null && !view.live ? view.lastSeen : null;
  const to =
    view?.ended ??
    died ??
    (view ? now : stints.reduce((last, stint) => Math.max(last, stint.to), from));
  return slots.map((taken, place) => ({
    agent,
    host,
    slot: place + 1,
    slots: slots.length,
    from,
    to: Math.max(to, taken.at(-1)?.to ?? to),
    died,
    stints: taken,
    waits: waitsOf(taken, from, to),
  }));
}

function waitsOf(
  stints: readonly Stint[],
  from: number,
  to: number,
): readonly (readonly [number, number])[] {
  const waits: (readonly [number, number])[] = [];
  let free = from;
  for (const stint of stints) {
    if (stint.from - free > CHANGE) waits.push([free, stint.from]);
    free = Math.max(free, stint.to);
  }
  if (to - free > CHANGE) waits.push([free, to]);
  return waits;
}

export function nameOf({ host, agent, slot, slots }: Lane): string {
  return [host, agent, ...(slots > 1 ? [`slot ${slot}`] : [])].filter(Boolean).join(" · ");
}

/** The same for a narrow margin: what is cut is not the slot, which tells lanes apart. */
export function shortName({ host, agent, slot, slots }: Lane): {
  readonly name: string;
  readonly slot: string;
} {
  return { name: [host, agent].filter(Boolean).join(" · "), slot: slots > 1 ? ` · ${slot}` : "" };
}
