// Where tokens are asked for, the page asks for one, and shows what it is good for.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { violations } from "../lib/axe.js";
import { launch, openPage, press, until, visit, write } from "../lib/browser.js";
import { start } from "../lib/server.js";

let server, browser, opened, page, folder;
const tokens = {};
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "lclq-console-keys-"));
  const file = join(folder, "keys.toml");
  for (const scope of ["read", "operate"]) {
    const said = execFileSync(process.env.LCLQ_BIN, ["credentials", "create-token", scope, "--scope", scope, "--file", file], { encoding: "utf8" });
    tokens[scope] = said.trim().replace("LCLQ_TOKEN=", "");
  }
  server = await start("--admin-auth", "enforce", "--credentials", file);
  browser = await launch();
  opened = await openPage(browser);
  page = opened.page;
});
after(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function enter(token) {
  await write(page, "Token", token);
  await press(page, "Sign in");
}

test("a link to a view asks for a token first, and leads there then", async () => {
  await visit(page, server.admin, "#/queues");
  await until(page, "This server tells what it does to those only who have a token.");
  for (const theme of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
    assert.deepEqual(await violations(page), []);
  }
  await enter("nothing");
  await until(page, "A token begins with lclq_.", ".wrong");
  await enter("lclq_wrong");
  await until(page, "nobody here has this token");
  await enter(tokens.read);
  await until(page, "There is no queue yet");
  assert.equal(await page.evaluate(() => document.cookie), "", "no page reads the session");
});

test("who may look can't change, and the page says why", async () => {
  const create = await page.$eval("#create", (button) => [button.disabled, button.title]);
  assert.deepEqual(create, [true, "This takes a token with the scope operate."]);
  await until(page, "read (read)");
  await visit(page, server.admin, "#/refusals");
  await until(page, "authentication");
});

test("who has signed out is asked again, and another token does more", async () => {
  await press(page, "Sign out");
  await until(page, "This server tells what it does");
  await enter(tokens.operate);
  await visit(page, server.admin, "#/queues");
  await press(page, "Create a queue", "main");
  await write(page, "Name", "mine", "dialog");
  await press(page, "Create", "dialog");
  await until(page, "Receive from it");
});

test("a session that has ended brings the question back", async () => {
  await page.evaluate(() => fetch("/api/v1/session", { method: "DELETE" }));
  await until(page, "This server tells what it does");
  assert.deepEqual(opened.complaints, []);
});
