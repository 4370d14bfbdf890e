// A bundle read over HTTP: its manifest, gates, labels and golden packs, and values in a file's own layout.

import { read } from "./safetensors.js";

const PRECISIONS = ["fp32", "fp16", "int8-weights", "int4-weights", "palettized", "dynamic", "int8", "int8-io", "int16x8"];
const KINDS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };

/** {manifest, gates, labels, fetched} of the bundle at `root`; only .tflite artifacts are kept. */
export async function openBundle(root) {
  const fetched = async (path) => {
    const reply = await fetch(new URL(path.split("/").map(encodeURIComponent).join("/"), root));
    if (!reply.ok) throw new Error(`${path} of the bundle: ${reply.status} ${reply.statusText}`);
    return reply;
  };
  const manifest = await (await fetched("manifest.json")).json();
  if (![1, 2].includes(manifest.schema_version)) {
    throw new Error(`a bundle of schema ${manifest.schema_version}; this page reads 1 and 2`);
  }
  const rank = ({ framework, route, precision }) => [framework, route, PRECISIONS.indexOf(precision)].join(" ");
  const artifacts = manifest.artifacts
    .filter(({ format }) => format === "tflite")
    .sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  const gates = parseGates(await (await fetched(manifest.gates)).text());
  const labels = manifest.labels ? (await (await fetched(manifest.labels)).text()).split("\n").filter(Boolean) : [];
  const packs = new Map();
  const golden = async (framework) => {
    if (!packs.has(framework)) packs.set(framework, parsePack(await (await fetched(manifest.golden[framework])).arrayBuffer()));
    return packs.get(framework);
  };
  return { manifest, artifacts, gates, labels, golden, bytes: async (path) => new Uint8Array(await (await fetched(path)).arrayBuffer()) };
}

/** The tables of a gates file as it is written into bundles: `[table.name]` and `key = JSON value`. */
export function parseGates(text) {
  const gates = {};
  let table = gates;
  for (const line of text.split("\n")) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const head = line.match(/^\[([\w.-]+)\]$/);
    const entry = line.match(/^([\w-]+) = (.*)$/);
    if (head) {
      table = head[1].split(".").reduce((found, name) => (found[name] ??= {}), gates);
    } else {
      try {
        table[entry[1]] = JSON.parse(entry[2]);
      } catch {
        throw new Error(`gates.toml: this page cannot read the line ${JSON.stringify(line)}`);
      }
    }
  }
  return gates;
}

/** {inputs, outputs, label, atLimits, signature, samples} of a golden pack's bytes. */
function parsePack(buffer) {
  const { tensors, metadata } = read(buffer);
  if (metadata.kind !== "golden-pack" || !["1", "2"].includes(metadata.schema_version)) {
    throw new Error("not a golden pack of schema 1 or 2");
  }
  const signature = JSON.parse(metadata.signature);
  for (const { name, dtype } of signature.inputs) {
    const tensor = tensors[`input/${name}`]; // schema 2 keeps pixels of float inputs as bytes
    if (tensor?.dtype === "U8" && dtype === "float32") Object.assign(tensor, { data: Float32Array.from(tensor.data), dtype: "F32" });
  }
  const side = (prefix) =>
    Object.fromEntries(
      Object.entries(tensors).filter(([name]) => name.startsWith(prefix)).map(([name, tensor]) => [name.slice(prefix.length), tensor]),
    );
  return {
    inputs: side("input/"),
    outputs: side("output/"),
    label: Array.from(tensors.label.data, Number),
    atLimits: Array.from(tensors.index.data, (index) => Number(index) === -1),
    signature,
    samples: tensors.label.shape[0],
  };
}

/** Stacked values {name: tensor} by the specs of one side of an artifact, given by those of the other. */
export function adapted(tensors, given, wanted) {
  return Object.fromEntries(
    wanted.map((spec) => {
      const from = given.find(({ name }) => name === spec.name);
      const tensor = tensors[spec.name];
      if (!from || !tensor) throw new Error(`tensor ${spec.name} is not there; there are ${Object.keys(tensors).join(", ")}`);
      if (from.scale !== null || spec.scale !== null) throw new Error(`tensor ${spec.name} is quantized; this page feeds real numbers only`);
      return [spec.name, retyped(transposed(tensor, from.layout, spec.layout), spec.dtype)];
    }),
  );
}

/** A tensor with its axes after the first in the order of the layout `wanted`. */
export function transposed({ data, shape, dtype }, given, wanted) {
  if (given === wanted) return { data, shape, dtype };
  const letters = [...wanted];
  if (![...given].every((letter) => letters.includes(letter)) || given.length !== wanted.length) {
    throw new Error(`nobody knows how layout ${given || "?"} becomes ${wanted || "?"}`);
  }
  const order = [0, ...letters.map((letter) => given.indexOf(letter) + 1)];
  const steps = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const turned = order.map((axis) => shape[axis]);
  const moved = new data.constructor(data.length);
  const place = turned.map(() => 0);
  for (let index = 0; index < moved.length; index++) {
    moved[index] = data[place.reduce((sum, at, axis) => sum + at * steps[order[axis]], 0)];
    for (let axis = place.length - 1; axis >= 0 && ++place[axis] === turned[axis]; axis--) place[axis] = 0;
  }
  return { data: moved, shape: turned, dtype };
}

/** The same values as a type that LiteRT.js takes; integers that do not fit are an error. */
function retyped(tensor, dtype) {
  const kind = KINDS[dtype];
  if (!kind || tensor.data instanceof kind) return tensor;
  const data = kind.from(tensor.data, Number);
  if (kind !== Float32Array && data.some((value, index) => value !== Number(tensor.data[index]))) {
    throw new Error(`values of ${tensor.dtype} do not fit ${dtype}`);
  }
  return { ...tensor, data };
}
