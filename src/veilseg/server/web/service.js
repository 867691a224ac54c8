// The page's only way out: requests to the server that the page came from, none with anything but what is shown.

import { VeilsegError } from "./errors.js";

/** @import { Input } from "./encrypt.js" */

/**
 * A class of a model; the colour is RGB.
 * @typedef {{ id: number, name: string, colour: [number, number, number] }} Class
 *
 * What the service says about a model.
 * @typedef {{
 *   name: string, models: string[], input: Input, classes: Class[], limits: { image_pixels: number },
 * }} Model
 */

const ATTEMPTS = 4, LONGEST_WAIT = 20; // seconds

/** @type {(token: string) => Record<string, string>} */
function headers(token) {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/**
 * The path with the name of a model in it, where one is given.
 * @param {string} path
 * @param {string} model
 */
export function pathFor(path, model) {
  return model ? `${path}?model=${encodeURIComponent(model)}` : path;
}

/** A refusal by the service; `status` is HTTP's, 0 when it could not be reached. */
export class ServiceError extends VeilsegError {
  /**
   * @param {string} message
   * @param {number} status
   */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/**
 * What the service says about a model; "" is its first.
 * @param {string} token
 * @param {string} model
 * @returns {Promise<Model>}
 */
export async function getModel(token, model) {
  const response = await send(pathFor("/v1/model", model), { headers: headers(token) });
  return response.json();
}

/** The sample picture, which came with the page. */
export async function getSample() {
  return (await send("/sample.jpg", {})).blob();
}

/**
 * Send the file of an encrypted image; returns a label map's file.
 * @param {Blob} file
 * @param {{ token: string, path: string, signal: AbortSignal, onWait: (seconds: number) => void }} options
 */
export async function segment(file, { token, path, signal, onWait }) {
  const options = {
    method: "POST",
    body: file,
    headers: { ...headers(token), "Content-Type": "image/png", Accept: "image/png" },
    signal,
  };
  const response = await send(path, options, onWait);
  return response.arrayBuffer();
}

/**
 * fetch, again while the service is busy, as long as its Retry-After says.
 * @type {(path: string, options: RequestInit, onWait?: (seconds: number) => void) => Promise<Response>}
 */
async function send(path, options, onWait = () => {}) {
  for (let attempt = 1; ; attempt++) {
    const response = await attemptTo(path, options);
    if (response.ok) return response;
    const wait = Number(response.headers.get("Retry-After") ?? 1);
    const busy = [429, 503].includes(response.status);
    if (!busy || attempt === ATTEMPTS || !(wait <= LONGEST_WAIT)) throw await refusal(response);
    onWait(wait);
    await pause(1000 * wait, options.signal);
  }
}

/** @type {(path: string, options: RequestInit) => Promise<Response>} */
async function attemptTo(path, options) {
  try {
    return await fetch(path, {
      ...options,
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ServiceError("The service cannot be reached. Is it still running?", 0);
  }
}

/** @param {Response} response */
async function refusal(response) {
  const { error } = await response.json().catch(() => ({}));
  if (!error) return new ServiceError(`The service responded with status ${response.status}.`, response.status);
  return new ServiceError(`${error.message} ${error.hint ? `Hint: ${error.hint}.` : ""}`, response.status);
}

/** @type {(milliseconds: number, signal?: AbortSignal | null) => Promise<void>} */
function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const giveUp = () => (clearTimeout(timer), reject(signal?.reason));
    const timer = setTimeout(() => (signal?.removeEventListener("abort", giveUp), resolve()), milliseconds);
    signal?.addEventListener("abort", giveUp);
  });
}
