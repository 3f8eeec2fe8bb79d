// The frame: who looks, where they are, and which view that is.

import { ApiError, get, server } from "./lib/api.js";
import { h, say } from "./lib/dom.js";
import { begin } from "./lib/every.js";
import { current } from "./lib/router.js";
import { enter, place, session, signOut } from "./lib/session.js";
import { nextTheme, setTheme, theme } from "./lib/theme.js";
import { button } from "./parts/buttons.js";
import { notices, showError, tell } from "./parts/notice.js";
import { openPalette } from "./parts/palette.js";
import { testBanner } from "./parts/test_banner.js";
import { commands, navigation, viewOf } from "./views/all.js";
import { signInView } from "./views/sign_in.js";

setTheme(theme());

const main = h("main", { id: "main", tabindex: "-1" });
const nav = h("nav", { class: "nav", id: "nav", "aria-label": "Views" });
const banners = h("div", { "aria-live": "polite" });
const lost = h("div", { class: "banner bad", role: "alert" });
const state = h("span", { class: "state", role: "status" }, "connected");
const version = h("span", { class: "quiet small" });
const who = h("span", { class: "row" });

const menu = h("button", {
  type: "button", class: "only-small", "aria-expanded": "false", "aria-controls": "nav",
  on: { click: () => openMenu(!nav.classList.contains("open")) },
}, "Menu");
/** @param {boolean} open */
function openMenu(open) {
  nav.classList.toggle("open", open);
  menu.setAttribute("aria-expanded", String(open));
}

const themeButton = button("", () => { setTheme(nextTheme()); nameTheme(); }, { id: "theme" });
function nameTheme() {
  const names = /** @type {Record<string, string>} */ ({ system: "Auto", light: "Light", dark: "Dark" });
  say(themeButton, `${{ system: "◐", light: "☀", dark: "☾" }[theme()]} ${names[theme()]}`);
  themeButton.setAttribute("aria-label", `Theme: ${names[theme()]}. Change it.`);
}
nameTheme();

const paletteButton = button("", () => openPalette(commands()), { id: "palette" });
paletteButton.append("Find ", h("kbd", null, "Ctrl K"));

document.body.append(
  h("a", { class: "skip", href: "#main", on: { click: (/** @type {Event} */ event) => { event.preventDefault(); main.focus(); } } }, "Skip to the content"),
  h("header", { class: "bar" },
    h("a", { class: "brand", href: "#/" }, h("img", { src: new URL("./icon.svg", import.meta.url).pathname, alt: "" }), "lclq"),
    version, h("span", { class: "grow" }), state, who, paletteButton, themeButton, menu),
  banners, h("div", { class: "frame" }, nav, main), notices,
);

/** @type {{end: () => void} | null} */
let open = null;
let isKnown = false;

function draw() {
  open?.end();
  openMenu(false);
  document.querySelectorAll("dialog").forEach((dialog) => dialog.close());
  const route = current();
  const running = begin((error) => {
    if (!(error instanceof ApiError) || (error.status !== 0 && error.status !== 401)) showFailed(error);
  }, () => failed.remove());
  open = running;
  const view = isKnown ? viewOf(route) : { title: "Sign in", section: "", draw: () => signInView(start) };
  document.title = `${view.title} · lclq`;
  for (const link of nav.querySelectorAll("a")) {
    if (link.dataset.section === view.section) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  failed.remove();
  try {
    main.replaceChildren(view.draw(running.life, route));
  } catch (error) {
    showError(main, error, "This view can't be shown.");
  }
  if (isDrawn) (main.querySelector("h1") ?? main).focus({ preventScroll: true });
  isDrawn = true;
  window.scrollTo(0, 0);
}
/** The first view leaves the keyboard at the page's beginning. */
let isDrawn = false;

const failed = h("div", { class: "note bad", role: "alert" });
/** @param {unknown} error */
function showFailed(error) {
  const text = error instanceof Error ? error.message : String(error);
  say(failed, text);
  if (!failed.isConnected) main.querySelector(".head")?.after(failed);
}
server.addEventListener("answered", () => {
  if (!lost.isConnected) return;
  lost.remove();
  state.classList.remove("lost");
  say(state, "connected");
});
server.addEventListener("lost", () => {
  if (lost.isConnected) return;
  say(lost, `The server has not answered since ${new Date().toLocaleTimeString()}: it has stopped, or starts again. This page tries on.`);
  state.classList.add("lost");
  say(state, "no answer");
  banners.append(lost);
});
server.addEventListener("unknown", () => {
  if (!isKnown) return;
  isKnown = false;
  tell("The session has ended: sign in again.", true);
  draw();
});
window.addEventListener("hashchange", draw);
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    if (isKnown) openPalette(commands());
  }
});

async function start() {
  try {
    isKnown = await enter();
  } catch (error) {
    showError(main, error, "The console can't begin.");
    setTimeout(start, 2000);
    return;
  }
  const list = h("ul");
  for (const group of isKnown ? navigation() : []) {
    if (group.name) list.append(h("li", { class: "group" }, group.name));
    for (const [section, label] of group.links) list.append(h("li", null, h("a", { href: `#/${section}`, "data-section": section }, label)));
  }
  nav.replaceChildren(list);
  who.replaceChildren();
  if (isKnown && session.name) {
    who.append(h("span", { class: "small quiet" }, `${session.name} (${session.scope})`),
      button("Sign out", async () => { await signOut(); await start(); }));
  }
  draw();
  if (!isKnown) return;
  get("/version").then((told) => say(version, told.version)).catch(() => {});
  if (place.test_controls) testBanner(banners);
}
start();
