// From a picture to a model's input, by the bundle's rules: the same numbers as Pillow gives in Python.

/** The values of an image input (n=1) from RGBA pixels: {data, shape, dtype} in the layout of `spec`. */
export function toInput({ data, width, height }, rules, spec) {
  const channels = rules.colour === "grey" ? [grey(data)] : [0, 1, 2].map((channel) => every(data, channel));
  const sized = rules.keep_aspect ? fitted : resized;
  const planes = channels.map((plane) => sized(plane, width, height, rules.width, rules.height));
  const axes = [...spec.layout];
  const sizes = { N: 1, C: planes.length, H: rules.height, W: rules.width };
  const shape = axes.map((letter) => sizes[letter]);
  const steps = axes.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const step = (letter) => (axes.includes(letter) ? steps[axes.indexOf(letter)] : 0);
  const [low, high] = rules.value_range ?? [0, 255];
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  planes.forEach((plane, channel) =>
    plane.forEach((value, place) => {
      const [row, column] = [Math.floor(place / rules.width), place % rules.width];
      values[channel * step("C") + row * step("H") + column * step("W")] = low + value * ((high - low) / 255);
    }),
  );
  return { data: values, shape: [1, ...shape], dtype: "F32" };
}

/** RGBA pixels of sample `index` of stacked inputs, to show it; `low` is black and `high` white. */
export function toPixels(tensor, index, layout, [low, high] = [0, 255]) {
  const shape = tensor.shape.slice(1);
  const axes = [...layout];
  const at = (letter) => (axes.includes(letter) ? shape[axes.indexOf(letter)] : 1);
  const [height, width, channels] = [at("H"), at("W"), at("C")];
  const steps = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const step = (letter) => (axes.includes(letter) ? steps[axes.indexOf(letter)] : 0);
  const start = index * shape.reduce((a, b) => a * b, 1);
  const pixels = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      for (let channel = 0; channel < 3; channel++) {
        const from = start + row * step("H") + column * step("W") + (channels === 3 ? channel : 0) * step("C");
        pixels[4 * (row * width + column) + channel] = ((Number(tensor.data[from]) - low) * 255) / (high - low);
      }
    }
  }
  return { data: pixels, width, height };
}

/** One plane as large as fits, in the middle of black. */
export function fitted(plane, width, height, toWidth, toHeight) {
  const scale = Math.min(toWidth / width, toHeight / height);
  const side = (size, most) => Math.min(Math.max(Math.round(size * scale), 1), most);
  const [wide, high] = [side(width, toWidth), side(height, toHeight)];
  const [left, top] = [(toWidth - wide) >> 1, (toHeight - high) >> 1];
  const inside = resized(plane, width, height, wide, high);
  const whole = new inside.constructor(toWidth * toHeight);
  for (let row = 0; row < high; row++) {
    whole.set(inside.subarray(row * wide, (row + 1) * wide), (top + row) * toWidth + left);
  }
  return whole;
}

/** One plane resized as Pillow's BILINEAR does: a triangle as wide as the reduction, rounded after each direction. */
export function resized(plane, width, height, toWidth, toHeight) {
  const across = width === toWidth ? plane : lines(plane, width, height, toWidth, false);
  return height === toHeight ? across : lines(across, toWidth, height, toHeight, true);
}

function lines(plane, width, height, to, down) {
  const from = down ? height : width;
  const made = new Uint8Array(down ? width * to : to * height);
  for (let place = 0; place < to; place++) {
    const { start, weights } = triangle(place, from, to);
    for (let line = 0; line < (down ? width : height); line++) {
      let sum = 0;
      weights.forEach((weight, offset) => {
        sum += weight * (down ? plane[(start + offset) * width + line] : plane[line * width + start + offset]);
      });
      made[down ? place * width + line : line * to + place] = Math.min(Math.max(Math.floor(sum + 0.5), 0), 255);
    }
  }
  return made;
}

/** The weights of the pixels around the centre of the new pixel `place`. Source: Pillow, src/libImaging/Resample.c. */
function triangle(place, from, to) {
  const scale = Math.max(from / to, 1);
  const centre = ((place + 0.5) * from) / to;
  const start = Math.max(Math.trunc(centre - scale + 0.5), 0);
  const end = Math.min(Math.trunc(centre + scale + 0.5), from);
  const raw = Array.from({ length: end - start }, (_, offset) => Math.max(1 - Math.abs((start + offset - centre + 0.5) / scale), 0));
  const total = raw.reduce((a, b) => a + b, 0);
  return { start, weights: raw.map((weight) => weight / total) };
}

const grey = (data) =>
  Uint8Array.from({ length: data.length / 4 }, (_, i) => (19595 * data[4 * i] + 38470 * data[4 * i + 1] + 7471 * data[4 * i + 2] + 0x8000) >> 16);
const every = (data, channel) => Uint8Array.from({ length: data.length / 4 }, (_, i) => data[4 * i + channel]);
