// The line that says what goes on, or what went wrong.

import { byId } from "./dom.js";
import { VeilsegError } from "./errors.js";
import { ServiceError } from "./service.js";

/** @type {(text: string, kind?: "working" | "error") => void} */
export function say(text, kind = "working") {
  const status = byId("status");
  status.textContent = text;
  status.className = kind;
  status.hidden = !text;
}

/**
 * @param {unknown} error
 * @param {string} token that was sent, "" for none
 */
export function messageOf(error, token) {
  if (error instanceof ServiceError && error.status === 401) {
    return token ? "The service does not know this access token." : "The service asks for an access token.";
  }
  if (error instanceof VeilsegError) return error.message;
  return `Something failed in this page: ${error instanceof Error ? error.message : error}`;
}
