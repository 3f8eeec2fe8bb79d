// The console beside a busy server: how evenly it draws, what it keeps in memory, what it costs the server.
//
//   tests/console/run.sh load [--minutes 30] [--queues 100000] [--rate 20000]
//
// First the figures of single views, then memory for so many minutes; `--minutes 0` for the figures alone, `--views none`
// for memory alone, `--views "overview;queues"` for some of them. Two windows stay open: one on the overview, one that goes through the queues and into one of them. `sqs-load` of
// loadtest/ sends, receives and deletes messages meanwhile; LCLQ_LOAD names it where it isn't beside the server.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { launch, openPage, until, visit } from "./lib/browser.js";
import { sqsClient } from "./lib/clients.js";
import { busy, cpuSeconds, frames, kept } from "./lib/measure.js";
import { start } from "./lib/server.js";

const BATCH = 10;
const MAKERS = 32;
const FRAMES_MS = 10_000;
const TURN_MS = 8000;
const TURNS = 4;
const STEP_MS = 5000;
/** Until then the history of the server, which a page shows in full, gets longer. */
const FULL_MS = 11 * 60_000;
const ROW_MS = 60_000;

const { values: asked } = parseArgs({ options: {
  minutes: { type: "string", default: "30" }, queues: { type: "string", default: "100000" }, rate: { type: "string", default: "20000" },
  views: { type: "string", default: "all" },
} });
const [minutes, queues, rate] = [asked.minutes, asked.queues, asked.rate].map(Number);

const load = process.env.LCLQ_LOAD ?? join(dirname(process.env.LCLQ_BIN ?? ""), "sqs-load");
if (!existsSync(load)) throw new Error(`there is no ${load}: cargo build --release -p lclq-loadtest, or name it by LCLQ_LOAD`);

/** @param {...(string | number)} words */
const say = (...words) => console.log(`${new Date().toISOString().slice(11, 19)} `, ...words);

const server = await start();
const sqs = sqsClient(server.sqs);
let made = 0;
await Promise.all(Array.from({ length: MAKERS }, async () => {
  while (made < queues) {
    made += 1;
    await sqs("CreateQueue", { QueueName: `orders-of-shop-${String(made).padStart(6, "0")}` });
  }
}));
say(`${queues} queues are made`);

/** @type {import("node:child_process").ChildProcess[]} */
const loads = [];
const seconds = minutes * 60 + 3600;
for (const [action, perSecond] of /** @type {[string, number][]} */ ([["send-batch", rate / BATCH], ["receive-delete", (rate / BATCH) * 1.1]])) {
  const child = spawn(load, ["--url", server.sqs, "--action", action, "--rate", String(perSecond), "--connections", "32", "--seconds", String(seconds), "--batch", String(BATCH)], { stdio: ["ignore", "ignore", "inherit"] });
  process.once("exit", () => child.kill("SIGKILL"));
  loads.push(child);
}
await sleep(3000);
say(`${rate} messages/s are asked for; sent, received, deleted per second: ${(await passing()).map((one) => Math.round(one)).join(", ")}`);

async function stats() {
  const answer = await fetch(`${server.admin}/api/v1/history`);
  return (await answer.json()).samples;
}
async function passing() {
  const samples = await stats();
  const [before, now] = [samples.at(-3), samples.at(-1)];
  return ["sent", "received", "deleted"].map((name) => (now[name] - before[name]) / ((now.at - before.at) / 1000));
}

const browser = await launch();
/** @param {string} address @param {string} text */
async function openAt(address, text) {
  const opened = await openPage(browser);
  const devtools = await opened.page.createCDPSession();
  await devtools.send("Performance.enable");
  await visit(opened.page, server.admin, address);
  await until(opened.page, text);
  return { ...opened, devtools };
}

/** The server's CPU time while something is open, as a share of one core. @param {() => Promise<void>} act */
async function costOf(act) {
  const [began, cpu] = [performance.now(), cpuSeconds(server.pid)];
  await act();
  return (cpuSeconds(server.pid) - cpu) / ((performance.now() - began) / 1000);
}
/** By turns, so that what else the machine does meets both alike. @param {string} address @param {string} text */
async function serverCost(address, text) {
  let [without, withPage] = [0, 0];
  for (let turn = 0; turn < TURNS; turn += 1) {
    without += await costOf(() => sleep(TURN_MS)) / TURNS;
    const { page, close } = await openAt(address, text);
    await sleep(1000);
    withPage += await costOf(() => sleep(TURN_MS)) / TURNS;
    if (await page.evaluate(() => document.hidden)) throw new Error("the page is hidden, so it rests");
    await close();
  }
  return { without, withPage };
}
const percent = (/** @type {number} */ share) => `${(share * 100).toFixed(2)} %`;

