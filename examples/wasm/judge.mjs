// Judges a file with the module that `src/lib.rs` becomes, and prints the report: node judge.mjs MODULE FILE SECONDS [NAME]
import { readFileSync } from "node:fs";

const [module, file, seconds, name = file] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(readFileSync(module), {});
const { check, input, memory, output, name: nameAt } = instance.exports;

const put = (place, bytes) => {
  const at = place(bytes.length);
  new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
};
put(nameAt, new TextEncoder().encode(name));
put(input, readFileSync(file));
const length = check(BigInt(seconds));
process.stdout.write(new Uint8Array(memory.buffer, output(), length));
