// Run in Node: reads files, an array of base64 in JSON, from standard input. Prints for each what decode() found,
// stored values as their SHA-256; null where it refused the file.

import { createHash } from "node:crypto";
import { text } from "node:stream/consumers";

import { VeilsegError } from "../../src/veilseg/server/web/errors.js";
import { decode } from "./decode.mjs";

function read(file) {
  try {
    const found = decode(new Uint8Array(Buffer.from(file, "base64")));
    return { text: found.text, digest: createHash("sha256").update(found.stored).digest("hex") };
  } catch (error) {
    if (error instanceof VeilsegError) return null;
    throw error;
  }
}

console.log(JSON.stringify(JSON.parse(await text(process.stdin)).map(read)));
