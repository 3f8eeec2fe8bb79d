// The configuration's file: written with what fits, checked as it is typed, and saved once one has seen what differs.

import { ApiError, api, get } from "../lib/api.js";
import { differences } from "../lib/diff.js";
import { fill, fresh, h, say } from "../lib/dom.js";
import { completions } from "../lib/toml.js";
import { button, nothingYet } from "../parts/buttons.js";
import { open } from "../parts/dialog.js";
import { tag } from "../parts/facts.js";
import { doing, showError, textOf } from "../parts/notice.js";

/** @param {import("../lib/every.js").Life} life */
export function configurationEditor(life) {
  const place = h("section", { class: "card" }, h("p", { class: "quiet" }, "Looking…"));
  const load = async () => {
    const [told, file] = await Promise.all([get("/config/schema", {}, life.signal), get("/config/file", {}, life.signal)]);
    draw(told.schema, new Set(told.live), file);
  };
  /** @param {any} schema @param {Set<string>} live @param {{file: string, text: string}} file */
  const draw = (schema, live, file) => {
    const id = fresh("text");
    const area = h("textarea", { id, rows: 22, spellcheck: "false", autocomplete: "off", "aria-describedby": `${id}-about`, value: file.text });
    const about = h("p", { class: "hint", id: `${id}-about` }, "Ctrl-Space goes to what fits where the keyboard is, Escape back.");
    const fits = h("ul", { class: "fits", "aria-label": "What fits here" });
    const verdict = h("div", { "aria-live": "polite" });
    const save = button("Save…", () => review(), { kind: "main", needs: "admin" });
    let checked = 0;
    const suggest = () => {
      const { fitting, key, about: what } = completions(schema, area.value, area.selectionStart);
      say(about, key ? `${key}${what ? `: ${what}` : ""} ${live.has(key) ? "In effect at once." : "Needs a restart."}` : "Ctrl-Space goes to what fits where the keyboard is, Escape back.");
      fill(fits, fitting.map((one) => h("li", null, h("button", {
        type: "button", title: one.about || null,
        on: {
          click: () => {
            area.setRangeText(one.insert, one.from, one.to, "end");
            area.focus();
            changed();
          },
        },
      }, one.label))));
    };
    const check = async () => {
      checked += 1;
      const turn = checked;
      try {
        const found = await api("POST", "/config/check", { body: { text: area.value }, signal: life.signal });
        if (turn !== checked) return;
        save.disabled = save.title !== "" || found.wrong.length > 0 || area.value === file.text;
        fill(verdict, found.wrong.length
          ? h("ul", { class: "wrong" }, found.wrong.map((/** @type {string} */ line) => h("li", null, problem(line))))
          : [
            h("p", null, tag("as it should be", "good"), area.value === file.text ? " Nothing differs from the file." : ""),
            effects("In effect at once", found.applied, "good"), effects("From the next start on", found.restart, "warn"),
          ]);
      } catch (error) {
        if (!life.signal.aborted) fill(verdict, h("p", { class: "wrong" }, textOf(error)));
      }
    };
    /** @param {string} title @param {string[]} keys @param {string} kind */
    const effects = (title, keys, kind) => keys.length > 0 && h("p", null, `${title}: `, keys.map((key) => [tag(key, kind), " "]));
    /** What is wrong, with its line to go to. @param {string} line */
    const problem = (line) => {
      const number = Number(line.match(/:(\d+): /)?.[1]);
      if (!number) return line;
      return [button(`Line ${number}`, () => {
        const from = area.value.split("\n").slice(0, number - 1).join("\n").length + (number > 1 ? 1 : 0);
        area.focus();
        area.setSelectionRange(from, from);
        suggest();
      }, { kind: "plain" }), line.replace(/^.*?:\d+: /, "")];
    };
    const checkLater = life.typed(check);
    const changed = () => {
      suggest();
      save.disabled = true;
      // What is still being checked is of an older text.
      checked += 1;
      checkLater();
    };
    const review = () => {
      const lines = differences(file.text, area.value);
      const signs = { same: " ", gone: "-", new: "+", gap: " " };
      const dialog = open("What differs",
        h("pre", { class: "diff", tabindex: "0", "aria-label": "Lines that differ" }, lines.map((line) => h("span", { class: line.kind }, `${signs[line.kind]} ${line.text}\n`))),
        verdict.cloneNode(true),
        h("div", { class: "actions" }, button("Cancel", () => dialog.close()), button("Write the file", async () => {
          dialog.close();
          const done = await doing(() => api("PUT", "/config/file", { body: { text: area.value, was: file.text } }), (told) => {
            const waits = told.restart.length ? ` ${told.restart.join(", ")} wait for a restart.` : "";
            return `${told.file} is written; ${told.applied.length} keys are in effect.${waits}`;
          });
          if (done) await load();
        }, { kind: "main", needs: "admin" })));
    };
    area.addEventListener("input", changed);
    area.addEventListener("click", suggest);
    area.addEventListener("keyup", (/** @type {KeyboardEvent} */ event) => { if (/^(Arrow|Home|End|Page)/.test(event.key)) suggest(); });
    area.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.ctrlKey && event.code === "Space") {
        event.preventDefault();
        suggest();
        fits.querySelector("button")?.focus();
      }
    });
    fits.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") area.focus();
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const all = [...fits.querySelectorAll("button")];
      all[(all.indexOf(document.activeElement) + step + all.length) % all.length]?.focus();
    });
    fill(place, h("h2", null, "Edit the file"), h("div", { class: "field" }, h("label", { for: id }, file.file), area, about, fits), verdict,
      h("div", { class: "row" }, button("As the file has it", () => { area.value = file.text; changed(); }), save));
    suggest();
    check();
  };
  load().catch((error) => {
    if (life.signal.aborted) return;
    if (error instanceof ApiError && error.code === "NoFile") {
      fill(place, nothingYet("The server was started without a file. Make one that has every key in it, and start the server with it:", "lclq config init lclq.toml", "lclq start --config lclq.toml"));
    } else showError(place, error, "The file can't be edited here.");
  });
  return place;
}
