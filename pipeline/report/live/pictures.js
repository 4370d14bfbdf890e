// Draw, choose a picture, or take one of the golden samples: what the models say to it.

import { adapted } from "./bundle.js";
import { Drawing } from "./canvas.js";
import { argmax, hasClasses } from "./parity.js";
import { toInput, toPixels } from "./picture.js";
import { $ } from "./view.js";

const SHOWN = 5;

/** Shows the section for models with one image input and one score a class; says why for others. */
export async function tryPictures(bundle, open) {
  const fit = bundle.artifacts.filter((artifact) => answers(bundle, artifact));
  $("pictures").hidden = false;
  if (!fit.length) {
    $("no-pictures").hidden = false;
    return;
  }
  new Trial(bundle, open, fit).begin();
  $("picture-tools").hidden = false;
}

/** The input's rules and the output's spec of a classifier of images; null for another model. */
function answers({ manifest }, artifact) {
  const { inputs, outputs } = artifact.source_signature;
  const rules = inputs.length === 1 && manifest.preprocessing[inputs[0].name];
  const plain = artifact.signature.inputs.every(({ scale }) => scale === null);
  const classes = outputs.filter((spec) => hasClasses(spec, { shape: [1, ...spec.shape], data: { length: spec.shape.at(-1) } }));
  return rules && plain && classes.length === 1 ? { rules, input: inputs[0], output: classes[0] } : null;
}

class Trial {
  constructor(bundle, open, artifacts) {
    Object.assign(this, { bundle, open, artifacts, turn: 0 });
    this.drawing = new Drawing($("canvas"), () => this.ask());
  }

  begin() {
    const select = $("model");
    for (const { file } of this.artifacts) select.append(new Option(file, file));
    const best = this.artifacts.find(({ precision }) => precision === "int8") ?? this.artifacts[0];
    select.value = best.file;
    select.addEventListener("change", () => this.ask());
    $("clear").addEventListener("click", () => this.clear());
    $("sample").addEventListener("click", () => this.sample());
    $("file").addEventListener("change", (event) => this.choose(event.target.files[0]));
    const { rules } = answers(this.bundle, best);
    $("rules").textContent = `The model sees ${rules.width} × ${rules.height} pixels, ${rules.colour}. ${rules.note ?? ""}`;
    this.drawing.canvas.addEventListener("dragover", (event) => event.preventDefault());
    this.drawing.canvas.addEventListener("drop", (event) => {
      event.preventDefault();
      this.choose(event.dataTransfer.files[0]);
    });
    return this.sample();
  }

  get artifact() {
    return this.artifacts.find(({ file }) => file === $("model").value);
  }

  clear() {
    this.drawing.clear();
    this.given = null;
    $("answer").replaceChildren();
    $("truth").textContent = "Draw here, light on dark.";
  }

  async choose(file) {
    if (!file) return;
    try {
      this.picture = await createImageBitmap(file);
    } catch {
      $("truth").textContent = `${file.name} is no picture that this browser reads.`;
      return;
    }
    this.drawing.show(this.picture);
    $("truth").textContent = file.name;
    this.ask();
  }

  /** A golden sample, fed exactly as it is. */
  async sample() {
    const pack = await this.bundle.golden(this.artifact.framework);
    const { rules, input } = answers(this.bundle, this.artifact);
    const real = [...pack.label.keys()].filter((index) => !pack.atLimits[index]);
    const index = real[Math.floor(Math.random() * real.length)];
    const tensor = pack.inputs[input.name];
    this.drawing.show(toPixels(tensor, index, input.layout, rules.value_range), false);
    const label = pack.label[index];
    $("truth").textContent = `Golden sample ${index}` + (label >= 0 ? `: ${this.name(label)}` : "");
    const size = tensor.data.length / tensor.shape[0];
    await this.ask({ [input.name]: { ...tensor, data: tensor.data.slice(index * size, (index + 1) * size), shape: [1, ...tensor.shape.slice(1)] } });
  }

  name(index) {
    return this.bundle.labels[index] ?? `class ${index}`;
  }

  /** Runs the chosen model on `given`, or on what the canvas shows; the answer of a later question wins. */
  async ask(given = null) {
    const turn = ++this.turn;
    const { artifact } = this;
    const { rules, input, output } = answers(this.bundle, artifact);
    const values = given ?? { [input.name]: toInput(this.source(), rules, input) };
    try {
      const model = await this.model(artifact);
      const fed = adapted(values, [input], artifact.signature.inputs);
      const one = Object.fromEntries(Object.entries(fed).map(([name, tensor]) => [name, { ...tensor, shape: tensor.shape.slice(1) }]));
      const begin = performance.now();
      const found = await model.call(one);
      const spent = performance.now() - begin;
      if (turn === this.turn) this.answer(Array.from(found[output.name].data), output, spent);
    } catch (error) {
      if (turn === this.turn) $("answer").textContent = error.message.split("\n")[0];
    }
  }

  source() {
    return this.drawing.pixels();
  }

  async model(artifact) {
    const key = artifact.file + document.querySelector("[name=accelerator]:checked").value;
    if (this.key !== key) {
      this.loaded?.delete();
      this.loaded = null;
      this.loaded = await this.open(artifact);
      this.key = key;
    }
    return this.loaded;
  }

  answer(scores, output, ms) {
    const shares = softmax(scores, output);
    const order = [...shares.keys()].sort((a, b) => shares[b] - shares[a]).slice(0, SHOWN);
    $("answer").replaceChildren(
      ...order.map((index) => {
        const line = document.createElement("li");
        const bar = document.createElement("span");
        bar.className = "share";
        bar.style.width = `${100 * shares[index]}%`;
        const text = (className, content) => Object.assign(document.createElement("span"), { className, textContent: content });
        line.append(text("label", this.name(index)), bar, text("percent", `${(100 * shares[index]).toFixed(1)} %`));
        if (index === argmax(scores)) line.className = "top";
        return line;
      }),
    );
    $("spent").textContent = `${this.artifact.file}, ${ms.toFixed(1)} ms`;
  }
}

/** Shares of 1: scores that are some already are left as they are. */
function softmax(scores, { meaning }) {
  const total = scores.reduce((a, b) => a + b, 0);
  if (meaning !== "logits" && scores.every((score) => score >= 0) && Math.abs(total - 1) < 1e-3) return scores;
  const top = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}
