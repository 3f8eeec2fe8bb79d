// Who looks, what they may do, and what the server takes where nobody says otherwise.

import { ApiError, api, get } from "./api.js";

/** @typedef {"read" | "operate" | "admin"} Scope */
const ORDER = ["read", "operate", "admin"];

/** @type {{name: string | null, scope: Scope, until: number | null}} */
export let session = { name: null, scope: "admin", until: null };

/** @type {{endpoints: {name: string, address: string, port: number}[], region: string, account: string, test_controls: boolean}} */
export let place = { endpoints: [], region: "us-east-1", account: "000000000000", test_controls: false };

/** Asks who this is. Answers false where a token is wanted. */
export async function enter() {
  try {
    session = await get("/session");
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return false;
    throw error;
  }
  place = await get("/endpoints");
  return true;
}

/** @param {string} token */
export const signIn = (token) => api("POST", "/session", { body: { token } });
export const signOut = () => api("DELETE", "/session");

/** @param {Scope} scope */
export const may = (scope) => ORDER.indexOf(session.scope) >= ORDER.indexOf(scope);

/** Where clients reach an endpoint, as this browser reached the page. @param {string} name */
export function endpoint(name) {
  const found = place.endpoints.find((one) => one.name === name);
  return `${location.protocol}//${location.hostname}:${found?.port ?? ""}`;
}
