// The page's side of worker.js: work is done beside the page, which would stand still.

import { VeilsegError } from "./errors.js";

/** @import { JOBS } from "./worker.js" */

/**
 * What `JOBS[name]` of worker.js makes of a job.
 * @template {keyof typeof JOBS} Name
 * @param {Name} name
 * @param {Parameters<typeof JOBS[Name]>[0]} job
 * @param {AbortSignal} signal gives it up
 * @param {Transferable[]} moved the parts of the job that are handed over
 * @returns {Promise<Awaited<ReturnType<typeof JOBS[Name]>>["made"]>}
 */
export function inWorker(name, job, signal, moved = []) {
  return new Promise((resolve, reject) => {
    const worker = new Worker("/worker.js", { type: "module" });
    const end = (/** @type {() => void} */ settle) => {
      worker.terminate();
      settle();
    };
    worker.onmessage = ({ data }) => end(() => {
      if (data.refused) reject(new VeilsegError(data.refused));
      else if (data.failed) reject(new Error(data.failed));
      else resolve(data.made);
    });
    worker.onerror = (event) => end(() => reject(new Error(event.message || "the worker stopped")));
    signal.addEventListener("abort", () => end(() => reject(signal.reason)));
    worker.postMessage({ name, job }, moved);
  });
}
