/**
 * All that is known of one sweep (or of a project's runs outside of sweeps), kept up to date: the only subscriber to
 * the stream on its page. Boards and curves are changed in place; `version` and `curvesVersion` say so.
 */
import { batch, effect, signal, type Signal } from "@preact/signals";
import type { Board, Curves, Fetched, Forecast, HealthCard, Importance, Progress, Source } from "../types";
import { merge, report } from "./board";
import { change, emptyCurves, lengthOf, replacing, type Change } from "./curves";
import { listen, type Feed, type Happened, type Liveness, type Message, type Point } from "./live";
import { boardView, curvesOf, fetched, type Subject } from "./source";

/** A point is drawn so soon; rows of runs that changed are asked for so often at most; what the server computes, less so. */
const POINTS_MS = 50;
const ROWS_MS = 350;
const FIGURES_MS = 2_000;
const INSIGHTS_MS = 2_500;
/** Above this, the whole board is as cheap. */
const MANY = 300;

export interface Updates {
  view(subject: Subject, runs?: readonly string[]): ReturnType<typeof boardView>;
  curves(subject: Subject, metric: string, timed: boolean, runs?: readonly string[]): ReturnType<typeof curvesOf>;
  listen: typeof listen;
}
const updates: Updates = { view: boardView, curves: curvesOf, listen };

export class SweepData {
  readonly board: Signal<Fetched<Board>> = signal({ state: "loading" });
  readonly version = signal(0);
  readonly curves: Signal<Fetched<Curves>> = signal({ state: "loading" });
  readonly curvesVersion = signal(0);
  readonly metrics: Signal<readonly string[]> = signal([]);
  readonly importance: Signal<Fetched<Importance>> = signal({ state: "loading" });
  readonly health: Signal<Fetched<readonly HealthCard[]>> = signal({ state: "loading" });
  readonly progress: Signal<Fetched<Progress>> = signal({ state: "loading" });
  readonly forecasts: Signal<readonly Forecast[]> = signal([]);
  /** Counts up when the server would answer otherwise about slices and pairs. */
  readonly insights = signal(0);
  readonly liveness: Signal<Liveness> = signal("connecting");

  private feed: Feed | null = null;
  private readonly changed = new Set<string>();
  private readonly recurve = new Set<string>();
  private readonly reported = new Map<string, Point[]>();
  private readonly timers = new Map<string, ReturnType<typeof setTimeout>>();
  private stopListening = (): void => undefined;
  private readonly looked = (): void => {
    if (document.visibilityState !== "visible") return;
    if (this.changed.size) this.later("rows", ROWS_MS, () => void this.rows());
    if (this.outdated) void this.refreshInsights();
  };
  private closed = false;
  private shownMetric = "";
  /** Curves come with their times: from when somebody first wanted them over time. */
  private timed = false;
  /** The sweep changed while nobody looked: insights wait until somebody does. */
  private outdated = false;

  constructor(
    readonly subject: Subject,
    readonly source: Source,
    private readonly updates_: Updates = updates,
  ) {}

  /** The first page: the board and the curves of its objective side by side, then what the server has to compute. */
  async open(metric = "", boarded: () => void = () => undefined): Promise<void> {
    document.addEventListener("visibilitychange", this.looked);
    const { id } = this.subject;
    // Only a sweep has an objective that the server knows by itself.
    const first = metric || this.subject.kind === "sweep" ? this.loadCurves(metric) : null;
    await this.reload(boarded);
    await first;
    if (this.closed || !this.ready()) return;
    void this.refreshInsights();
    const names = await fetched(this.source.metrics(id));
    if (this.closed || names.state !== "ready") return;
    this.metrics.value = names.value;
    if (!this.shownMetric && !this.ready()?.head.metric) await this.loadCurves(this.usual);
  }

  /** The metric that is shown unasked: the objective (""), or where there is none the first. */
  private get usual(): string {
    return this.ready()?.head.metric ? "" : this.metrics.value[0] ?? "";
  }

  close(): void {
    this.closed = true;
    document.removeEventListener("visibilitychange", this.looked);
    this.stopListening();
    this.feed?.close();
    for (const timer of this.timers.values()) clearTimeout(timer);
  }

