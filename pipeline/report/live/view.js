// The page's elements, and how numbers are written in them.

const SYMBOLS = { PASSED: "✓", FAILED: "✗", UNSUPPORTED: "∅", RUNNING: "▸", WAITING: "·" };
const TONES = { PASSED: "good", FAILED: "bad", UNSUPPORTED: "idle" };

export const $ = (id) => document.getElementById(id);

/** A table's cell with a quieter second line. */
export function cell(tag, text, quiet = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (quiet) made.append(Object.assign(document.createElement("span"), { className: "route", textContent: quiet }));
  return made;
}

/** An outcome with its symbol. */
export function mark(outcome) {
  const made = Object.assign(document.createElement("span"), { className: `mark ${TONES[outcome] ?? ""}` });
  const symbol = Object.assign(document.createElement("span"), { className: "symbol", textContent: SYMBOLS[outcome] });
  symbol.ariaHidden = "true";
  made.append(symbol, ` ${{ WAITING: "waiting", RUNNING: "running" }[outcome] ?? outcome}`);
  return made;
}

/** The line under the title; `tone` is good, bad, idle or nothing while work goes on. */
export function say(text, tone) {
  const parts = text.split("`").map((part, place) => {
    if (place % 2 === 0) return part;
    return Object.assign(document.createElement("code"), { textContent: part });
  });
  $("verdict").className = `verdict ${tone}`;
  $("status").replaceChildren(...parts);
}

export function significant(value, key) {
  if (value === undefined) return "";
  if (key === "snr_db") return `${value.toFixed(1)} dB`;
  if (key === "top1_agreement") return `${(100 * value).toFixed(1)} %`;
  return value === 0 ? "0" : value.toExponential(1);
}

export function duration(ms) {
  if (ms === null) return "";
  return ms < 0.1 ? "< 0.1 ms" : `${Number(ms.toPrecision(2))} ms`;
}
