/** Where the data come from: the server that served this page. `frozen.ts` has the other source. */
import type { Board, Fetched, Source } from "../types";
import { root } from "../root";
import { boardOf, spelled } from "./board";
import { decode } from "./curves";
import type {
  BoardView, ForecastView, HealthCardView, ImportanceView, OverviewEntry, PairView, ProgressView, SessionView, SliceView,
} from "./wire";

/** What the server said against it, in words for people. */
export class Refused extends Error {
  constructor(readonly status: number, message: string, readonly hint: string) {
    super(message);
  }
}

/** Nobody answered. */
export class Away extends Error {}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(root + path, { credentials: "same-origin", ...init });
  } catch {
    throw new Away("no server answers: it sleeps when nobody needs it; any swept command wakes it");
  }
  if (answer.ok) return answer;
  const said: unknown = await answer.json().catch(() => null);
  const text = (key: string): string => {
    const value: unknown = said !== null && typeof said === "object" ? Reflect.get(said, key) : undefined;
    return typeof value === "string" ? value : "";
  };
  throw new Refused(answer.status, text("message") || `the server answered ${answer.status}`, text("hint"));
}

/** The shape is the server's promise, held by the test that compares its schema with `api.d.ts`. */
export async function read<T>(path: string): Promise<T> {
  return (await (await ask(path)).json()) as T;
}

/** A changing action; it needs a login, and says so in words where there is none. */
export async function change(path: string, body: object): Promise<void> {
  await ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Swept": "page" },
    body: JSON.stringify(body),
  });
}

export function query(values: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length ? `?${new URLSearchParams(given).toString()}` : "";
}

/** What a subject of many runs is: a sweep, or a project's runs outside of sweeps. */
export type Subject = { readonly kind: "sweep" | "project"; readonly id: string };

export function pathOf(subject: Subject): string {
  return `/api/${subject.kind === "sweep" ? "sweeps" : "projects"}/${encodeURIComponent(subject.id)}`;
}

export async function boardView(subject: Subject, runs?: readonly string[]): Promise<BoardView> {
  return read<BoardView>(`${pathOf(subject)}/board${query({ runs: runs?.join(",") })}`);
}

/** `timed`: with the time of each point, which makes a large answer half as large again, and slow to make. */
export async function curvesOf(subject: Subject, metric: string, timed: boolean, runs?: readonly string[]): ReturnType<Source["curves"]> {
  const path = `${pathOf(subject)}/curves${query({ metric: metric || undefined, runs: runs?.join(","), times: timed ? "true" : undefined })}`;
  return decode(await (await ask(path)).arrayBuffer());
}

export const overview = (): Promise<readonly OverviewEntry[]> => read("/api/overview");
export const session = (): Promise<SessionView> => read("/api/session");

export function live(kind: Subject["kind"]): Source {
  const rows = new Map<string, Board>();
  const path = (id: string): string => pathOf({ kind, id });
  return {
    frozen: false,
    board: async (id) => {
      const board = boardOf(await boardView({ kind, id }));
      rows.set(id, board);
      return board;
    },
    curves: (id, metric, timed = false) => curvesOf({ kind, id }, metric, timed),
    metrics: (id) => read(`${path(id)}/metrics`),
    importance: async (id, metric) => importanceOf(await read<ImportanceView>(`${path(id)}/importance${query({ metric })}`)),
    slice: async (id, parameter) => read<SliceView>(`${path(id)}/slice${query({ parameter })}`),
    pair: async (id, x, y) => read<PairView>(`${path(id)}/pair${query({ x, y })}`),
    health: async (id, quick = false) => (await read<HealthCardView[]>(`${path(id)}/health${quick ? "?quick=true" : ""}`)).map(cardOf),
    progress: async (id) => progressOf(await read<ProgressView>(`${path(id)}/progress`)),
    forecasts: async (id) => forecastsOf(await read<ForecastView[]>(`${path(id)}/forecasts`), rows.get(id)),
  };
}

export function importanceOf(view: ImportanceView): Awaited<ReturnType<Source["importance"]>> {
  return { runs: view.runs, caution: view.caution, rows: view.rows };
}

const LEVELS = ["bad", "warn", "info", "good"] as const;

export function cardOf(view: HealthCardView): Awaited<ReturnType<Source["health"]>>[number] {
  return { ...view, level: LEVELS.find((level) => level === view.level) ?? "info" };
}

export function progressOf(view: ProgressView): Awaited<ReturnType<Source["progress"]>> {
  return {
    ended: view.ended, cap: view.cap, eta: view.eta, etaWhy: view.eta_why, hoursUsed: view.hours_used, hoursSaved: view.hours_saved,
    energy: view.energy, cost: view.cost, currency: view.currency, noise: view.noise, noiseWhy: view.noise_why,
    targets: view.targets.map((target) => ({ ...target, value: spelled(target.value) })),
  };
}

export function forecastsOf(views: readonly ForecastView[], board: Board | undefined): Awaited<ReturnType<Source["forecasts"]>> {
  return views.flatMap((view) => {
    const row = board?.rows.get(view.row);
    return row === undefined ? [] : [{ row, mean: spelled(view.mean), low: spelled(view.low), high: spelled(view.high) }];
  });
}

/** What an error says to people, and what they can do. */
export function said(error: unknown): { readonly why: string; readonly hint: string } {
  if (error instanceof Refused) return { why: error.message, hint: error.hint };
  return { why: error instanceof Error ? error.message : String(error), hint: "" };
}

export async function fetched<T>(asked: Promise<T>): Promise<Fetched<T>> {
  try {
    return { state: "ready", value: await asked };
  } catch (error) {
    const { why, hint } = said(error);
    return { state: "failed", why: hint ? `${why}. ${hint}` : why };
  }
}
