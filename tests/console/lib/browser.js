// A real Chromium without a window.

import { execFileSync } from "node:child_process";
import puppeteer from "puppeteer-core";

const PATIENCE_MS = 15_000;

/** @param {...string} more flags */
export async function launch(...more) {
  const executablePath = process.env.LCLQ_CHROMIUM ?? execFileSync("sh", ["-c", "command -v chromium || command -v chromium-browser"], { encoding: "utf8" }).trim();
  return puppeteer.launch({
    executablePath, headless: true,
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--lang=en-GB", "--disable-background-networking", ...more],
  });
}

/**
 * A page that fails the test where it complains: of errors in scripts, of what its policy forbids, of other hosts.
 * @param {import("puppeteer-core").Browser} browser @param {{width?: number, theme?: "light" | "dark"}} [settings]
 */
export async function openPage(browser, settings = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.setViewport({ width: settings.width ?? 1440, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: settings.theme ?? "light" }]);
  /** @type {string[]} */
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    const text = message.text();
    // What the server refuses, the page shows; the browser notes it, too.
    if (message.type() === "error" && !text.startsWith("Failed to load resource")) complaints.push(text);
  });
  /** @type {Set<string>} */
  const hosts = new Set();
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http")) hosts.add(url.host);
  });
  return { page, complaints, hosts, close: () => context.close() };
}

/** Waits until a text is on the page. @param {import("puppeteer-core").Page} page @param {string} text @param {string} [within] */
export function until(page, text, within = "body") {
  return page.waitForFunction((wanted, where) => [...document.querySelectorAll(where)].some((one) => /** @type {HTMLElement} */ (one).innerText.includes(wanted)), { polling: 50 }, text, within);
}

/** Goes to an address of the console, and waits until its view is drawn. @param {import("puppeteer-core").Page} page @param {string} base @param {string} hash */
export async function visit(page, base, hash) {
  await page.goto(`${base}/${hash}`);
  await page.evaluate((wanted) => { if (location.hash !== wanted) location.hash = wanted; }, hash);
  // A handle would keep the view in memory for as long as the page is open.
  await (await page.waitForSelector("main h1"))?.dispose();
}

/** Presses the button of that name, as it is read out. @param {import("puppeteer-core").Page} page @param {string} name @param {string} [within] */
export async function press(page, name, within = "") {
  const found = await page.waitForSelector(`${within} ::-p-aria([name="${name}"][role="button"])`, { visible: true });
  await found?.click();
}

/** Writes into the field of that label. @param {import("puppeteer-core").Page} page @param {string} label @param {string} text @param {string} [within] */
export async function write(page, label, text, within = "") {
  // Heads of columns may have the same name.
  const found = await Promise.any(["textbox", "searchbox", "combobox"].map((role) => page.waitForSelector(`${within} ::-p-aria([name="${label}"][role="${role}"])`, { visible: true })));
  await found?.evaluate((element, value) => {
    const control = /** @type {HTMLInputElement} */ (element);
    control.value = "";
    if (value === "") control.dispatchEvent(new Event("input", { bubbles: true }));
  }, text);
  if (text) await found?.type(text);
}

/** From now on each request of the page waits until it is let go. @param {import("puppeteer-core").Page} page @returns {Promise<() => Promise<void>>} lets go */
export async function hold(page) {
  await page.evaluate(() => {
    const own = /** @type {any} */ (window);
    own.isHeld = new Promise((resolve) => { own.letGo = resolve; });
    own.ask ??= window.fetch;
    window.fetch = async (...request) => {
      await own.isHeld;
      return own.ask(...request);
    };
  });
  return () => page.evaluate(() => /** @type {any} */ (window).letGo());
}
