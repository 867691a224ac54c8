// The page: takes a photograph, has it encrypted by the worker, sends the result, shows the response.

import { useCamera } from "./camera.js";
import { drawingOn, find } from "./dom.js";
import { specFor } from "./encrypt.js";
import { VeilsegError } from "./errors.js";
import { inWorker } from "./jobs.js";
import { fingerprint, keyLine, parseKey, stripped } from "./keys.js";
import { getModel, pathFor, segment, ServiceError } from "./service.js";
import { visibleIn } from "./spec.js";
import { Blend, showLegend, showSent, size } from "./view.js";

/** @import { Bytes } from "./bytes.js" */
/** @import { Model } from "./service.js" */

const byId = (/** @type {string} */ id) => find(id, HTMLElement);
const inputs = {
  file: find("file", HTMLInputElement),
  key: find("key", HTMLInputElement),
  keyFile: find("key-file", HTMLInputElement),
  model: find("model", HTMLSelectElement),
  opacity: find("opacity", HTMLInputElement),
  reveal: find("reveal", HTMLInputElement),
  side: find("side", HTMLSelectElement),
  token: find("token", HTMLInputElement),
};

const state = {
  /** @type {Model | undefined} */ model: undefined,
  /** @type {File | undefined} */ photo: undefined,
  /** @type {Bytes | undefined} */ secret: undefined,
  /** @type {Blend | undefined} */ blend: undefined,
  /** @type {AbortController | undefined} the run that is under way */ busy: undefined,
  sentUrl: "",
};
const token = () => inputs.token.value.trim();

/** @type {(text: string, kind?: "working" | "error") => void} */
function say(text, kind = "working") {
  const status = byId("status");
  status.textContent = text;
  status.className = kind;
  status.hidden = !text;
}

/** @param {unknown} error */
function complain(error) {
  if (error instanceof ServiceError && error.status === 401) {
    find("access", HTMLDetailsElement).open = true;
    say("The service asks for a valid access token.", "error");
  } else say(messageOf(error), "error");
}

/** @param {unknown} error */
function messageOf(error) {
  if (error instanceof VeilsegError) return error.message;
  return `Something failed in this page: ${error instanceof Error ? error.message : error}`;
}

async function connect() {
  say("Asking the service what it takes …");
  byId("visible").textContent = "";
  try {
    state.model = await getModel(token(), inputs.model.value);
  } catch (error) {
    state.model = undefined;
    byId("about-model").textContent = "not connected";
    return complain(error instanceof VeilsegError ? error : new VeilsegError("The service is no veilseg service."));
  }
  const { name, models, input } = state.model;
  if (inputs.model.options.length !== models.length) {
    inputs.model.replaceChildren(...models.map((each) => new Option(each, each, each === name, each === name)));
  }
  byId("model-row").hidden = models.length < 2;
  byId("key-row").hidden = !input.key_fingerprint;
  byId("key-wanted").textContent = input.key_fingerprint ?? "";
  byId("about-model").textContent = `model ${name} · ${input.cipher} · ${input.sub_block ?? input.block} px`;
  try {
    byId("visible").textContent = visibleIn(specFor(input));
  } catch (error) {
    return complain(error);
  }
  say("");
  if (state.photo) await run(state.photo);
}

/**
 * Encrypt and send a photograph. A run that is under way is given up.
 * @param {File} photo
 */
async function run(photo) {
  state.busy?.abort();
  // What an earlier photograph or model gave must not be taken for this one's.
  byId("stage").hidden = byId("sent").hidden = true;
  delete document.body.dataset.done;
  if (!state.model) return connect();
  if (!globalThis.crypto?.subtle) {
    return say("This page needs a secure address: https://, or http://127.0.0.1 on the same machine.", "error");
  }
  const busy = (state.busy = new AbortController());
  byId("cancel").hidden = false;
  try {
    await encryptAndSend(photo, state.model, busy.signal);
    say("");
    document.body.dataset.done = "yes";
  } catch (error) {
    if (!busy.signal.aborted) complain(error);
  } finally {
    if (state.busy === busy) {
      state.busy = undefined;
      byId("cancel").hidden = true;
    }
  }
}

