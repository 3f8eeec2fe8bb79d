// Each view is drawn, by day and by night, on a phone and on a desk, without a complaint of the browser, of
// axe, or of its own policy, and asks no other host.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { violations } from "../lib/axe.js";
import { hold, launch, openPage, press, until, visit } from "../lib/browser.js";
import { furnish, traffic } from "../lib/clients.js";
import { start, startWith } from "../lib/server.js";
import { FILE, THEMES, VIEWS, WIDTHS } from "../lib/views.js";

const FIRST_PAINT_MS_MAX = 3000;
const RESOURCES_BYTES_MAX = 150 * 1024;

let server, browser, stop;
before(async () => {
  server = await startWith(FILE, "--test-controls", "--journey-events", "1000");
  stop = traffic(await furnish(server));
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await stop?.();
  await server?.stop();
});

for (const theme of THEMES) {
  test(`axe finds nothing in any view, ${theme}`, async () => {
    const { page, complaints, hosts, close } = await openPage(browser, { theme });
    const found = [];
    for (const [name, address, text] of VIEWS) {
      await visit(page, server.admin, address);
      await until(page, text);
      if (/-(messages|decoded)$/.test(name)) await page.click("td.preview button");
      found.push(...(await violations(page)).map((one) => `${name}: ${one}`));
    }
    await visit(page, server.admin, "#/queues");
    await press(page, "Create a queue", "main");
    await page.click("dialog button[type=submit]");
    found.push(...(await violations(page)).map((one) => `a form: ${one}`));
    await page.keyboard.press("Escape");
    await page.keyboard.down("Control");
    await page.keyboard.press("k");
    await page.keyboard.up("Control");
    await page.waitForSelector("dialog.palette li");
    found.push(...(await violations(page)).map((one) => `the palette: ${one}`));
    assert.deepEqual(found, []);
    assert.deepEqual(complaints, []);
    assert.deepEqual([...hosts], [new URL(server.admin).host]);
    await close();
  });
}

for (const width of WIDTHS) {
  test(`nothing sticks out at ${width} px`, async () => {
    const { page, complaints, close } = await openPage(browser, { width });
    const found = [];
    for (const [name, address, text] of VIEWS) {
      await visit(page, server.admin, address);
      await until(page, text);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) found.push(`${name}: ${wide}`);
    }
    assert.deepEqual(found, []);
    assert.deepEqual(complaints, []);
    await close();
  });
}

test("whoever uses a view before the server has answered breaks nothing", async () => {
  const { page, complaints, close } = await openPage(browser);
  /** Chooses, ticks and types all that there is. */
  const fiddle = () => page.evaluate(() => {
    const told = (/** @type {Element} */ one, /** @type {string} */ type) => one.dispatchEvent(new Event(type, { bubbles: true }));
    let used = 0;
    for (const one of document.querySelectorAll("main select, main input:not([type=file]), main textarea")) {
      const control = /** @type {any} */ (one);
      const was = control.value;
      used += 1;
      if (control.type === "checkbox") {
        control.click();
        control.click();
        continue;
      }
      const others = control.options ? [...control.options].map((option) => option.value) : [control.type === "range" ? control.max : `${was}x`];
      for (const value of [...others, was]) {
        control.value = value;
        told(control, "input");
        told(control, "change");
      }
    }
    for (const one of document.querySelectorAll("main [aria-label='Page before'], main [aria-label='Next page'], main th button")) /** @type {HTMLElement} */ (one).click();
    for (const one of document.querySelectorAll("main .chart")) one.dispatchEvent(new PointerEvent("pointermove", { clientX: 300 }));
    return used;
  });
  let used = 0;
  await visit(page, server.admin, "#/");
  for (const [, address, text] of VIEWS) {
    const letGo = await hold(page);
    await page.evaluate((hash) => new Promise((drawn) => {
      if (location.hash === hash) drawn(null);
      window.addEventListener("hashchange", () => setTimeout(drawn), { once: true });
      location.hash = hash;
    }), address);
    used += await fiddle();
    await letGo();
    await until(page, text).catch(async (error) => { throw new Error(`${address}: ${error.message}: ${await page.$eval("main", (main) => /** @type {HTMLElement} */ (main).innerText)}`); });
    // And again where it has something to show, while the next answers wait.
    const letGoAgain = await hold(page);
    await fiddle();
    await letGoAgain();
    await until(page, text);
  }
  assert.ok(used > 50, `${used}`);
  assert.deepEqual(complaints, []);
  await close();
});

