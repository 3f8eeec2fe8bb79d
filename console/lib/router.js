// What the address says: `#/queue/region/account/name/messages?state=visible`.

/** @typedef {{parts: string[], query: Record<string, string>}} Route */

/** @returns {Route} */
export function current() {
  const [path, query = ""] = location.hash.replace(/^#/, "").split("?");
  return {
    parts: path.split("/").filter(Boolean).map(plain),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

/** @param {string} text */
function plain(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** An address. @param {string[]} parts @param {Record<string, any>} [query] */
export function to(parts, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== undefined && value !== null && value !== false);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

/** @param {string} address */
export function go(address) {
  location.hash = address;
}

/** Says where one is without another step to go back through, and without drawing the view anew. @param {string} address */
export function remember(address) {
  history.replaceState(null, "", address);
}

/** @param {{region: string, account: string, name: string}} queue @param {string} [tab] @param {Record<string, any>} [query] */
export const toQueue = (queue, tab, query) => to(["queue", queue.region, queue.account, queue.name, ...(tab ? [tab] : [])], query);

/** A Pub/Sub resource by its full name. @param {string} full @param {string} [tab] */
export function toResource(full, tab) {
  const [, project, kind, name] = full.split("/");
  return to([kind.replace(/s$/, ""), project, name, ...(tab ? [tab] : [])]);
}

/** @param {string} arn */
export function ofArn(arn) {
  const [, , , region, account, name] = arn.split(":");
  return { region, account, name };
}
