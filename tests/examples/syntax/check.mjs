// Parses files by the parsers of their languages: node check.mjs FILE... Exits with 1 if one has an error.
import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { parse as parseHcl } from "@cdktf/hcl2json";
import { loadPrism } from "@ruby/prism";
import php from "php-parser";
import { parseAllDocuments } from "yaml";

const parseRuby = await loadPrism();

const ruby = (text) => {
  const { errors } = parseRuby(text);
  if (errors.length > 0) throw new Error(errors.map((error) => error.message).join("; "));
};
const parsers = {
  ".rb": ruby,
  Gemfile: ruby,
  ".php": (text, file) => new php.Engine({ parser: { extractDoc: true } }).parseCode(text, file),
  ".tf": (text, file) => parseHcl(file, text),
  ".json": (text) => JSON.parse(text),
  ".yaml": (text) => {
    for (const { errors } of parseAllDocuments(text)) if (errors.length > 0) throw errors[0];
  },
};
parsers[".yml"] = parsers[".yaml"];

for (const file of process.argv.slice(2)) {
  const parse = parsers[extname(file) || basename(file)];
  try {
    if (!parse) throw new Error("no parser for it");
    await parse(await readFile(file, "utf8"), file);
    console.log(`${file}: parsed`);
  } catch (error) {
    console.log(`${file}: ${error.message ?? error}`);
    process.exitCode = 1;
  }
}
