// What is done while a view is open: again and again as long as somebody can see it, and once somebody has typed.

/** How long nothing is typed before what was typed counts, ms. */
const TYPED_MS = 300;

/**
 * @typedef {object} Life
 * @property {AbortSignal} signal
 * @property {(ms: number, act: (signal: AbortSignal) => Promise<number | void>) => () => void} every `act` may answer how long to rest after it, ms, where that is longer than usual.
 * @property {(act: () => void) => () => void} typed does it once it has not been called for a while, and not in a view that was left meanwhile
 */

/**
 * The life of a view, until `end`.
 * @param {(error: unknown) => void} failed
 * @param {() => void} [recovered] what had failed has worked again
 * @returns {{life: Life, end: () => void}}
 */
export function begin(failed, recovered) {
  const controller = new AbortController();
  const { signal } = controller;
  /** @param {number} ms @param {(signal: AbortSignal) => Promise<number | void>} act */
  const every = (ms, act) => {
    let timer = 0;
    let running = false;
    let again = false;
    let hasFailed = false;
    const turn = async () => {
      clearTimeout(timer);
      if (signal.aborted || (document.hidden && !again)) return;
      if (running) {
        again = true;
        return;
      }
      running = true;
      again = false;
      let rest = ms;
      try {
        rest = Math.max(ms, (await act(signal)) ?? 0);
        if (hasFailed) recovered?.();
        hasFailed = false;
      } catch (error) {
        hasFailed = true;
        if (!signal.aborted) failed(error);
      }
      running = false;
      if (!signal.aborted) timer = setTimeout(turn, again ? 0 : rest);
    };
    const seen = () => {
      if (!document.hidden) turn();
    };
    document.addEventListener("visibilitychange", seen, { signal });
    signal.addEventListener("abort", () => clearTimeout(timer));
    again = true;
    turn();
    return turn;
  };
  /** @param {() => void} act */
  const typed = (act) => {
    let timer = 0;
    signal.addEventListener("abort", () => clearTimeout(timer));
    return () => {
      clearTimeout(timer);
      if (!signal.aborted) timer = setTimeout(act, TYPED_MS);
    };
  };
  return { life: { signal, every, typed }, end: () => controller.abort() };
}
