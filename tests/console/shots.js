// Pictures of each view in both themes and at three widths, under target/console-shots.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch, openPage, press, until, visit } from "./lib/browser.js";
import { furnish, traffic } from "./lib/clients.js";
import { startWith } from "./lib/server.js";
import { FILE, THEMES, VIEWS, WIDTHS } from "./lib/views.js";

const folder = fileURLToPath(new URL("../../target/console-shots/", import.meta.url));
const SETTLED_MS = 400;
const only = process.argv[2];

await mkdir(folder, { recursive: true });
const server = await startWith(FILE, "--test-controls", "--journey-events", "10000");
const stop = traffic(await furnish(server));
const browser = await launch();
await new Promise((resolve) => setTimeout(resolve, only ? 1000 : 20_000));
let shots = 0;
for (const theme of THEMES) {
  for (const width of WIDTHS) {
    const { page, close } = await openPage(browser, { width, theme });
    for (const [name, address, text] of VIEWS) {
      if (only && !name.startsWith(only)) continue;
      await visit(page, server.admin, address);
      await until(page, text);
      if (/-(messages|decoded)$/.test(name)) await page.click("td.preview button");
      await page.evaluate(() => window.scrollTo(0, 0));
      await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
      await page.screenshot({ path: join(folder, `${name}-${width}-${theme}.png`), fullPage: true });
      shots += 1;
    }
    if (!only || only === "create") {
      await visit(page, server.admin, "#/queues");
      await press(page, "Create a queue", "main");
      await page.screenshot({ path: join(folder, `create-queue-${width}-${theme}.png`) });
      await page.keyboard.press("Escape");
      await page.keyboard.down("Control");
      await page.keyboard.press("k");
      await page.keyboard.up("Control");
      await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
      await page.screenshot({ path: join(folder, `palette-${width}-${theme}.png`) });
      shots += 2;
    }
    await close();
  }
}
await browser.close();
await stop();
await server.stop();
console.log(`${shots} pictures in target/console-shots`);
