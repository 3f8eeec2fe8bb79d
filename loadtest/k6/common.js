// What the scripts share: an open loop at a constant rate of arrivals, and one line of JSON at the end.
//
// SECONDS, RATE (per second) and SMOKE=1 (no thresholds) come from the environment (`k6 run -e`).

export const SECONDS = Number(__ENV.SECONDS || 4);
export const RATE = Number(__ENV.RATE || 200);
const SMOKE = __ENV.SMOKE === "1";

// 200 bytes, as the other generators send.
export const BODY = "x".repeat(200);

const VIRTUAL_USERS = 50;
// Of all arrivals.
const DROPPED_MAX = 0.01;
// Milliseconds. k6 takes far more of the machine than the server does, and waits for itself.
export const LATENCY = ["med<10", "p(99)<50"];

// A scenario whose iterations begin `rate` times a second, whatever becomes of those before.
export function arrivals(exec, rate) {
  return {
    executor: "constant-arrival-rate",
    exec,
    rate: Math.max(1, Math.round(rate)),
    timeUnit: "1s",
    duration: `${SECONDS}s`,
    preAllocatedVUs: VIRTUAL_USERS,
    maxVUs: VIRTUAL_USERS,
    gracefulStop: "5s",
  };
}

export function options(scenarios, thresholds) {
  const always = {
    checks: ["rate==1"],
    // An arrival for which no virtual user was free: the rate wasn't kept.
    dropped_iterations: [`count<=${Math.ceil(RATE * SECONDS * DROPPED_MAX)}`],
  };
  return {
    scenarios,
    thresholds: SMOKE ? {} : Object.assign(always, thresholds),
    summaryTrendStats: ["med", "p(99)", "max", "count"],
    discardResponseBodies: false,
  };
}

// The last line of output, as the other generators write it. `latency` names the metric that counts.
export function summary(data, latency) {
  const values = (name) => (data.metrics[name] || { values: {} }).values;
  const of = values(latency);
  const checks = values("checks");
  const line = {
    requests_per_second: Math.round((of.count || 0) / SECONDS),
    p50_us: Math.round((of.med || 0) * 1000),
    p99_us: Math.round((of["p(99)"] || 0) * 1000),
    errors: checks.fails === undefined ? -1 : checks.fails,
    dropped: values("dropped_iterations").count || 0,
  };
  const missed = [];
  for (const [name, metric] of Object.entries(data.metrics)) {
    for (const [text, threshold] of Object.entries(metric.thresholds || {})) {
      if (!threshold.ok) {
        missed.push(`${name}: ${text}, but ${JSON.stringify(metric.values)}`);
      }
    }
  }
  const outputs = { stdout: `${JSON.stringify(line)}\n` };
  if (missed.length > 0) {
    outputs.stderr = `thresholds missed: ${missed.join("; ")}\n`;
  }
  return outputs;
}
