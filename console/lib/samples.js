// The figures of one queue, topic or subscription, as the server keeps them since somebody first looked.

import { get } from "./api.js";
import { perSecond } from "../parts/chart.js";

export const LOOK_MS = 1000;
export const WINDOW_MS = 300_000;

/**
 * @param {string} path of the resource
 * @param {Record<string, any>} of
 */
export function samplesOf(path, of) {
  /** @type {any[]} */
  let samples = [];
  return {
    /** Asks for those that are new. @param {AbortSignal} signal */
    async look(signal) {
      const told = await get(`${path}/history`, { ...of, after: samples.at(-1)?.at ?? 0 }, signal);
      samples = [...samples, ...told.samples].slice(-told.samples_max);
    },
    all: () => samples,
    /** Points of a chart. @param {(now: any, before: any) => (number | null)[]} values */
    points: (values) => samples.map((now, at) => ({ at: now.at, values: values(now, samples[at - 1]) })),
    /** Points of a chart of counters. @param {...string} names */
    rates: (...names) => samples.map((now, at) => ({ at: now.at, values: at ? names.map((name) => perSecond(now, samples[at - 1], name)) : [] })),
  };
}
