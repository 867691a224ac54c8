// Pictures from the camera: one at a time, or live.

import { find } from "./dom.js";

const video = find("video", HTMLVideoElement), panel = find("camera-panel", HTMLElement);
const button = find("camera", HTMLButtonElement);

/** Whether the camera runs. */
export function cameraRuns() {
  return video.srcObject instanceof MediaStream;
}

/** Throws where there is no camera, or the browser may not use it. */
export async function startCamera() {
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  await video.play();
  panel.hidden = false;
  button.textContent = "Close the camera";
}

export function stopCamera() {
  if (video.srcObject instanceof MediaStream) video.srcObject.getTracks().forEach((track) => track.stop());
  video.srcObject = null;
  panel.hidden = true;
  button.textContent = "Use the camera";
}

/** What the camera sees now. */
export function frame() {
  return createImageBitmap(video);
}

/**
 * Again and again, until the signal: take a frame and do something with it. The next is taken when that is done, at
 * most so many a second, and none while nobody sees the page.
 * @param {() => number} rate the most frames a second
 * @param {(frame: ImageBitmap) => Promise<void>} work
 * @param {AbortSignal} signal
 */
export async function live(rate, work, signal) {
  while (!signal.aborted) {
    const next = performance.now() + 1000 / rate();
    if (!document.hidden) await work(await frame());
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
  }
}
