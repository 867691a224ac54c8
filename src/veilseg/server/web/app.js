// The page: takes a photograph, has it encrypted by the worker, sends the result, shows what came back.

import { fingerprint, keyLine, parseKey, Refusal } from "./keys.js";
import { getModel, segment } from "./service.js";
import { Blend, showLegend, showSent, size } from "./view.js";

const byId = (id) => document.getElementById(id);
const state = { model: null, photo: null, secret: null, blend: null, busy: null, sentUrl: null };
const token = () => byId("token").value.trim();

// What this cipher does not hide.
const TRUTH = {
  squares: "The server still sees the coarse picture: averages of small squares, and so the layout of the scene and whatever is large. Small writing, plates and faces stay here.",
  locked: "One key scrambles every picture alike. That locks the model; it does not reliably hide pictures: from some of them, or from one photograph with its encrypted version, a server can find the way back.",
};

function say(text, kind = "working") {
  const status = byId("status");
  status.textContent = text;
  status.className = kind;
  status.hidden = !text;
}

function complain(error) {
  if (error.status === 401) byId("access").open = true;
  const text = error instanceof Refusal ? error.message : `Something failed in this page: ${error.message}`;
  say(error.status === 401 ? "The service asks for a valid access token." : text, "error");
}

async function connect() {
  say("Asking the service what it takes …");
  try {
    state.model = await getModel(token(), byId("model").value);
  } catch (error) {
    state.model = null;
    byId("about-model").textContent = "not connected";
    return complain(error instanceof Refusal ? error : new Refusal("The service did not answer as expected."));
  }
  const { name, models, input } = state.model;
  if (byId("model").options.length !== models.length) {
    byId("model").replaceChildren(...models.map((each) => new Option(each, each, each === name, each === name)));
  }
  byId("truth").textContent = input.key_fingerprint ? TRUTH.locked : TRUTH.squares;
  byId("model-row").hidden = models.length < 2;
  byId("key-row").hidden = !input.key_fingerprint;
  byId("key-wanted").textContent = input.key_fingerprint ?? "";
  byId("about-model").textContent = `model ${name} · ${input.cipher} · ${input.sub_block ?? input.block} px`;
  say("");
  if (state.photo) await run();
}

/** Encrypt and send the photograph at hand. A run that is under way is given up. */
async function run() {
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
    say("Encrypting here, in the browser …");
    const { input, limits, classes } = state.model;
    const made = await inWorker({
      photo: state.photo,
      input,
      secret: state.secret,
      side: Number(byId("side").value),
      maxPixels: limits.image_pixels,
    }, busy.signal);
    showEncrypted(made);
    say(`Sending ${size(made.file.size)}, encrypted …`);
    const start = performance.now();
    const model = byId("model-row").hidden ? "" : byId("model").value;
    const onWait = (seconds) => say(`The service is busy. Trying again in ${seconds} s …`);
    const answer = await segment(made.file, { token: token(), model, signal: busy.signal, onWait });
    const answered = performance.now();
    const answerBytes = answer.byteLength;
    const { width, height, preview } = made;
    const shown = { width: preview.width, height: preview.height };
    const { ids, shares } = await inWorker({ answer, width, height, shown, classes: classes.length }, busy.signal, [answer]);
    state.blend = new Blend(byId("blend"), preview, ids, classes);
    showLegend(state.blend, shares, classes, redraw);
    redraw();
    const times = { "read": made.times.decode, "encrypt": made.times.encrypt, "send and segment": answered - start };
    const path = `/v1/segment${model ? `?model=${model}` : ""}`;
    await showSent({ file: made.file, facts: made.facts, photo: state.photo, answerBytes, times, path });
    busy.signal.throwIfAborted(); // another photograph came meanwhile
    byId("answer").hidden = byId("sent").hidden = false;
    say("");
    document.body.dataset.done = "yes";
  } catch (error) {
    if (busy.signal.aborted) return;
    complain(error);
  } finally {
    if (state.busy === busy) {
      state.busy = null;
      byId("cancel").hidden = true;
    }
  }
}

