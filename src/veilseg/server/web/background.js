// The page's side of worker.js, which works beside the page: that would stand still. The worker is loaded with the page
// and kept, so that a service that is down later takes nothing from it.

import { VeilsegError } from "./errors.js";

/** @import { FUNCTIONS } from "./worker.js" */

const worker = new Worker("/worker.js", { type: "module" });
/** @type {Map<number, { resolve: (made: any) => void, reject: (error: Error) => void }>} calls under way */
const calls = new Map();
let count = 0;

/** Throws a VeilsegError where a part of the page is missing. */
export const loaded = new Promise((resolve, reject) => {
  calls.set(-1, { resolve, reject }); // the worker says so by itself
});

worker.onmessage = ({ data: { id, made, refused, failed } }) => {
  const call = calls.get(id);
  calls.delete(id);
  if (refused) call?.reject(new VeilsegError(refused));
  else if (failed) call?.reject(new Error(failed));
  else call?.resolve(made);
};
worker.onerror = ({ message }) => {
  const error = message ? new Error(message) : new VeilsegError("The page was not loaded whole. Load it again.");
  for (const { reject } of calls.values()) reject(error);
  calls.clear();
};

/**
 * What `FUNCTIONS[name]` of worker.js makes of an argument.
 * @template {keyof typeof FUNCTIONS} Name
 * @param {Name} name
 * @param {Parameters<typeof FUNCTIONS[Name]>[0]} argument
 * @param {{ signal?: AbortSignal, moved?: Transferable[] }} options `signal` gives it up: what it makes is forgotten;
 *   `moved`: the parts of the argument that are handed over
 * @returns {Promise<Awaited<ReturnType<typeof FUNCTIONS[Name]>>["made"]>}
 */
export function inBackground(name, argument, { signal, moved = [] } = {}) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const id = count++;
    const giveUp = () => calls.delete(id) && reject(signal?.reason);
    // A listener that stayed would keep all that was made.
    /** @type {<Value>(end: (value: Value) => void) => (value: Value) => void} */
    const ended = (end) => (value) => (signal?.removeEventListener("abort", giveUp), end(value));
    calls.set(id, { resolve: ended(resolve), reject: ended(reject) });
    signal?.addEventListener("abort", giveUp);
    worker.postMessage({ id, name, argument }, moved);
  });
}
