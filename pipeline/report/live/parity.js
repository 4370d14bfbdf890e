// Whether an artifact computes what the framework computes: the rules of pipeline/checks/parity.py, number for number.
//
// Tensors are {data, shape, dtype}: values of all samples one after another, shape (n, ...), the safetensors type.
// Outputs are the source model's specs: {name, shape, dtype, meaning}; null in a shape is any size.

const SNR_CAP_DB = 200;
const NOTHING = 1e-15;
const TINY = 2.2250738585072014e-308;

/** {outcome: "PASSED" | "FAILED", reasons, metrics} of got against reference, both {name: tensor}. */
export function checkParity(reference, got, outputs, gate, atLimits = null) {
  const reasons = structure(reference, got, outputs, gate);
  if (reasons.length) return { outcome: "FAILED", reasons, metrics: {} };
  if (atLimits && !gate.at_limits) {
    const kept = [...atLimits.keys()].filter((index) => !atLimits[index]);
    reference = chosen(reference, outputs, kept);
    got = chosen(got, outputs, kept);
  }
  const count = reference[outputs[0].name].shape[0];
  if (count < gate.min_samples) {
    return { outcome: "FAILED", reasons: [`${count} samples compared; the gate wants ${gate.min_samples}`], metrics: {} };
  }
  const verdicts = outputs.map((spec) => [spec.name, judge(spec, reference[spec.name], got[spec.name], gate)]);
  const failed = verdicts.filter(([, verdict]) => verdict.reasons.length);
  const said = failed.flatMap(([name, verdict]) => verdict.reasons.map((reason) => `output ${name}: ${reason}`));
  if (failed.length) said.unshift(...exchanged(reference, got, gate.max_rel_range));
  return { outcome: failed.length ? "FAILED" : "PASSED", reasons: said, metrics: combined(verdicts, count) };
}

/** Everything that fails before any tolerance. */
function structure(reference, got, outputs, gate) {
  const names = outputs.map((spec) => spec.name);
  if (!names.length) return ["the model has no outputs: nothing compared proves nothing"];
  const reasons = names.filter((name) => !(name in reference)).map((name) => `the reference has no output ${name}`);
  const missing = names.filter((name) => !(name in got));
  const extra = Object.keys(got).filter((name) => !names.includes(name));
  if (missing.length) reasons.push(`missing output ${missing.join(", ")}; the artifact gives ${Object.keys(got).join(", ") || "nothing"}`);
  if (extra.length) reasons.push(`unexpected output ${extra.join(", ")}; the model has ${names.join(", ")}`);
  if (reasons.length) return reasons;
  for (const spec of outputs) {
    reasons.push(...unfit(spec, reference[spec.name], got[spec.name]).map((reason) => `output ${spec.name}: ${reason}`));
  }
  if (!reasons.length) {
    const counts = [...new Set(names.map((name) => reference[name].shape[0]))];
    if (counts.length > 1) reasons.push(`the outputs hold unequal numbers of samples: ${counts.join(", ")}`);
    else if (counts[0] === 0) reasons.push("0 samples: nothing compared proves nothing");
  } else if (!reasons.some((reason) => reason.includes("NaN"))) {
    reasons.unshift(...exchanged(reference, got, gate.max_rel_range));
  }
  return reasons;
}

/** What of one output is not comparable at all. */
function unfit(spec, want, have) {
  const fits = want.shape.length === spec.shape.length + 1 &&
    spec.shape.every((size, axis) => size === null || size === want.shape[axis + 1]);
  if (!fits) return [`the reference is [${want.shape}], which is not [samples, ${spec.shape}]`];
  const reasons = [];
  if (!same(want.shape, have.shape)) reasons.push(`wrong shape [${have.shape}], the reference is [${want.shape}]`);
  if (kind(have) !== kind(want)) reasons.push(`wrong kind of number ${have.dtype}, the reference is ${want.dtype}`);
  for (const [side, tensor] of [["the reference", want], ["the artifact", have]]) {
    if (kind(tensor) !== "f") continue;
    const bad = rows(tensor).map((row) => row.some((value) => !Number.isFinite(value)));
    const number = bad.filter(Boolean).length;
    if (number) reasons.push(`${side} gives NaN or Inf in ${number} of ${bad.length} samples (first: ${bad.indexOf(true)})`);
  }
  return reasons;
}

