// Run in Node: the vectors, and files for Python to read. Usage: node node.mjs VECTORS_FOLDER OUT_FOLDER

import { readFileSync, writeFileSync } from "node:fs";

import { MADE_HERE } from "../../src/veilseg/server/web/ciphers.js";
import { encrypt } from "../../src/veilseg/server/web/encrypt.js";
import { VeilsegError } from "../../src/veilseg/server/web/errors.js";
import { fingerprint, parseKey } from "../../src/veilseg/server/web/keys.js";
import { readLabels } from "../../src/veilseg/server/web/labels.js";
import { factsOf } from "../../src/veilseg/server/web/spec.js";
import { bytesOf, check } from "./check.js";
import { decode } from "./decode.mjs";

const [folder, out] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));
const names = ["keys", "derivation", "keystream", "ciphers", "container"];
const vectors = Object.fromEntries(names.map((name) => [name, read(name)]));
const { wrong, cases } = await check((name) => import(`../../src/veilseg/server/web/${name}`), vectors);

for (const { name, file, stored } of vectors.container.valid) {
  if (Buffer.from(decode(bytesOf(file)).stored).toString("base64") !== stored) wrong.push(`pixels of ${name}`);
}
for (const { why, file } of vectors.container.invalid) {
  try {
    decode(bytesOf(file));
    wrong.push(`invalid file: ${why}`);
  } catch (error) {
    if (!(error instanceof VeilsegError)) throw error;
  }
}

// The picture, cut so that it has to be padded.
const { width, height, pixels } = vectors.ciphers.pictures.noise;
const photo = { width: width - 3, height: height - 5, data: new Uint8Array(3 * (width - 3) * (height - 5)) };
for (let y = 0; y < photo.height; y++) {
  photo.data.set(bytesOf(pixels).subarray(3 * y * width, 3 * (y * width + photo.width)), 3 * y * photo.width);
}
const key = await parseKey(vectors.keys.valid[1].text), key_fingerprint = await fingerprint(key);
for (const cipher of MADE_HERE) {
  const sub_block = factsOf(cipher).sub_blocks ? 8 : null;
  writeFileSync(`${out}/${cipher}.png`, await encrypt(photo, { cipher, block: 16, sub_block, key_fingerprint }, key));
}
writeFileSync(`${out}/labels.bin`, (await readLabels(new Uint8Array(readFileSync(`${out}/labels.png`)))).data);
console.log(JSON.stringify({ wrong, cases, made: MADE_HERE }));
