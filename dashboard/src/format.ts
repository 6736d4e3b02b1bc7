/** Numbers, times and names in words: the one place that decides how the page writes them. Spelling of ticks is the scales'. */

/** A number as short as it can be with `digits` significant digits: 0.001, 2.5e-5, 1234, 0.7812. */
export function number(value: number | undefined, digits = 4): string {
  if (value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "-∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  const rounded = Number(value.toPrecision(digits));
  if (size >= 1e6 || size < 1e-3) {
    const [mantissa = "0", exponent = "0"] = rounded.toExponential().split("e");
    return `${mantissa}e${Number(exponent)}`;
  }
  return String(rounded);
}

/** For ticks, where room is short: 10k, 1.5M. */
export function compact(value: number): string {
  const size = Math.abs(value);
  for (const [unit, suffix] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (size >= Math.max(unit, 1e4) && size < 1e12)
      return `${Number((value / unit).toPrecision(4))}${suffix}`;
  }
  return number(value);
}

/** Seconds since 1970 as a person's local time. */
export function moment(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const date = new Date(seconds * 1000);
  return (
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}`
  );
}

/** A length of time: 45 s, 12 min, 3.4 h, 2.1 d. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const size = Math.abs(seconds);
  if (size < 90) return `${number(seconds, 2)} s`;
  if (size < 5400) return `${number(seconds / 60, 2)} min`;
  if (size < 172800) return `${number(seconds / 3600, 2)} h`;
  return `${number(seconds / 86400, 2)} d`;
}

/** Two digits, as clocks and dates have them. */
export function two(value: number): string {
  return String(value).padStart(2, "0");
}

/**
 * A metric's name without what it is grouped by, where room is short: metrics/mAP50(B) is mAP50(B).
 */
export function shortened(metric: string): string {
  return metric.slice(metric.lastIndexOf("/") + 1) || metric;
}

/** Text cut to `length` characters with an ellipsis. */
export function elided(text: string, length: number): string {
  const characters = [...text];
  return characters.length > length
    ? `${characters.slice(0, Math.max(1, length - 1)).join("")}…`
    : text;
}

/** A count with its thousands apart: 10,000. */
export function grouped(count: number): string {
  return count.toLocaleString("en");
}

export function counted(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? "" : "s"}`;
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
  return value < 10 ? `${number(value, 2)} h` : `${grouped(Math.round(value))} h`;
}

export function money(value: number, currency: string): string {
  return `${value.toFixed(2)} ${currency}`.trim();
}

/** A share of a whole as its difference, with its sign; "" where that has no meaning. */
export function percentOf(difference: number, whole: number): string {
  const share = (100 * difference) / Math.abs(whole);
  if (!Number.isFinite(share) || Math.abs(share) > 1000) return "";
  const shown = Math.abs(share) < 10 ? Math.abs(share).toFixed(1) : Math.abs(share).toFixed(0);
  return `${share > 0 ? "+" : share < 0 ? "−" : "±"}${shown} %`;
}

/** 1st, 2nd, 3rd, 4th, 11th. */
export function ordinal(place: number): string {
  const ending = place % 100 >= 11 && place % 100 <= 13 ? "th" : ["th", "st", "nd", "rd"][place % 10] ?? "th";
  return `${grouped(place)}${ending}`;
}
