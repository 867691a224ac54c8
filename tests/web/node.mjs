// Run in Node: the vectors, and files for Python to read. Usage: node node.mjs WEB_FOLDER VECTORS_FOLDER OUT_FOLDER

import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { webcrypto } from "node:crypto";
import { check } from "./check.js";

globalThis.crypto ??= webcrypto; // Node 18

const [web, folder, out] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${web}/${name}`));
const names = ["keys", "derivation", "keystream", "ciphers", "container"];
const vectors = Object.fromEntries(names.map((name) => [name, JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"))]));
const { wrong, cases } = await check(load, vectors);

const { encrypt } = await load("encrypt.js");
const { parseKey, fingerprint } = await load("keys.js");
const { readLabels } = await load("png.js");
const { width, height, pixels } = vectors.ciphers.pictures.noise;
const photo = { width: width - 3, height: height - 5, data: new Uint8Array(3 * (width - 3) * (height - 5)) };
const all = Uint8Array.from(atob(pixels), (character) => character.charCodeAt(0));
for (let y = 0; y < photo.height; y++) photo.data.set(all.subarray(3 * y * width, 3 * (y * width + photo.width)), 3 * y * photo.width);
const key = await parseKey(vectors.keys.valid[1].text);
const base = { block: 16, sub_block: 8, channels: "sub-block", shuffle: "channel", key_fingerprint: await fingerprint(key) };
for (const cipher of ["subblock-sort", "subblock-shuffle", "subblock-quartiles", "mosaic", "patch-permutation", "patch-rotation"]) {
  const { file } = await encrypt(photo, { ...base, cipher }, key);
  writeFileSync(`${out}/${cipher}.png`, file);
}
const labels = await readLabels(new Uint8Array(readFileSync(`${out}/labels.png`)));
writeFileSync(`${out}/labels.bin`, labels.data);
console.log(JSON.stringify({ wrong, cases }));
