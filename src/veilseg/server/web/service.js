// The page's only way out: three requests to the server that the page came from, none with anything but what is shown.

import { Refusal } from "./keys.js";

const ATTEMPTS = 4, LONGEST_WAIT = 20;

function headers(token) {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

function query(model) {
  return model ? `?model=${encodeURIComponent(model)}` : "";
}

/** A refusal by the service; `status` is HTTP's, 0 when it could not be reached. */
export class ServiceRefusal extends Refusal {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** What the service tells about a model (default: its first). */
export async function getModel(token, model) {
  const answer = await send(`/v1/model${query(model)}`, { headers: headers(token) }, () => {});
  return answer.json();
}

/** Send the file of an encrypted image, a Blob; the answer, a label map's file as an ArrayBuffer. */
export async function segment(file, { token, model, signal, onWait }) {
  const options = {
    method: "POST",
    body: file,
    headers: { ...headers(token), "Content-Type": "image/png", Accept: "image/png" },
    signal,
  };
  const answer = await send(`/v1/segment${query(model)}`, options, onWait);
  return answer.arrayBuffer();
}

/** fetch, again while the service is busy, as long as its Retry-After says. */
async function send(path, options, onWait) {
  for (let attempt = 1; ; attempt++) {
    let answer;
    try {
      answer = await fetch(path, { ...options, credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer" });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ServiceRefusal("The service cannot be reached. Is it still running?", 0);
    }
    if (answer.ok) return answer;
    const wait = Number(answer.headers.get("Retry-After") ?? 1);
    if (![429, 503].includes(answer.status) || attempt === ATTEMPTS || !(wait <= LONGEST_WAIT)) throw await refusal(answer);
    onWait(wait);
    await pause(1000 * wait, options.signal);
  }
}

async function refusal(answer) {
  const { error } = await answer.json().catch(() => ({}));
  const text = error ? `${error.message} ${error.hint ? `Hint: ${error.hint}.` : ""}` : `The service answered ${answer.status}.`;
  return new ServiceRefusal(text, answer.status);
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
