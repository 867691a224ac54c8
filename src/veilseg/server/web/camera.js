// A photograph from the camera.

import { drawingOn, find, make } from "./dom.js";

const video = find("video", HTMLVideoElement), button = find("camera", HTMLButtonElement);

/**
 * Start the camera; where it runs, take a picture and stop it. Returns the picture, or null when the camera started.
 * Throws where there is no camera.
 * @returns {Promise<File | null>}
 */
export async function useCamera() {
  if (video.srcObject instanceof MediaStream) {
    const picture = await pictureOf();
    video.srcObject.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
    video.hidden = true;
    button.textContent = "Use the camera";
    return picture;
  }
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  await video.play();
  video.hidden = false;
  button.textContent = "Take the picture";
  return null;
}

/** @returns {Promise<File | null>} */
function pictureOf() {
  const canvas = make("canvas", { width: video.videoWidth, height: video.videoHeight });
  drawingOn(canvas).drawImage(video, 0, 0);
  return new Promise((resolve) => canvas.toBlob((blob) => resolve(blob && new File([blob], "")), "image/png"));
}