  async showMetric(metric: string): Promise<void> {
    const wanted = metric || this.usual;
    if (wanted !== this.shownMetric) await this.loadCurves(wanted);
  }

  /** Curves over time from now on. */
  async showTimes(): Promise<void> {
    if (this.timed || this.source.frozen) return;
    this.timed = true;
    await this.loadCurves(this.shownMetric);
  }

  /** Shows another metric's curves; "" is the objective. */
  async loadCurves(metric: string): Promise<void> {
    this.shownMetric = metric;
    const { timed } = this;
    const asked = await fetched(this.source.curves(this.subject.id, metric, timed));
    if (this.closed || this.shownMetric !== metric || this.timed !== timed) return;
    batch(() => {
      this.curves.value = asked;
      this.curvesVersion.value += 1;
    });
    this.takeReports();
  }

  async retry(): Promise<void> {
    this.board.value = { state: "loading" };
    await Promise.all([this.reload(), this.loadCurves(this.shownMetric)]);
    if (this.ready()) void this.refreshInsights();
  }

  /** The objective's curves, which points of the stream continue. */
  private get onObjective(): boolean {
    const board = this.ready();
    const objective = board?.head.metric?.name;
    return objective !== undefined && (this.shownMetric === "" || this.shownMetric === objective);
  }

  private ready(): Board | null {
    const { value } = this.board;
    return value.state === "ready" ? value.value : null;
  }

  /** `boarded` hears of it before anything is drawn. */
  private async reload(boarded: () => void = () => undefined): Promise<void> {
    const asked = await fetched(this.source.board(this.subject.id));
    if (this.closed) return;
    batch(() => {
      this.board.value = asked;
      this.version.value += 1;
      if (asked.state === "ready") boarded();
    });
    if (asked.state !== "ready") return;
    if (this.source.frozen) {
      this.liveness.value = "frozen";
      return;
    }
    this.expectAdvice(asked.value);
    if (this.feed) return;
    const filter = this.subject.kind === "sweep" ? `sweep=${encodeURIComponent(this.subject.id)}` : "";
    this.feed = this.updates_.listen(filter, asked.value.position, (message) => this.hear(message));
    const { state } = this.feed;
    this.stopListening = effect(() => {
      this.liveness.value = state.value;
    });
  }

  /** Nothing in the stream says when the model has answered. */
  private expectAdvice(board: Board): void {
    if (board.head.advising) this.later("figures", FIGURES_MS, () => void this.rows());
  }

  private hear(message: Message): void {
    if (message.kind === "gap") {
      this.later("gap", ROWS_MS, () => void Promise.all([this.reload(), this.loadCurves(this.shownMetric)]));
      return;
    }
    if (message.kind === "point") this.hearPoint(message);
    else this.hearEvent(message);
  }

  private hearPoint(point: Point): void {
    if (!this.ready()?.rows.has(point.run)) {
      if (this.subject.kind === "sweep") this.note(point.run, true);
      return;
    }
    const waiting = this.reported.get(point.run);
    if (waiting) waiting.push(point);
    else this.reported.set(point.run, [point]);
    this.later("points", POINTS_MS, () => this.takeReports());
    this.changed.add(point.run);
    if (!this.onObjective) this.recurve.add(point.run);
    this.later("figures", FIGURES_MS, () => void this.rows());
  }

  private hearEvent(event: Happened): void {
    if (this.subject.kind === "project" && event.sweep !== null) return;
    // Attempts hide what earlier ones reported after their first step: the curve is asked for again.
    if (event.run !== null) this.note(event.run, event.type !== "run.reported");
    else this.later("rows", ROWS_MS, () => void this.rows());
    this.later("insights", INSIGHTS_MS, () => void this.refreshInsights());
  }

  private note(run: string, curve: boolean): void {
    this.changed.add(run);
    if (curve) this.recurve.add(run);
    this.later("rows", ROWS_MS, () => void this.rows());
  }

  private later(name: string, after: number, act: () => void): void {
    if (this.timers.has(name) || this.closed) return;
    this.timers.set(name, setTimeout(() => {
      this.timers.delete(name);
      act();
    }, after));
  }

