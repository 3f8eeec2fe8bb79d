// What a page costs: how evenly it draws, how long it computes, what it keeps in memory.

import { readFileSync } from "node:fs";

const FRAMES_MAX = 20_000;

/** @param {number[]} sorted @param {number} share of all that are no greater */
export const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/**
 * Times between frames, and tasks for which the page didn't answer, ms. Frames are asked for only meanwhile, since
 * asking for them makes a page draw.
 * @param {import("puppeteer-core").Page} page @param {number} ms
 */
export async function frames(page, ms) {
  const { deltas, long } = await page.evaluate((until, most) => new Promise((resolve) => {
    /** @type {number[]} */
    const between = [];
    /** @type {number[]} */
    const tasks = [];
    const observer = new PerformanceObserver((list) => { for (const one of list.getEntries()) tasks.push(one.duration); });
    observer.observe({ type: "longtask" });
    const began = performance.now();
    let before = 0;
    const frame = (/** @type {number} */ now) => {
      if (before) between.push(now - before);
      before = now;
      if (performance.now() - began < until && between.length < most) {
        requestAnimationFrame(frame);
        return;
      }
      observer.disconnect();
      resolve({ deltas: between, long: tasks });
    };
    requestAnimationFrame(frame);
  }), ms, FRAMES_MAX);
  const sorted = deltas.toSorted((/** @type {number} */ one, /** @type {number} */ other) => one - other);
  return { count: sorted.length, p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), p99: quantile(sorted, 0.99), most: sorted.at(-1) ?? 0, long: long.length, longest: Math.max(0, ...long) };
}

/** What the page has in memory once garbage is gone. @param {import("puppeteer-core").CDPSession} devtools */
export async function kept(devtools) {
  // What only finalizers hold goes with the second turn.
  for (let turn = 0; turn < 2; turn += 1) await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  const figures = await metrics(devtools);
  return { heapMib: usedSize / 1024 / 1024, nodes: figures.Nodes, listeners: figures.JSEventListeners };
}

/** @param {import("puppeteer-core").CDPSession} devtools @returns {Promise<Record<string, number>>} */
async function metrics(devtools) {
  const { metrics: all } = await devtools.send("Performance.getMetrics");
  return Object.fromEntries(all.map((one) => [one.name, one.value]));
}

/** Share of one core that the page's main thread takes. @param {import("puppeteer-core").CDPSession} devtools @param {number} ms */
export async function busy(devtools, ms) {
  const before = await metrics(devtools);
  await new Promise((resolve) => setTimeout(resolve, ms));
  const now = await metrics(devtools);
  return (now.TaskDuration - before.TaskDuration) / (now.Timestamp - before.Timestamp);
}

/** CPU time of a process so far, s. @param {number} pid */
export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
  // utime and stime, in the 100ths of a second that Linux shows everybody.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
