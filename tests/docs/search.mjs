// Searches the built site from files, in a Chromium that reaches no host: what is found has to be the page.
// The browser and its driver are those of tests/console, which installs both.

import { pathToFileURL } from "node:url";
import path from "node:path";

const root = path.resolve(import.meta.dirname, "../..");
const { launch, openPage } = await import(pathToFileURL(path.join(root, "tests/console/lib/browser.js")).href);

// What is typed, and where the first answers have to lead.
const SEARCHES = [
  ["dead letters", "how-to/dead-letters.html"],
  ["SQS_ENDPOINT_STRATEGY", "migration/localstack.html"],
  ["visibility", "how-to/time.html"],
];

const browser = await launch("--host-resolver-rules=MAP * ~NOTFOUND");
let failed = 0;
try {
  const { page, complaints, hosts } = await openPage(browser);
  for (const [typed, wanted] of SEARCHES) {
    await page.goto(pathToFileURL(path.join(root, "target/docs/how-to/index.html")).href);
    await page.keyboard.press("/");
    await page.keyboard.type(typed, { delay: 20 });
    const found = await page.waitForFunction(
      (/** @type {string} */ link) => {
        const all = [...document.querySelectorAll("a"), ...[...document.querySelectorAll("*")].flatMap((one) => [...(one.shadowRoot?.querySelectorAll("a") ?? [])])];
        return all.some((one) => one.href.includes(link) && one.querySelector("mark, b, em") !== null);
      },
      { timeout: 10_000 }, wanted,
    ).catch(() => null);
    if (!found) failed += 1;
    console.log(`${found ? "ok" : "FAILED"} search for ${typed}: ${wanted}`);
  }
  if (process.argv[2]) await page.screenshot({ path: process.argv[2] });
  if (hosts.size || complaints.length) {
    console.log(`FAILED other hosts: ${[...hosts]}; complaints: ${complaints.join("; ")}`);
    failed += 1;
  }
} finally {
  await browser.close();
}
process.exit(failed ? 1 : 0);
