// The live page: loads the bundle's artifacts in the reader's browser, judges them, and tries pictures on them.

import { adapted, openBundle } from "./bundle.js";
import { checkParity } from "./parity.js";
import { tryPictures } from "./pictures.js";
import { $, cell, duration, mark, say, significant } from "./view.js";

const LITERT = new URL("litert/", import.meta.url);
const TAGS = { Float32Array: "F32", Int32Array: "I32", Uint8Array: "U8" };
const HOW = "edge-export report . --serve";
const state = { bundle: null, litert: null, running: 0 };

async function begin() {
  document.documentElement.classList.add("served");
  try {
    state.bundle = await openBundle(new URL("../", location.href));
  } catch (error) {
    say("The bundle cannot be read: " + error.message, "bad");
    return;
  }
  const { manifest, artifacts } = state.bundle;
  $("title").textContent = manifest.model;
  document.title = `${manifest.model} in this browser`;
  if (!artifacts.length) return say("This bundle holds no .tflite file, and browsers run no other format here.", "idle");
  rows(artifacts);
  if (!(await loadLiteRT())) return;
  $("again").addEventListener("click", runAll);
  for (const input of document.querySelectorAll("[name=accelerator]")) input.addEventListener("change", runAll);
  await runAll();
  await tryPictures(state.bundle, openArtifact);
}

/** Loads LiteRT.js, with WebGPU where there is an adapter; says what to do where it is not beside this page. */
async function loadLiteRT() {
  const there = await fetch(new URL("core/dist/index.js", LITERT), { method: "HEAD" }).catch(() => ({ ok: false }));
  if (!there.ok) {
    say(`LiteRT.js is not beside this page. \`${HOW}\` in the bundle's folder serves it too, once \`edge-export devices install browser\` has brought it.`, "idle");
    return false;
  }
  try {
    const adapter = await navigator.gpu?.requestAdapter();
    state.litert = await import("./litert.js");
    await state.litert.start(new URL("core/wasm/", LITERT).href, { accelerator: adapter ? "webgpu" : "wasm" });
    $("webgpu").disabled = !adapter;
    $("webgpu-label").title = adapter ? `${adapter.info?.vendor ?? ""} ${adapter.info?.architecture ?? ""}` : "this browser offers no WebGPU adapter";
    return true;
  } catch (error) {
    say("LiteRT.js does not start in this browser: " + error.message, "bad");
    return false;
  }
}

const accelerator = () => document.querySelector("[name=accelerator]:checked").value;

/** An artifact compiled for the accelerator that is chosen. */
async function openArtifact(artifact) {
  return state.litert.Model.open(await state.bundle.bytes(artifact.file), { accelerator: accelerator() });
}

/** Judges every artifact, one after the other; a new call ends the one before. */
async function runAll() {
  const turn = ++state.running;
  const outcomes = [];
  const { artifacts } = state.bundle;
  for (const artifact of artifacts) row(artifact, "WAITING");
  for (const artifact of artifacts) {
    say(`Running ${artifact.file} …`, "");
    const found = await judged(artifact, () => turn === state.running);
    if (turn !== state.running) return;
    row(artifact, found.outcome, found);
    outcomes.push(found.outcome);
  }
  const count = (outcome) => outcomes.filter((found) => found === outcome).length;
  const [passed, failed, refused] = ["PASSED", "FAILED", "UNSUPPORTED"].map(count);
  const parts = [`${passed} of ${outcomes.length} files pass their gates here`];
  if (failed) parts.push(`${failed} fail`);
  if (refused) parts.push(`${refused} cannot be run by LiteRT.js`);
  say(parts.join(", ") + ".", failed ? "bad" : passed ? "good" : "idle");
  document.documentElement.dataset.done = JSON.stringify(Object.fromEntries(artifacts.map(({ file }, i) => [file, outcomes[i]])));
}

/** {outcome, reasons, metrics, ms} of one artifact on the golden pack of its framework. */
async function judged(artifact, wanted) {
  let model;
  try {
    model = await openArtifact(artifact);
    const { outputs, ms, pack } = await onGolden(artifact, model, wanted);
    const source = artifact.source_signature.outputs;
    const got = adapted(outputs, artifact.signature.outputs, source);
    const gate = state.bundle.gates.parity[artifact.precision];
    return { ...checkParity(pack.outputs, got, source, gate, pack.atLimits), ms, partly: !model.fullyAccelerated };
  } catch (error) {
    console.warn(artifact.file, error);
    return { outcome: "UNSUPPORTED", reasons: [refusal(error)], metrics: {} };
  } finally {
    model?.delete();
  }
}

/** What LiteRT.js says, and what to do where that is known. */
function refusal({ message }) {
  const said = message.split("\n")[0];
  const type = said.match(/Element type (\w+) is not supported/);
  return type ? `${said} LiteRT.js takes float32, int32 and uint8: in a browser use a file with float inputs.` : said;
}

/** The outputs of a model on every golden sample, and the median milliseconds of a call. */
async function onGolden(artifact, model, wanted) {
  const pack = await state.bundle.golden(artifact.framework);
  const inputs = adapted(pack.inputs, artifact.source_signature.inputs, artifact.signature.inputs);
  const spent = [];
  let last = performance.now();
  let shown = last;
  const outputs = await state.litert.runAll(model, inputs, async (done, of) => {
    const now = performance.now();
    spent.push(now - last);
    if (now - shown > 100) {
      row(artifact, "RUNNING", { reasons: [`${done} of ${of} samples`], metrics: {} });
      await new Promise((next) => setTimeout(next));
      shown = performance.now();
      if (!wanted()) throw new Error("stopped");
    }
    last = performance.now();
  });
  for (const tensor of Object.values(outputs)) tensor.dtype = TAGS[tensor.data.constructor.name];
  return { outputs, pack, ms: spent.sort((a, b) => a - b)[spent.length >> 1] };
}

/** One row for each artifact, in the order of the manifest. */
function rows(artifacts) {
  for (const artifact of artifacts) {
    const line = document.createElement("tr");
    line.dataset.file = artifact.file;
    $("artifacts").append(line);
    row(artifact, "WAITING");
  }
  $("files").hidden = false;
}

function row(artifact, outcome, { reasons = [], metrics = {}, ms = null, partly = false } = {}) {
  const line = [...$("artifacts").children].find(({ dataset }) => dataset.file === artifact.file);
  line.className = { PASSED: "good", FAILED: "bad", UNSUPPORTED: "idle" }[outcome] ?? "";
  const name = cell("th", artifact.precision, `${artifact.framework} · ${artifact.route}`);
  name.scope = "row";
  const verdict = cell("td", "", "");
  verdict.replaceChildren(mark(outcome), ...reasons.map((reason) => Object.assign(document.createElement("p"), { textContent: reason })));
  if (partly && accelerator() === "webgpu") verdict.append(Object.assign(document.createElement("p"), { textContent: "partly on the CPU: WebGPU does not take every operator" }));
  line.replaceChildren(
    name,
    verdict,
    ...["snr_db", "max_rel_range", "top1_agreement"].map((key) => cell("td", significant(metrics[key], key))),
    cell("td", duration(ms)),
    cell("td", `${(artifact.size_bytes / 1000).toPrecision(3)} kB`),
  );
}

begin();
