// Three jobs with nothing but a keyboard.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, until } from "../lib/browser.js";
import { furnish, restClient } from "../lib/clients.js";
import { start } from "../lib/server.js";

/** Presses of Tab until somebody gives up. */
const TABS_MAX = 120;

let server, browser, opened, page, admin;
before(async () => {
  server = await start();
  await furnish(server);
  admin = restClient(`${server.admin}/api/v1`);
  browser = await launch();
  opened = await openPage(browser);
  page = opened.page;
  // Nothing is to come from a pointer.
  await page.evaluateOnNewDocument(() => {
    for (const kind of ["pointerdown", "mousedown", "touchstart"]) document.addEventListener(kind, () => { globalThis.pointed = true; }, true);
  });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Goes on by Tab until the keyboard is at what has that name, and is seen to be there. */
async function tabTo(name) {
  for (let n = 0; n < TABS_MAX; n += 1) {
    await page.keyboard.press("Tab");
    const found = await page.evaluate(() => {
      const one = document.activeElement;
      if (!one) return null;
      const label = one.getAttribute("aria-label") ?? (one.labels?.[0]?.innerText || one.textContent || "");
      const { outlineStyle, outlineWidth } = getComputedStyle(one);
      return { name: label.trim(), shown: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 };
    });
    if (found?.name !== name) continue;
    assert.ok(found.shown, `one sees that the keyboard is at ${name}`);
    return;
  }
  assert.fail(`${name} is not reached`);
}

async function palette(text) {
  await page.keyboard.down("Control");
  await page.keyboard.press("k");
  await page.keyboard.up("Control");
  await page.waitForSelector("dialog.palette");
  await page.keyboard.type(text);
}

/** Waits for the palette's first choice to be this. */
const chosen = (text) => page.waitForFunction((wanted) => document.querySelector("dialog.palette li[aria-selected=true]")?.textContent?.startsWith(wanted), {}, text);

test("a message is found", async () => {
  await page.goto(server.admin);
  await until(page, "Operations since the start");
  await palette("orders");
  await chosen("orders");
  await page.keyboard.press("Enter");
  await until(page, "Receive from it");
  await tabTo("Messages");
  await page.keyboard.press("Enter");
  await until(page, "50 shown, and more");
  await tabTo("Find in bodies, attributes, ids");
  await page.keyboard.type("\"order\":117,");
  await until(page, "1 shown");
  await page.keyboard.press("Tab");
  for (let n = 0; n < 20 && !(await page.evaluate(() => document.activeElement?.matches("td.preview button"))); n += 1) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await until(page, "\"order\": 117,", "pre");
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), "H2", "the keyboard is at what was opened");
});

test("a dead letter is moved back", async () => {
  await palette("orders-dead");
  await chosen("orders-dead");
  await page.keyboard.press("Enter");
  await until(page, "Receive from it");
  await tabTo("Messages");
  await page.keyboard.press("Enter");
  await until(page, "4 shown");
  for (let n = 0; n < TABS_MAX && !(await page.evaluate(() => document.activeElement?.matches("td.preview button"))); n += 1) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await until(page, "MD5 of the body");
  await tabTo("Move…");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog input");
  await page.keyboard.press("Enter");
  await until(page, "1 moved to orders");
  assert.equal((await admin("GET", "/queues/orders-dead")).visible, 3);
});

test("a queue is created, and a dialog gives the keyboard back", async () => {
  await palette("create a queue");
  await chosen("Create a queue");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog form");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("dialog"));
  await palette("create a queue");
  await chosen("Create a queue");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog form");
  await page.keyboard.type("by-keyboard");
  await page.keyboard.press("Enter");
  await until(page, "Receive from it");
  assert.equal((await admin("GET", "/queues/by-keyboard")).name, "by-keyboard");
});

test("the content is one key away", async () => {
  await page.goto("about:blank");
  await page.goto(server.admin);
  await until(page, "Operations since the start");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "main");
});

test("no pointer was used, and nothing was complained of", async () => {
  assert.equal(await page.evaluate(() => globalThis.pointed), undefined);
  assert.deepEqual(opened.complaints, []);
});
