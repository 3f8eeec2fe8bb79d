// Dark, light, or as the system has it.

const KEY = "lclq-theme";
const CHOICES = ["system", "light", "dark"];

export function theme() {
  try {
    const kept = localStorage.getItem(KEY) ?? "";
    return CHOICES.includes(kept) ? kept : "system";
  } catch {
    return "system";
  }
}

/** @param {string} choice */
export function setTheme(choice) {
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    // A browser that keeps nothing still shows what was chosen.
  }
}

/** The one after. */
export const nextTheme = () => CHOICES[(CHOICES.indexOf(theme()) + 1) % CHOICES.length];