/** One output of fitting shape and finite values against the tolerances: {reasons, metrics}. */
function judge(spec, reference, got, gate) {
  const want = rows(reference);
  const have = rows(got);
  const reasons = unproved(reference, want, gate);
  if (kind(reference) !== "f") {
    const share = want.map((row, index) => mean(row.map((value, place) => Number(value === have[index][place]))));
    if (mean(share) < gate.min_top1) {
      reasons.push(`only ${(100 * mean(share)).toFixed(2)} % of the values equal the reference's, wanted ${100 * gate.min_top1} %`);
    }
    return { reasons, metrics: { agreement: mean(share), worst_sample: share.indexOf(least(share)) } };
  }
  const measured = measure(want, have, gate);
  const { metrics } = measured;
  const wanted = [
    ["max_rel_range", metrics.max_rel_range <= gate.max_rel_range, `<= ${gate.max_rel_range}`],
    ["snr_db", metrics.snr_db >= gate.min_snr_db, `>= ${gate.min_snr_db}`],
    ["moving_snr_db", metrics.moving_snr_db >= gate.min_moving_snr_db, `>= ${gate.min_moving_snr_db}`],
    ["cosine_worst", metrics.cosine_worst >= gate.min_cosine, `>= ${gate.min_cosine}`],
  ];
  if (hasClasses(spec, reference)) {
    const tie = gate.min_top1 >= 1 ? 2 * gate.max_rel_range * measured.range : 0;
    const agrees = want.map((row, index) => Number(row[argmax(have[index])] >= greatest(row) - tie));
    metrics.top1_agreement = mean(agrees);
    wanted.push(["top1_agreement", metrics.top1_agreement >= gate.min_top1, `>= ${gate.min_top1}`]);
  }
  const broken = wanted.filter(([, holds]) => !holds);
  if (broken.length) {
    const said = broken.map(([name, , bound]) => `${name} ${Number(metrics[name].toPrecision(4))}, wanted ${bound}`);
    reasons.push(`${said.join("; ")} (worst sample ${metrics.worst_sample})`);
  }
  return { reasons, metrics };
}

/** The metrics of a float output, each as its file under pipeline/checks/metrics/ defines it. */
function measure(want, have, gate) {
  const range = greatest(want.map(greatest)) - least(want.map(least));
  const spread = range || greatest(want.map((row) => greatest(row.map(Math.abs)))) || 1;
  const gaps = want.map((row, index) => greatest(row.map((value, place) => Math.abs(have[index][place] - value))));
  const relative = gaps.map((gap) => gap / spread);
  const signals = want.map((row) => sum(row.map((value) => value * value)));
  const noises = want.map((row, index) => sum(row.map((value, place) => (have[index][place] - value) ** 2)));
  const means = want[0].map((_, place) => sum(want.map((row) => row[place])) / want.length);
  const moving = sum(want.map((row) => sum(row.map((value, place) => (value - means[place]) ** 2))));
  const loud = loudest(want, signals, gate);
  const cosines = want.map((row, index) => cosine(row, have[index])).filter((_, index) => loud[index]);
  const metrics = {
    max_abs: greatest(gaps),
    max_rel_range: greatest(relative),
    snr_db: decibel(sum(signals), sum(noises)),
    snr_db_worst: least(signals.map((signal, index) => decibel(signal, noises[index]))),
    moving_snr_db: decibel(moving, sum(noises)),
    cosine_worst: least(cosines),
    worst_sample: relative.indexOf(greatest(relative)),
  };
  return { metrics, range };
}

/** The samples whose angle tells something: not those so near to zero that the allowed noise turns them. */
function loudest(want, signals, gate) {
  const norms = signals.map(Math.sqrt);
  const noise = 10 ** (-gate.min_snr_db / 20) * Math.sqrt(mean(signals));
  const turned = Math.sqrt(Math.max(1 - gate.min_cosine ** 2, 1e-12)) / Math.max(gate.min_cosine, 1e-12);
  const limit = Math.min((2 * noise) / turned, greatest(norms));
  return norms.map((norm) => norm >= limit);
}

/** Why equality with this reference would prove nothing. */
function unproved(reference, want, gate) {
  if (want.length === 1) return ["one sample proves nothing: whether the output follows its input cannot be seen"];
  if (want.every((row) => row.every((value, place) => value === want[0][place]))) {
    return [`the reference is the same for all ${want.length} samples: agreeing with it proves nothing`];
  }
  if (kind(reference) !== "f") return [];
  const [low, high] = [least(want.map(least)), greatest(want.map(greatest))];
  const magnitude = Math.max(Math.abs(low), Math.abs(high));
  if (magnitude < NOTHING) return [`the reference never leaves 0 by more than ${magnitude}: it is saturated and proves nothing`];
  const edge = mean(want.map((row) => mean(row.map((value) => Number(value === low || value === high)))));
  if (edge > gate.max_edge_share) {
    return [`the reference is saturated, ${(100 * edge).toFixed(1)} % of its values are its least or greatest: it proves nothing`];
  }
  return [];
}

