// Where a message went.

import { get, part } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { time } from "../lib/format.js";
import { showError } from "../parts/notice.js";

/** @param {Element} place @param {string} id */
export async function journey(place, id) {
  let told;
  try {
    told = await get(`/messages/${part(id)}/journey`);
  } catch (error) {
    showError(place, error, "Its journey can't be shown.");
    return;
  }
  /** @param {any} event */
  const by = (event) => {
    const names = [event.by?.user_agent, event.by?.peer, event.by?.access_key].filter(Boolean);
    return names.length ? `, by ${names.join(", ")}` : "";
  };
  fill(place, h("div", { class: "note" },
    h("h3", null, "Journey"),
    told.events.length
      ? h("ol", { class: "journey" }, told.events.map((/** @type {any} */ event) => h("li", null,
        h("strong", null, event.step), event.to ? ` to ${event.to}` : ` at ${event.place}`,
        event.receive_count ? `, for the ${event.receive_count}. time` : "", by(event), event.until ? `, until ${time(event.until)}` : "",
        event.new_id ? h("span", null, ", as ", h("code", null, event.new_id)) : null,
        h("span", { class: "quiet small" }, ` ${time(event.at)}`))))
      : h("p", null, "Nothing is known of it."),
    h("p", { class: "quiet small" }, `Kept since ${time(told.kept_since)}.`)));
}