const VIEWS = /** @type {[string, string, string][]} */ ([
  ["overview", "#/", "Operations since the start"], ["queues", "#/queues", "orders-of-shop"], ["1,000 queues", "#/queues?limit=1000", "orders-of-shop"],
  ["a queue", "#/queue/us-east-1/000000000000/load-0", "Receive from it"],
]);
for (const [name, address, text] of VIEWS) {
  if (asked.views !== "all" && !asked.views.split(";").includes(name)) continue;
  const opened = await openAt(address, text);
  const drawn = await frames(opened.page, FRAMES_MS);
  const share = await busy(opened.devtools, FRAMES_MS);
  await opened.close();
  say(`${name}: frames p50 ${drawn.p50.toFixed(1)} ms, p95 ${drawn.p95.toFixed(1)}, p99 ${drawn.p99.toFixed(1)}, longest ${drawn.most.toFixed(0)}; ${drawn.long} tasks over 50 ms, the longest ${drawn.longest.toFixed(0)} ms; the page takes ${percent(share)} of a core`);
  const { without, withPage } = await serverCost(address, text);
  say(`${name}: the server takes ${percent(without)} of a core without the page, ${percent(withPage)} with it: ${percent(withPage - without)} more`);
}

if (minutes > 0) await remember();
say(`sent, received, deleted per second: ${(await passing()).map((one) => Math.round(one)).join(", ")}`);
await browser.close();
for (const child of loads) child.kill("SIGTERM");
await server.stop();
process.exit(0);

/** What pages keep in memory while they are open. */
async function remember() {
  const overview = await openAt("#/", "Operations since the start");
  const walker = await openAt("#/queues", "orders-of-shop");
  const STEPS = [
    () => visit(walker.page, server.admin, "#/queues?contains=0042"),
    () => visit(walker.page, server.admin, "#/queue/us-east-1/000000000000/load-0"),
    () => visit(walker.page, server.admin, "#/queue/us-east-1/000000000000/load-0/messages"),
    () => visit(walker.page, server.admin, "#/queues?sort=visible&descending=true"),
    () => visit(walker.page, server.admin, "#/"),
    () => visit(walker.page, server.admin, "#/queues"),
  ];
  const began = performance.now();
  /** @type {Awaited<ReturnType<typeof kept>>[][]} */
  const rows = [];
  let nextRow = 0;
  for (let step = 0; performance.now() - began < minutes * 60_000; step += 1) {
    // Within the page, so that what views leave behind adds up.
    await STEPS[step % STEPS.length]();
    await sleep(STEP_MS);
    if (performance.now() - began < nextRow) continue;
    nextRow += ROW_MS;
    // Always in the same view.
    await visit(walker.page, server.admin, "#/queues");
    await sleep(1000);
    const row = [await kept(overview.devtools), await kept(walker.devtools)];
    rows.push(row);
    say(...row.map((one, at) => `${["overview", "  walk"][at]}: heap ${one.heapMib.toFixed(2)} MiB, ${one.nodes} nodes, ${one.listeners} listeners`));
  }
  for (const [name, opened] of /** @type {[string, typeof overview][]} */ ([["overview", overview], ["walk", walker]])) {
    const drawn = await frames(opened.page, FRAMES_MS);
    say(`${name}, at the end: frames p50 ${drawn.p50.toFixed(1)} ms, p95 ${drawn.p95.toFixed(1)}, p99 ${drawn.p99.toFixed(1)}, longest ${drawn.most.toFixed(0)}; ${drawn.long} tasks over 50 ms`);
    if (opened.complaints.length) say(name, "complains:", opened.complaints.slice(0, 3).join("; "));
  }
  const from = rows[Math.min(rows.length - 1, Math.ceil(FULL_MS / ROW_MS))];
  ["overview", "walk"].forEach((name, at) => say(`${name}: heap ${from?.[at].heapMib.toFixed(2)} MiB once the history is full, ${rows.at(-1)?.[at].heapMib.toFixed(2)} MiB at the end`));
}
