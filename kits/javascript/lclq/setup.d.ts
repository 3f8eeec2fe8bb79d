/** Starts a server for a whole test run and answers what stops it. */
export default function setup(): Promise<() => Promise<void>>;