/** What worker.js makes of a job; `moved` are the parts of it that are handed over. */
function inWorker(job, signal, moved = []) {
  return new Promise((resolve, reject) => {
    const worker = new Worker("/worker.js", { type: "module" });
    const end = (settle, value) => {
      worker.terminate();
      settle(value);
    };
    worker.onmessage = ({ data }) => {
      if (data.refused) end(reject, new Refusal(data.refused));
      else if (data.failed) end(reject, new Error(data.failed));
      else end(resolve, data);
    };
    worker.onerror = (event) => end(reject, new Error(event.message || "the worker stopped"));
    signal.addEventListener("abort", () => end(reject, signal.reason));
    worker.postMessage(job, moved);
  });
}

function showEncrypted({ file, preview }) {
  if (state.sentUrl) URL.revokeObjectURL(state.sentUrl);
  state.sentUrl = URL.createObjectURL(file);
  byId("veiled").src = byId("save").href = state.sentUrl;
  const canvas = byId("original");
  [canvas.width, canvas.height] = [preview.width, preview.height];
  canvas.getContext("2d").drawImage(preview, 0, 0);
  byId("stage").hidden = false;
  byId("answer").hidden = true;
}

function redraw() {
  state.blend?.draw(Number(byId("opacity").value) / 100);
}

function take(photo) {
  if (!photo) return;
  state.photo = photo;
  byId("file-name").textContent = photo.name ? `${photo.name}, ${size(photo.size)}` : `a picture of ${size(photo.size)}`;
  run();
}

async function camera() {
  const video = byId("video");
  if (video.srcObject) {
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext("2d").drawImage(video, 0, 0);
    stopCamera();
    return take(await canvas.convertToBlob({ type: "image/png" }));
  }
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    await video.play();
    video.hidden = false;
    byId("camera").textContent = "Take the picture";
  } catch {
    say("There is no camera, or the browser may not use it.", "error");
  }
}

function stopCamera() {
  byId("video").srcObject?.getTracks().forEach((track) => track.stop());
  byId("video").srcObject = null;
  byId("video").hidden = true;
  byId("camera").textContent = "Use the camera";
}

async function readKey(text) {
  const note = byId("key-note");
  state.secret = null;
  try {
    if (!text.trim()) return (note.textContent = "");
    state.secret = await parseKey(text);
    note.textContent = `fingerprint ${await fingerprint(state.secret)}; it stays in this page`;
    if (state.photo) await run();
  } catch (error) {
    note.textContent = error.message;
  }
}

byId("file").addEventListener("change", (event) => {
  take(event.target.files[0]);
  event.target.value = ""; // so that choosing the same photograph again tries again
});
byId("camera").addEventListener("click", camera);
byId("cancel").addEventListener("click", () => {
  state.busy?.abort();
  say("");
});
byId("opacity").addEventListener("input", redraw);
byId("reveal").addEventListener("input", (event) => byId("compare").style.setProperty("--reveal", `${event.target.value}%`));
byId("side").addEventListener("change", () => state.photo && run());
byId("model").addEventListener("change", connect);
byId("token").addEventListener("change", connect);
byId("key").addEventListener("change", (event) => readKey(event.target.value));
byId("key-file").addEventListener("change", async (event) => {
  try {
    byId("key").value = keyLine(await event.target.files[0].text());
    await readKey(byId("key").value);
  } catch (error) {
    byId("key-note").textContent = error.message;
  }
});
document.addEventListener("paste", (event) => take(Array.from(event.clipboardData.files).find((file) => file.type.startsWith("image/"))));
for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    byId("drop").classList.toggle("over", name === "dragenter" || name === "dragover");
    if (name === "drop") take(event.dataTransfer.files[0]);
  });
}
connect();