  /** Takes waiting points of the objective into the board and into its curves. */
  private takeReports(): void {
    const board = this.ready();
    if (!board || !this.reported.size) return;
    const curves = this.curves.value.state === "ready" && this.onObjective ? this.curves.value.value : null;
    const changes = new Map<number, Change>();
    for (const [run, points] of this.reported) {
      const row = board.rows.get(run);
      if (row === undefined) continue;
      const started = board.columns.get("started")?.values[row] ?? NaN;
      let last = curves && lengthOf(curves, row) ? curves.steps[(curves.offsets[row + 1] ?? 0) - 1] ?? -Infinity : -Infinity;
      const steps: number[] = [];
      const values: number[] = [];
      for (const { step, value } of points) {
        report(board, row, step, value);
        if (!curves) continue;
        // A step again: the server knows which attempt's counts.
        if (step <= last) this.note(run, true);
        else {
          steps.push(step);
          values.push(value);
          last = step;
        }
      }
      if (steps.length && curves) {
        const now = Date.now() / 1000 - started;
        changes.set(row, { keep: lengthOf(curves, row), steps, values, times: steps.map(() => now) });
      }
    }
    this.reported.clear();
    board.version += 1;
    batch(() => {
      if (curves && changes.size) {
        change(curves, board.n, changes);
        this.curvesVersion.value += 1;
      }
      this.version.value += 1;
    });
  }

  /** Rows of runs that changed, and their curves where those may be other than the points said. */
  private async rows(): Promise<void> {
    const board = this.ready();
    if (!board || this.closed) return;
    if (document.visibilityState === "hidden" && this.changed.size > MANY) return;
    const runs = [...this.changed];
    const redrawn = [...this.recurve];
    this.changed.clear();
    this.recurve.clear();
    const few = runs.length <= MANY ? runs : undefined;
    const { shownMetric: metric, timed } = this;
    try {
      const view = await this.updates_.view(this.subject, few);
      if (this.closed || this.ready() !== board) return;
      const orderly = merge(board, view);
      this.expectAdvice(board);
      this.version.value += 1;
      if (!orderly) {
        await Promise.all([this.reload(), this.loadCurves(metric)]);
        return;
      }
      if (!redrawn.length) return;
      const known = redrawn.filter((run) => board.rows.has(run));
      const news = await this.updates_.curves(this.subject, metric, timed, known.length <= MANY ? known : undefined);
      if (this.closed || this.shownMetric !== metric || this.timed !== timed) return;
      // The server answers in the board's order, whatever the order asked for.
      const rows = known.length <= MANY
        ? known.map((run) => board.rows.get(run) ?? -1).sort((a, b) => a - b) : [...board.ids.keys()];
      const current = this.curves.value;
      const curves = current.state === "ready" ? current.value : emptyCurves(news.metric, 0);
      change(curves, board.n, replacing(rows, news));
      batch(() => {
        if (current.state !== "ready") this.curves.value = { state: "ready", value: curves };
        this.curvesVersion.value += 1;
      });
      this.takeReports();
    } catch {
      // The stream says when the server is there again; until then these are still to be asked for.
      runs.forEach((run) => this.changed.add(run));
      redrawn.forEach((run) => this.recurve.add(run));
      if (this.changed.size) this.later("rows", FIGURES_MS, () => void this.rows());
    }
  }

  private async refreshInsights(): Promise<void> {
    const { id } = this.subject;
    if (this.closed || this.subject.kind === "project") return;
    this.outdated = document.visibilityState === "hidden";
    if (this.outdated) return;
    const keep = async <T>(into: Signal<Fetched<T>>, asked: Promise<T>): Promise<void> => {
      const answer = await fetched(asked);
      // What was there is better than an error that passes.
      if (!this.closed && (answer.state === "ready" || into.value.state !== "ready")) into.value = answer;
    };
    await Promise.all([
      keep(this.progress, this.source.progress(id)),
      keep(this.health, this.source.health(id)),
      this.source.forecasts(id).then((forecasts) => {
        if (!this.closed) this.forecasts.value = forecasts;
      }, () => undefined),
      keep(this.importance, this.source.importance(id, this.ready()?.head.metric?.name ?? "")),
    ]);
    this.insights.value += 1;
  }
}
