// axe-core's word on a page, by the rules of WCAG 2.2 AA and its own of good practice.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What is wrong, in words. @param {import("puppeteer-core").Page} page @returns {Promise<string[]>} */
export async function violations(page) {
  // Past the page's policy, as an extension would be.
  if (!(await page.evaluate("typeof axe === 'object'"))) await page.evaluate(source);
  return page.evaluate(async (tags) => {
    const axe = /** @type {any} */ (globalThis).axe;
    const { violations: found } = await axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
    return found.flatMap((/** @type {any} */ one) => one.nodes.map((/** @type {any} */ node) => `${one.id}: ${node.html.slice(0, 160)} ${node.any.map((/** @type {any} */ why) => why.message).join("; ").slice(0, 200)}`));
  }, TAGS);
}