test("the first look is quick, and the whole page small", async (told) => {
  const { page, close } = await openPage(browser);
  await page.goto(server.admin);
  await until(page, "Operations since the start");
  const seen = await page.evaluate(() => ({
    paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
    bytes: [...performance.getEntriesByType("resource"), ...performance.getEntriesByType("navigation")].filter((one) => !one.name.includes("/api/")).reduce((sum, one) => sum + one.encodedBodySize, 0),
  }));
  told.diagnostic(`first contentful paint after ${Math.round(seen.paint)} ms, ${seen.bytes} bytes`);
  assert.ok(seen.paint < FIRST_PAINT_MS_MAX, `${seen.paint} ms`);
  if (!process.env.LCLQ_CONSOLE_FOLDER) assert.ok(seen.bytes > 0 && seen.bytes <= RESOURCES_BYTES_MAX, `${seen.bytes} bytes`);
  await close();
});

test("a reload shows the minutes before it", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(server.admin);
  await page.waitForFunction(() => (document.querySelector(".chart path.s1")?.getAttribute("d") ?? "").split("L").length > 4);
  await page.reload();
  await page.waitForFunction(() => (document.querySelector(".chart path.s1")?.getAttribute("d") ?? "").split("L").length > 4, { timeout: 2000 });
  await close();
});

test("charts reach back for a day, and are remembered by the minute", async () => {
  const { page, complaints, close } = await openPage(browser);
  await page.goto(server.admin);
  await until(page, "Operations since the start");
  await page.select("select[aria-label='How far the charts look back']", String(24 * 3_600_000));
  await page.waitForFunction(() => /^M[^L]+/.test(document.querySelectorAll(".chart")[1]?.querySelector("path.s1")?.getAttribute("d") ?? ""));
  const hours = await page.$eval(".chart svg", (drawing) => [...drawing.querySelectorAll("text[text-anchor=start], text[text-anchor=end]")].length);
  assert.ok(hours > 1, `${hours}`);
  assert.deepEqual(complaints, []);
  await close();
});

test("what needs attention is found, with a link to act", async () => {
  const { page, close } = await openPage(browser);
  await page.goto(server.admin);
  await until(page, "has 4 dead letters", ".attention");
  await until(page, "is pushed to an endpoint that takes nothing", ".attention");
  await page.evaluate(() => [...document.querySelectorAll(".attention a")].find((link) => link.textContent === "orders-dead")?.click());
  await until(page, "Move all its messages back");
  await close();
});

test("so does one of a queue that somebody has looked at", async () => {
  const { page, close } = await openPage(browser);
  const longer = () => page.waitForFunction(() => (document.querySelector(".chart path.s1")?.getAttribute("d") ?? "").split("L").length > 3);
  await visit(page, server.admin, "#/queue/us-east-1/000000000000/empty");
  await longer();
  await page.reload();
  await page.waitForFunction(() => (document.querySelector(".chart path.s1")?.getAttribute("d") ?? "").split("L").length > 3, { timeout: 2500 });
  await close();
});

test("the theme is the system's until somebody chooses", async () => {
  const { page, close } = await openPage(browser, { theme: "dark" });
  await page.goto(server.admin);
  await until(page, "Overview");
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await background();
  await page.click("#theme");
  const light = await background();
  assert.notEqual(dark, light);
  await page.reload();
  await until(page, "Overview");
  assert.equal(await background(), light);
  await page.click("#theme");
  assert.equal(await background(), dark);
  await close();
});

test("a server that goes away is said, and nothing breaks", async () => {
  const other = await start();
  const { page, complaints, close } = await openPage(browser);
  await page.goto(other.admin);
  await until(page, "Nothing is here yet");
  await until(page, "create-queue");
  await visit(page, other.admin, "#/configuration/edit");
  await until(page, "lclq config init lclq.toml");
  await visit(page, other.admin, "#/");
  await until(page, "Nothing is here yet");
  await other.stop();
  await until(page, "The server has not answered since");
  assert.deepEqual(complaints.filter((one) => !one.includes("ERR_CONNECTION_REFUSED")), []);
  await close();
});
