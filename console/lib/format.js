// Numbers, sizes, times in the person's locale.

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const fine = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
/** @type {Map<string, Intl.NumberFormat>} */
const units = new Map();

/** What stands where there is nothing to tell. */
export const NOTHING = "–";

/** @param {number | null | undefined} value */
export const number = (value) => (value === null || value === undefined ? NOTHING : whole.format(value));
/** @param {number | null | undefined} value */
export const compact = (value) => (value === null || value === undefined ? NOTHING : short.format(value));
/** @param {number | null | undefined} value */
export const rate = (value) => {
  if (value === null || value === undefined) return NOTHING;
  return value < 10 ? fine.format(value) : short.format(value);
};
/** @param {number} value @param {string} unit */
function inUnit(value, unit) {
  let format = units.get(unit);
  if (!format) {
    format = new Intl.NumberFormat(undefined, { style: "unit", unit, unitDisplay: unit === "byte" ? "long" : unit.endsWith("byte") ? "short" : "narrow", maximumFractionDigits: 1 });
    units.set(unit, format);
  }
  return format.format(value);
}

const BYTES = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

/** @param {number | null | undefined} bytes */
export function size(bytes) {
  if (bytes === null || bytes === undefined) return NOTHING;
  let at = 0;
  let value = bytes;
  while (value >= 1000 && at < BYTES.length - 1) {
    value /= 1000;
    at += 1;
  }
  return inUnit(value, BYTES[at]);
}

/** @param {number | null | undefined} ms */
export function duration(ms) {
  if (ms === null || ms === undefined) return NOTHING;
  if (ms < 1000) return inUnit(ms, "millisecond");
  const s = ms / 1000;
  if (s < 60) return inUnit(Math.round(s * 10) / 10, "second");
  /** @param {number} big @param {string} bigUnit @param {number} small @param {string} smallUnit */
  const both = (big, bigUnit, small, smallUnit) => (small ? `${inUnit(big, bigUnit)} ${inUnit(small, smallUnit)}` : inUnit(big, bigUnit));
  const rounded = Math.round(s);
  if (rounded < 3600) return both(Math.floor(rounded / 60), "minute", rounded % 60, "second");
  const minutes = Math.round(s / 60);
  if (minutes < 24 * 60) return both(Math.floor(minutes / 60), "hour", minutes % 60, "minute");
  const hours = Math.round(s / 3600);
  return both(Math.floor(hours / 24), "day", hours % 24, "hour");
}

/** Microseconds as what reads best. @param {number | null | undefined} us */
export function micros(us) {
  if (us === null || us === undefined) return NOTHING;
  return us < 1000 ? inUnit(us, "microsecond") : duration(us / 1000);
}

/** @param {number | null | undefined} ms since 1970 */
export const time = (ms) => (ms === null || ms === undefined ? NOTHING : moment.format(ms));
/** @param {number} ms since 1970 */
export const timeOfDay = (ms) => clock.format(ms);