/** @type {(photo: File, model: Model, signal: AbortSignal) => Promise<void>} */
async function encryptAndSend(photo, { input, limits, classes }, signal) {
  say("Encrypting here, in the browser …");
  const side = Number(inputs.side.value), { secret } = state;
  const made = await inWorker("encrypt", { photo, input, secret, side, maxPixels: limits.image_pixels }, signal);
  const { file, contents, width, height, preview } = made;
  showEncrypted(file, preview);
  say(`Sending ${size(file.size)}, encrypted …`);
  const start = performance.now();
  const path = pathFor("/v1/segment", byId("model-row").hidden ? "" : inputs.model.value);
  const onWait = (/** @type {number} */ seconds) => say(`The service is busy. Trying again in ${seconds} s …`);
  const response = await segment(file, { token: token(), path, signal, onWait });
  const received = performance.now(), responseBytes = response.byteLength;
  const shown = { width: preview.width, height: preview.height };
  const job = { response, width, height, shown, classes: classes.length };
  const { ids, shares } = await inWorker("read", job, signal, [response]);
  state.blend = new Blend(find("blend", HTMLCanvasElement), preview, ids, classes);
  showLegend(state.blend, shares, classes, redraw);
  redraw();
  const times = { "read": made.times.decode, "encrypt": made.times.encrypt, "send and segment": received - start };
  await showSent({ file, contents, photo, responseBytes, times, path });
  signal.throwIfAborted(); // another photograph came meanwhile
  byId("result").hidden = byId("sent").hidden = false;
}

/** @type {(file: Blob, preview: ImageBitmap) => void} */
function showEncrypted(file, preview) {
  if (state.sentUrl) URL.revokeObjectURL(state.sentUrl);
  state.sentUrl = URL.createObjectURL(file);
  find("encrypted", HTMLImageElement).src = find("save", HTMLAnchorElement).href = state.sentUrl;
  const canvas = find("original", HTMLCanvasElement);
  [canvas.width, canvas.height] = [preview.width, preview.height];
  drawingOn(canvas).drawImage(preview, 0, 0);
  byId("stage").hidden = false;
  byId("result").hidden = true;
}

function redraw() {
  state.blend?.draw(Number(inputs.opacity.value) / 100);
}

/** @param {File | null | undefined} photo */
function take(photo) {
  if (!photo) return;
  state.photo = photo;
  byId("file-name").textContent = `${photo.name || "a picture"}, ${size(photo.size)}`;
  run(photo);
}

/** @param {string} text */
async function readKey(text) {
  const note = byId("key-note");
  state.secret = undefined;
  try {
    if (!stripped(text)) return (note.textContent = "");
    state.secret = await parseKey(text);
    note.textContent = `fingerprint ${await fingerprint(state.secret)}; it stays in this page`;
    if (state.photo) await run(state.photo);
  } catch (error) {
    note.textContent = messageOf(error);
  }
}

inputs.file.addEventListener("change", () => {
  take(inputs.file.files?.[0]);
  inputs.file.value = ""; // so that choosing the same photograph again tries again
});
byId("camera").addEventListener("click", () => {
  useCamera().then(take, () => say("There is no camera, or the browser may not use it.", "error"));
});
byId("cancel").addEventListener("click", () => {
  state.busy?.abort();
  say("");
});
inputs.opacity.addEventListener("input", redraw);
inputs.reveal.addEventListener("input", () => byId("compare").style.setProperty("--reveal", `${inputs.reveal.value}%`));
inputs.side.addEventListener("change", () => state.photo && run(state.photo));
inputs.model.addEventListener("change", connect);
inputs.token.addEventListener("change", connect);
inputs.key.addEventListener("change", () => readKey(inputs.key.value));
inputs.keyFile.addEventListener("change", async () => {
  try {
    inputs.key.value = keyLine((await inputs.keyFile.files?.[0]?.arrayBuffer()) ?? new ArrayBuffer(0));
    await readKey(inputs.key.value);
  } catch (error) {
    byId("key-note").textContent = messageOf(error);
  }
});
document.addEventListener("paste", (event) => {
  take(Array.from(event.clipboardData?.files ?? []).find((file) => file.type.startsWith("image/")));
});
for (const name of /** @type {const} */ (["dragenter", "dragover", "dragleave", "drop"])) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    byId("drop").classList.toggle("over", name === "dragenter" || name === "dragover");
    if (name === "drop") take(event.dataTransfer?.files[0]);
  });
}
connect();
