/** How a server is started. */
export interface StartOptions {
  /** Flags of `lclq start`, such as `["--data-dir", "queues"]`. */
  args?: string[];
  /** The binary; by default what LCLQ_BIN names, that of this platform's package, or one on PATH. */
  binary?: string;
  /** Further variables. Those of this process that begin with LCLQ_ aren't taken over. */
  env?: Record<string, string>;
  /** Whether tests may drive it; true by default. */
  testControls?: boolean;
}

/** What a rule of faults says; docs/testing.md of lclq tells more. */
export interface FaultRule {
  name?: string;
  dialect?: "sqs" | "pubsub";
  action?: string;
  resource?: string;
  /** The share of requests, from 0 to 1. */
  share?: number;
  every?: number;
  times?: number;
  seed?: number;
  effect:
    | "throttle"
    | { error: { code: string; message?: string } }
    | { latency: { ms: number; ms_max?: number } }
    | { drop: "before" | "after" }
    | { entries: { share: number; code?: string } };
}

/** A rule, and what it did. */
export interface FaultView {
  name: string;
  rule: FaultRule;
  /** Requests that it was for. */
  matched: number;
  /** Requests of those that it did something to. */
  fired: number;
}

/** The server's clock, which all its sandboxes share: tests that move it want a server of their own. */
export interface Clock {
  /** Has time stand still. */
  stop(): Promise<void>;
  /** Has time go on from where it is. */
  resume(): Promise<void>;
  /** Jumps ahead by ms; all that becomes due meanwhile happens. */
  advance(ms: number): Promise<void>;
  /** Jumps ahead to a time. */
  set(to: Date): Promise<void>;
}

/** Rules that have requests fail. */
export interface Faults {
  /** Sets a rule and answers its name. */
  set(rule: FaultRule): Promise<string>;
  list(): Promise<FaultView[]>;
  remove(name: string): Promise<void>;
  clear(): Promise<void>;
}

/** An SQS account and a Pub/Sub project that nobody else has. Names in it collide with nobody's. */
export class Sandbox {
  private constructor();
  readonly server: Server;
  readonly account: string;
  readonly project: string;
  /** For AWS' SDK: `new SQSClient(sandbox.aws)`. */
  readonly aws: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  /** For Google's library: `new PubSub(sandbox.google)`. */
  readonly google: { projectId: string; apiEndpoint: string; emulatorMode: true };
  /** Environment variables that bring AWS' and Google's SDKs here. */
  readonly env: Record<string, string>;
  /** Deletes all that is in it. Needs the test controls. */
  reset(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A running server. */
export class Server {
  private constructor();
  /** The URL of SQS. */
  readonly endpoint: string;
  /** Host and port of Pub/Sub, as PUBSUB_EMULATOR_HOST wants them. */
  readonly pubsub: string;
  /** The URL of the admin API, the metrics and the web console. */
  readonly admin: string;
  /** The process' id; null where somebody else has started it. */
  readonly pid: number | null;
  /** The last lines that it has logged, 1000 at most. */
  readonly log: string;
  /** What `connect` reads. */
  readonly env: Record<string, string>;
  readonly clock: Clock;
  readonly faults: Faults;
  /** An account and a project that nobody else has. */
  sandbox(): Sandbox;
  /** Deletes everything, for all sandboxes. */
  reset(): Promise<void>;
  /** Asks the admin API for anything else: `server.call("GET", "queues")`. */
  call(method: string, path: string, body?: unknown): Promise<any>;
  /** Ends it and waits for that. It ends with this process, too. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** The server didn't start; the message has what it said. */
export class StartError extends Error {}

/** The server has refused what a test asked of it. */
export class ControlError extends Error {
  /** The refusal's code. */
  readonly code: string;
}

/** Starts a server on free ports of loopback, in memory unless flags say otherwise. Throws StartError. */
export function start(options?: StartOptions): Promise<Server>;

/** The server that `lclq/setup` has started for the whole test run. */
export function connect(env?: Record<string, string | undefined>): Server;

/** The path of the binary. Throws where there is none. */
export function findBinary(): string;
