// The page: takes photographs, has them encrypted and sent one after the other, shows what came back.

import { loaded } from "./background.js";
import { cameraRuns, frame, startCamera, stopCamera } from "./camera.js";
import { forget } from "./display.js";
import { byId, find } from "./dom.js";
import { specFor } from "./encrypt.js";
import { VeilsegError } from "./errors.js";
import { fingerprint, keyLine, parseKey, stripped } from "./keys.js";
import { run, runLive, stop } from "./run.js";
import { size } from "./sent.js";
import { getModel, getSample, pathFor, ServiceError } from "./service.js";
import { visibleIn } from "./spec.js";
import { messageOf, say } from "./status.js";

/** @import { Bytes } from "./bytes.js" */
/** @import { Photo } from "./decode.js" */
/** @import { Picture } from "./picture.js" */
/** @import { Model } from "./service.js" */

const inputs = {
  file: find("file", HTMLInputElement),
  key: find("key", HTMLInputElement),
  keyFile: find("key-file", HTMLInputElement),
  model: find("model", HTMLSelectElement),
  rate: find("rate", HTMLSelectElement),
  side: find("side", HTMLSelectElement),
  token: find("token", HTMLInputElement),
};

const state = {
  /** @type {Model | undefined} */ model: undefined,
  /** @type {Bytes | undefined} */ secret: undefined,
  /** @type {Picture[]} what was taken */ pictures: [],
};
const token = () => inputs.token.value.trim();

async function connect() {
  stop();
  forget();
  say("Asking the service what it takes …");
  byId("visible").textContent = "";
  try {
    [state.model] = await Promise.all([getModel(token(), inputs.model.value), loaded]);
  } catch (error) {
    state.model = undefined;
    byId("about-model").textContent = "not connected";
    if (error instanceof ServiceError && error.status === 401) find("access", HTMLDetailsElement).open = true;
    const known = error instanceof VeilsegError ? error : new VeilsegError("The service is no veilseg service.");
    return say(messageOf(known, token()), "error");
  }
  const { name, models, input } = state.model;
  if (inputs.model.options.length !== models.length) {
    inputs.model.replaceChildren(...models.map((each) => new Option(each, each, each === name, each === name)));
  }
  byId("model-row").hidden = models.length < 2;
  byId("key-row").hidden = !input.key_fingerprint;
  byId("key-wanted").textContent = input.key_fingerprint ?? "";
  byId("about-model").textContent = `model ${name} · ${input.cipher} · ${input.sub_block ?? input.block} px`;
  inputs.side.options[0].text = `${input.longer_side ? `${input.longer_side} px` : "original"}, as the model`;
  try {
    byId("visible").textContent = visibleIn(specFor(input));
  } catch (error) {
    return say(messageOf(error, ""), "error");
  }
  say("");
  await runAgain();
}

/** @param {Model} model */
function settingsFor(model) {
  const path = pathFor("/v1/segment", model.models.length > 1 ? inputs.model.value : "");
  const longerSide = inputs.side.value ? Number(inputs.side.value) : undefined;
  return { model, secret: state.secret, longerSide, token: token(), path };
}

/** What was taken, once more from the start: a model, a size or a key was chosen. */
async function runAgain() {
  if (!state.pictures.length) return;
  if (!state.model) return connect();
  await run(state.pictures.map(({ name, photo }) => ({ name, photo })), settingsFor(state.model));
}

/** @param {Iterable<Photo>} photos */
function take(photos) {
  const nameOf = (/** @type {Photo} */ photo) => (photo instanceof File && photo.name) || "a picture";
  const pictures = Array.from(photos, (photo) => ({ name: nameOf(photo), photo }));
  if (!pictures.length) return;
  state.pictures = pictures;
  const [{ name, photo }] = pictures;
  const bytes = photo instanceof Blob ? `, ${size(photo.size)}` : "";
  byId("file-name").textContent = pictures.length > 1 ? `${pictures.length} pictures` : name + bytes;
  runAgain();
}

/** @param {() => Promise<unknown>} use */
function withCamera(use) {
  use().catch(() => say("There is no camera, or the browser may not use it.", "error"));
}

/** @param {string} text */
async function readKey(text) {
  const note = byId("key-note");
  state.secret = undefined;
  try {
    if (!stripped(text)) return (note.textContent = "");
    state.secret = await parseKey(text);
    note.textContent = `fingerprint ${await fingerprint(state.secret)}; it stays in this page`;
    await runAgain();
  } catch (error) {
    note.textContent = messageOf(error, "");
  }
}

inputs.file.addEventListener("change", () => {
  take(inputs.file.files ?? []);
  inputs.file.value = ""; // so that choosing the same photograph again tries again
});
byId("sample").addEventListener("click", async () => {
  try {
    take([new File([await getSample()], "sample.jpg", { type: "image/jpeg" })]);
  } catch (error) {
    say(messageOf(error, ""), "error");
  }
});
byId("camera").addEventListener("click", () => {
  if (!cameraRuns()) return withCamera(startCamera);
  stop();
  stopCamera();
});
byId("shoot").addEventListener("click", () => withCamera(async () => take([await frame()])));
byId("live").addEventListener("click", async () => {
  const { model } = state;
  if (!model) return connect();
  state.pictures = [];
  byId("live").setAttribute("aria-pressed", "true");
  await runLive(() => settingsFor(model), () => Number(inputs.rate.value));
  byId("live").setAttribute("aria-pressed", "false");
});
byId("cancel").addEventListener("click", stop);
inputs.side.addEventListener("change", runAgain);
inputs.model.addEventListener("change", connect);
inputs.token.addEventListener("change", connect);
inputs.key.addEventListener("change", () => readKey(inputs.key.value));
inputs.keyFile.addEventListener("change", async () => {
  try {
    inputs.key.value = keyLine((await inputs.keyFile.files?.[0]?.arrayBuffer()) ?? new ArrayBuffer(0));
    await readKey(inputs.key.value);
  } catch (error) {
    byId("key-note").textContent = messageOf(error, "");
  }
});
document.addEventListener("paste", (event) => {
  take(Array.from(event.clipboardData?.files ?? []).filter((file) => file.type.startsWith("image/")));
});
for (const name of /** @type {const} */ (["dragenter", "dragover", "dragleave", "drop"])) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    const left = name === "drop" || (name === "dragleave" && !event.relatedTarget);
    document.body.classList.toggle("dragged", !left);
    if (name === "drop") take(event.dataTransfer?.files ?? []);
  });
}
connect();
