// Lines that differ between two texts.

/** Lines between which differences are looked for; beyond that, all of one goes and all of the other comes. */
const LINES_MAX = 1500;
const AROUND = 2;

/** @typedef {{kind: "same" | "gone" | "new" | "gap", text: string}} Line */

/** @param {string} before @param {string} after @returns {Line[]} with a few lines around what differs */
export function differences(before, after) {
  const [was, is] = [before.split("\n"), after.split("\n")];
  let head = 0;
  while (head < was.length && head < is.length && was[head] === is[head]) head += 1;
  let tail = 0;
  while (tail < was.length - head && tail < is.length - head && was[was.length - 1 - tail] === is[is.length - 1 - tail]) tail += 1;
  const middle = between(was.slice(head, was.length - tail), is.slice(head, is.length - tail));
  /** @type {Line[]} */
  const all = [
    ...was.slice(0, head).map((text) => /** @type {Line} */ ({ kind: "same", text })), ...middle,
    ...was.slice(was.length - tail).map((text) => /** @type {Line} */ ({ kind: "same", text })),
  ];
  const near = all.map((_, at) => all.slice(Math.max(0, at - AROUND), at + AROUND + 1).some((line) => line.kind !== "same"));
  /** @type {Line[]} */
  const shown = [];
  all.forEach((line, at) => {
    if (near[at]) shown.push(line);
    else if (shown.at(-1)?.kind !== "gap") shown.push({ kind: "gap", text: "…" });
  });
  return shown;
}

/** @param {string[]} was @param {string[]} is @returns {Line[]} */
function between(was, is) {
  const gone = (/** @type {string} */ text) => /** @type {Line} */ ({ kind: "gone", text });
  const fresh = (/** @type {string} */ text) => /** @type {Line} */ ({ kind: "new", text });
  if (was.length > LINES_MAX || is.length > LINES_MAX) return [...was.map(gone), ...is.map(fresh)];
  // Longest common parts of what is left, from each pair of places on.
  const width = is.length + 1;
  const common = new Uint16Array((was.length + 1) * width);
  for (let i = was.length - 1; i >= 0; i -= 1) {
    for (let j = is.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = was[i] === is[j] ? common[(i + 1) * width + j + 1] + 1 : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  /** @type {Line[]} */
  const out = [];
  let [i, j] = [0, 0];
  while (i < was.length || j < is.length) {
    if (i < was.length && j < is.length && was[i] === is[j]) {
      out.push({ kind: "same", text: was[i] });
      i += 1;
      j += 1;
    } else if (i < was.length && (j >= is.length || common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      out.push(gone(was[i]));
      i += 1;
    } else {
      out.push(fresh(is[j]));
      j += 1;
    }
  }
  return out;
}
