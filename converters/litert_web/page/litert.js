// A .tflite file in LiteRT.js: tensors by name in, tensors by name out, freed by hand as LiteRT.js wants it.

import { Tensor, getWebGpuDevice, loadAndCompile, loadLiteRt, supportsFeature } from "@litertjs/core";

// A call that goes wrong inside gives back memory that nobody has written, and says so on the console only.
const errors = [];
for (const kind of ["log", "info", "warn", "error"]) {
  const write = console[kind];
  console[kind] = (...words) => {
    if (/^ERROR:/.test(words[0])) errors.push(String(words[0]));
    write.apply(console, words);
  };
}

/** Loads LiteRT.js from `folder`, once a page. WebGPU beside wasm takes JSPI, threads take shared memory. */
export async function start(folder, { accelerator = "wasm", threads = 1 } = {}) {
  const jspi = accelerator === "webgpu" && (await supportsFeature("jspi"));
  await loadLiteRt(folder, threads > 1 ? { threads: true } : { jspi });
  if (accelerator === "webgpu" && !getWebGpuDevice()) throw new Error("this browser offers no WebGPU adapter");
}

/** A compiled model. `inputs` and `outputs` are [{name, dtype, shape}]. */
export class Model {
  static async open(bytes, { accelerator = "wasm", threads = 1 } = {}) {
    const options = { accelerator };
    if (accelerator === "wasm") options.cpuOptions = { numThreads: threads };
    if (accelerator === "webgpu") options.gpuOptions = { precision: "fp32" };
    return new Model(await loadAndCompile(bytes, options));
  }

  constructor(compiled) {
    const plain = ({ name, dtype, shape }) => ({ name, dtype, shape: [...shape] });
    this.compiled = compiled;
    this.inputs = compiled.getInputDetails().map(plain);
    this.outputs = compiled.getOutputDetails().map(plain);
    this.accelerator = compiled.options.accelerator;
    this.fullyAccelerated = compiled.isFullyAccelerated;
  }

  /** One call: {name: {data, shape}} in and out; the outputs are read, so that the work is done. */
  async call(inputs) {
    const given = {};
    let made = {};
    try {
      for (const { name } of this.inputs) given[name] = new Tensor(inputs[name].data, inputs[name].shape);
      errors.length = 0;
      made = await this.compiled.run(given);
      if (errors.length) throw new Error([...new Set(errors)].join("\n"));
      const outputs = {};
      for (const [name, tensor] of Object.entries(made)) {
        outputs[name] = { data: await tensor.data(), shape: [...tensor.type.layout.dimensions] };
      }
      return outputs;
    } finally {
      for (const tensor of [...Object.values(given), ...Object.values(made)]) tensor.delete();
    }
  }

  delete() {
    this.compiled.delete();
  }
}

/** Sample `index` of stacked tensors {name: {data: n values after another, shape: [n, ...]}}, without a copy. */
export function sample(stacks, index) {
  const cut = ({ data, shape }) => {
    const size = data.length / shape[0];
    return { data: data.subarray(index * size, (index + 1) * size), shape: shape.slice(1) };
  };
  return Object.fromEntries(Object.entries(stacks).map(([name, stack]) => [name, cut(stack)]));
}

/** The outputs of every stacked sample, stacked; one shape for all, or an error that names both. */
export async function runAll(model, stacks, progress = () => {}) {
  const [{ shape: [count] }] = Object.values(stacks);
  const outputs = {};
  for (let index = 0; index < count; index++) {
    for (const [name, { data, shape }] of Object.entries(await model.call(sample(stacks, index)))) {
      const stack = (outputs[name] ??= { data: new data.constructor(count * data.length), shape: [count, ...shape] });
      if (String(stack.shape.slice(1)) !== String(shape)) {
        throw new Error(`UNEVEN ${name} [${shape}] for sample ${index}, [${stack.shape.slice(1)}] for the first`);
      }
      stack.data.set(data, index * data.length);
    }
    await progress(index + 1, count);
  }
  return outputs;
}
