/** Stops what `lclq/setup` has started. */
export default function teardown(): Promise<void>;
