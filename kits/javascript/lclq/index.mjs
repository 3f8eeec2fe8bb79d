import lclq from "./index.cjs";

export const { start, connect, findBinary, Server, Sandbox, StartError, ControlError } = lclq;
