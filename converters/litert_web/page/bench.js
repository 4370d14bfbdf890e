// What the runtime asks of its page. Arrays come and go as safetensors files under addresses that it names.

import { Model, runAll, sample, start } from "./litert.js";
import { read, write } from "./safetensors.js";

const models = new Map();
const fetched = async (address) => (await fetch(address)).arrayBuffer();

globalThis.bench = {
  start,

  async open(id, address, options) {
    const model = await Model.open(new Uint8Array(await fetched(address)), options);
    models.set(id, model);
    const { inputs, outputs, accelerator, fullyAccelerated } = model;
    return { inputs, outputs, accelerator, fullyAccelerated };
  },

  async run(id, from, to) {
    const outputs = await runAll(models.get(id), read(await fetched(from)).tensors);
    await fetch(to, { method: "POST", body: write(outputs) });
  },

  /** Milliseconds of each of `calls` calls, over the samples in turn. */
  async time(id, from, calls) {
    const stacks = read(await fetched(from)).tensors;
    const [{ shape: [count] }] = Object.values(stacks);
    const samples = Array.from({ length: count }, (_, index) => sample(stacks, index));
    const model = models.get(id);
    const spent = [];
    for (let call = 0; call < calls; call++) {
      const begin = performance.now();
      await model.call(samples[call % count]);
      spent.push(performance.now() - begin);
    }
    return spent;
  },

  close(id) {
    models.get(id)?.delete();
    models.delete(id);
  },
};
