// A token is asked for once; a cookie that no page can read stands for it from then on.

import { h } from "../lib/dom.js";
import { signIn } from "../lib/session.js";
import { field, form } from "../parts/form.js";
import { head } from "../parts/facts.js";
import { pasteLine } from "../parts/buttons.js";

/** @param {() => Promise<void>} entered */
export function signInView(entered) {
  const token = field("token", "Token", {
    type: "password", needed: true, hint: "It begins with lclq_. The page does not keep it.",
    check: (text) => (text && !text.trim().startsWith("lclq_") ? "A token begins with lclq_." : ""),
  });
  return h("div", null,
    head("Sign in", null),
    h("section", { class: "card" },
      h("p", null, "This server tells what it does to those only who have a token."),
      form([token], "Sign in", async (values) => {
        await signIn(values.token.trim());
        await entered();
      }, { needs: "read" }),
      h("h2", null, "No token yet?"),
      h("p", null, "Make one on the server's machine, and have the server read the file again (SIGHUP):"),
      pasteLine("lclq credentials create-token me --scope operate --file keys.toml")));
}
