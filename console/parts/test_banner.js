// Says on every view that the server is not as usual because of a test.

import { get } from "../lib/api.js";
import { fill, h } from "../lib/dom.js";
import { begin } from "../lib/every.js";

const LOOK_MS = 3000;

/** @param {Element} place */
export function testBanner(place) {
  const banner = h("div", { class: "banner warn", role: "status" });
  let told = "";
  begin(() => {}).life.every(LOOK_MS, async (signal) => {
    const [clock, faults, profile, regions] = await Promise.all(["clock", "faults", "profile", "regions"].map((what) => get(`/test/${what}`, {}, signal)));
    const cut = regions.links.filter((/** @type {any} */ link) => link.cut).length;
    const active = [
      clock.state === "stopped" && "the clock stands still",
      clock.state !== "stopped" && clock.ahead_ms > 0 && "the clock is ahead",
      faults.faults.length > 0 && `${faults.faults.length} fault ${faults.faults.length === 1 ? "rule is" : "rules are"} set`,
      profile.on && "the production profile is on",
      cut > 0 && `${cut} ${cut === 1 ? "pair of regions is" : "pairs of regions are"} cut`,
      cut === 0 && !regions.as_started && "regions are other than at the start",
    ].filter(Boolean).join(", ");
    if (active === told) return;
    told = active;
    if (!active) {
      banner.remove();
      return;
    }
    fill(banner, h("strong", null, "Test controls: "), `${active}.`, h("a", { href: "#/test" }, "Look at them"));
    place.append(banner);
  });
}
