/** Words for figures that are not a chart's. */
import { number } from "./charts/scale";

export { compact, duration, moment, number, shortened } from "./charts/scale";

export function counted(count: number, what: string): string {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}

export function ago(seconds: number, now: number = Date.now() / 1000): string {
  const past = Math.max(0, now - seconds);
  if (!Number.isFinite(past)) return "–";
  if (past < 60) return "just now";
  if (past < 3600) return `${Math.floor(past / 60)} min ago`;
  if (past < 86400) return `${Math.floor(past / 3600)} h ago`;
  return `${Math.floor(past / 86400)} d ago`;
}

/** With its sign: a difference to something. */
export function signed(value: number, digits = 3): string {
  if (Number.isNaN(value)) return "–";
  return `${value > 0 ? "+" : value < 0 ? "−" : "±"}${number(Math.abs(value), digits)}`;
}

export function hours(value: number): string {
  if (value < 1) return `${number(value * 60, 2)} min`;
  return value < 10 ? `${number(value, 2)} h` : `${Math.round(value).toLocaleString("en")} h`;
}
