/** By how much luck alone lets one run lead another: in standard deviations of one run's value, in 19 of 20 cases at most. */

/** Two runs of one configuration differ by more than so many in about one case of twenty. */
export const BEYOND_CHANCE = 1.96 * Math.SQRT2;

const USUAL = 0.95;
const STEP = 0.05;
const FAR = 8;

/** The lead of the best of `tried` equal runs over another one: t with ∫ φ(z) Φ(z + t)ⁿ dz = 0.95, as the server has it. */
export function luckyLead(tried: number): number {
  let low = 0;
  let high = 10;
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (below(middle, Math.max(tried, 1)) < USUAL) low = middle;
    else high = middle;
  }
  return high;
}

function below(lead: number, tried: number): number {
  let sum = 0;
  let all = 0;
  for (let z = -FAR; z <= FAR; z += STEP) {
    const density = Math.exp(-0.5 * z * z);
    all += density;
    sum += density * normal(z + lead) ** tried;
  }
  return sum / all;
}

/** Φ(z), to 1e-7 (Abramowitz and Stegun 1964, 26.2.17). */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)) * series;
  return z > 0 ? 1 - tail : tail;
}