/** Outputs that hold another output's values within the tolerance, as sentences. */
function exchanged(reference, got, tolerance) {
  const limit = Math.max(tolerance, 1e-5);
  const said = [];
  for (const [name, have] of Object.entries(got)) {
    if (name in reference && gap(reference[name], have) <= limit) continue;
    for (const [other, values] of Object.entries(reference)) {
      if (other !== name && gap(values, have) <= limit) said.push(`${name} equals the reference's ${other}: outputs are exchanged`);
    }
  }
  return said;
}

/** The largest difference as a share of the range; infinite where two tensors cannot be compared. */
function gap(want, have) {
  if (!same(want.shape, have.shape) || !want.data.length) return Infinity;
  const [a, b] = [Array.from(want.data, Number), Array.from(have.data, Number)];
  const found = greatest(a.map((value, place) => Math.abs(b[place] - value))) / (greatest(a) - least(a) || 1);
  return Number.isFinite(found) ? found : Infinity;
}

/** The worst of each metric over the outputs, then each output's own where there are several. */
function combined(verdicts, count) {
  const metrics = { samples: count };
  for (const [, verdict] of verdicts) {
    for (const [name, value] of Object.entries(verdict.metrics)) {
      if (name === "worst_sample") continue;
      const pick = name.startsWith("max") ? Math.max : Math.min;
      metrics[name] = name in metrics ? pick(metrics[name], value) : value;
    }
  }
  const worst = verdicts.reduce((a, b) => ((b[1].metrics.max_rel_range ?? 0) > (a[1].metrics.max_rel_range ?? 0) ? b : a));
  metrics.worst_sample = worst[1].metrics.worst_sample;
  if (verdicts.length > 1) {
    for (const [output, verdict] of verdicts) {
      for (const [name, value] of Object.entries(verdict.metrics)) metrics[`${output}.${name}`] = value;
    }
  }
  return metrics;
}

/** Whether the largest value along the last axis is an answer. */
export function hasClasses(spec, tensor) {
  const last = tensor.shape.at(-1);
  const single = tensor.data.length / tensor.shape[0] === last;
  return last > 1 && single && (spec.meaning === "logits" || spec.shape.length === 2);
}

/** Where the greatest value is; the first of equal ones. */
export function argmax(row) {
  return row.indexOf(greatest(row));
}

function chosen(tensors, outputs, kept) {
  const take = (tensor) => {
    const size = tensor.data.length / tensor.shape[0];
    const data = new tensor.data.constructor(kept.length * size);
    kept.forEach((index, place) => data.set(tensor.data.subarray(index * size, (index + 1) * size), place * size));
    return { ...tensor, data, shape: [kept.length, ...tensor.shape.slice(1)] };
  };
  return Object.fromEntries(outputs.map(({ name }) => [name, take(tensors[name])]));
}

/** The values of each sample, as plain numbers. */
function rows({ data, shape }) {
  const size = shape[0] ? data.length / shape[0] : 0;
  return Array.from({ length: shape[0] }, (_, index) => Array.from(data.subarray(index * size, (index + 1) * size), Number));
}

function cosine(a, b) {
  const norm = Math.sqrt(sum(a.map((value) => value * value))) * Math.sqrt(sum(b.map((value) => value * value)));
  if (!a.some(Boolean) && !b.some(Boolean)) return 1;
  const dot = sum(a.map((value, place) => value * b[place]));
  return Math.min(Math.max(dot / (norm || 1), -1), 1);
}

function decibel(signal, noise) {
  if (noise === 0) return SNR_CAP_DB;
  const ratio = 10 * (Math.log10(Math.max(signal, TINY)) - Math.log10(Math.max(noise, TINY)));
  return Math.min(Math.max(ratio, -SNR_CAP_DB), SNR_CAP_DB);
}

const kind = ({ dtype }) => ({ F: "f", B: "b" })[dtype[0]] ?? "i";
const same = (a, b) => a.length === b.length && a.every((value, place) => value === b[place]);
const sum = (values) => values.reduce((a, b) => a + b, 0);
const mean = (values) => sum(values) / values.length;
const greatest = (values) => values.reduce((a, b) => (b > a ? b : a), -Infinity);
const least = (values) => values.reduce((a, b) => (b < a ? b : a), Infinity);
