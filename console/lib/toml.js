// What fits where somebody writes in the configuration's file, by its schema.

/** @typedef {{insert: string, label: string, about: string, from: number, to: number}} Completion `from` and `to` are places in the text. */

const FITTING_MAX = 12;

/** Where a place in a text is: its table, its line up to there, and where that begins. @param {string} text @param {number} at */
function context(text, at) {
  const begin = text.lastIndexOf("\n", at - 1) + 1;
  let table = "";
  for (const line of text.slice(0, begin).split("\n")) {
    const head = line.match(/^\s*\[\[?\s*([\w.-]+)\s*\]?\]/);
    if (head) table = head[1];
  }
  return { begin, line: text.slice(begin, at), table };
}

/** The schema of a table, or of an entry of a list. @param {any} schema @param {string} table */
function tableOf(schema, table) {
  return table.split(".").reduce((found, name) => {
    const next = found?.properties?.[name];
    return next?.type === "array" ? next.items : next;
  }, schema);
}

/** @param {any} schema */
function valuesOf(schema) {
  const choices = schema?.enum ?? schema?.oneOf?.map((/** @type {any} */ one) => one.const).filter(Boolean);
  if (choices) return choices.map((/** @type {any} */ one) => JSON.stringify(one));
  if (schema?.type === "boolean") return ["true", "false"];
  if (schema?.default !== undefined && schema.default !== null) return [JSON.stringify(schema.default)];
  return [{ string: "\"\"", array: "[]" }[/** @type {"string"} */ (schema?.type)]].filter(Boolean);
}

/** What a value is, in a few words. @param {any} schema */
export function kindOf(schema) {
  const range = [schema?.minimum !== undefined && `at least ${schema.minimum}`, schema?.maximum !== undefined && `at most ${schema.maximum}`].filter(Boolean).join(", ");
  return [schema?.type === "array" ? "list" : schema?.type, range].filter(Boolean).join(", ");
}

/** @param {any} schema @param {string} text @param {number} at @returns {{fitting: Completion[], key: string | null, about: string}} */
export function completions(schema, text, at) {
  const { begin, line, table } = context(text, at);
  const head = line.match(/^\s*\[\[?\s*([\w-]*)$/);
  if (head || (!line.trim() && !table)) {
    const wanted = head?.[1] ?? "";
    const names = Object.entries(schema.properties).filter(([name]) => name.startsWith(wanted));
    // What closes the brackets stands there already, or not.
    const end = text.indexOf("\n", at) < 0 ? text.length : text.indexOf("\n", at);
    return {
      key: null, about: "",
      fitting: names.slice(0, FITTING_MAX).map(([name, one]) => {
        const written = /** @type {any} */ (one).type === "array" ? `[[${name}]]` : `[${name}]`;
        return { insert: `${written}\n`, label: written, about: "", from: begin, to: end };
      }),
    };
  }
  const own = tableOf(schema, table)?.properties ?? {};
  const pair = line.match(/^\s*([\w-]+)\s*=\s*(\S*)$/);
  if (pair && own[pair[1]]) {
    const one = own[pair[1]];
    const rest = text.slice(at).match(/^[^\s#]*/)?.[0].length ?? 0;
    const from = at - pair[2].length;
    const values = valuesOf(one).filter((/** @type {string} */ value) => value !== pair[2]);
    return {
      key: `${table}.${pair[1]}`, about: [kindOf(one), one.description].filter(Boolean).join(": "),
      fitting: values.slice(0, FITTING_MAX).map((/** @type {string} */ value) => ({ insert: value, label: value, about: "", from, to: at + rest })),
    };
  }
  const word = line.match(/^\s*([\w-]*)$/);
  const named = line.match(/^\s*([\w-]+)/)?.[1];
  if (!word) return { key: named ? `${table}.${named}` : null, about: (named && own[named]?.description) ?? "", fitting: [] };
  const keys = Object.entries(own).filter(([name]) => name.startsWith(word[1]) && name !== word[1]);
  return {
    key: own[word[1]] ? `${table}.${word[1]}` : null, about: own[word[1]]?.description ?? "",
    fitting: keys.slice(0, FITTING_MAX).map(([name, one]) => ({
      insert: `${name} = `, label: name, about: /** @type {any} */ (one).description?.split("\n")[0] ?? "", from: at - word[1].length, to: at,
    })),
  };
}
