// A canvas to draw on, or to show a picture: white on black by default, as small drawings in data sets are.

/** Makes `canvas` drawable; `changed` is called when a stroke ends or a picture is shown. */
export class Drawing {
  constructor(canvas, changed) {
    this.canvas = canvas;
    this.changed = changed;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.ink = "#ffffff";
    this.paper = "#000000";
    this.width = canvas.width / 12;
    this.clear();
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => this.end());
  }

  clear() {
    this.context.fillStyle = this.paper;
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.empty = true;
  }

  /** Shows RGBA pixels or an image, stretched over the canvas. */
  show(picture, smooth = true) {
    const { canvas, context } = this;
    let source = picture;
    if (picture.data) {
      source = new OffscreenCanvas(picture.width, picture.height);
      source.getContext("2d").putImageData(new ImageData(picture.data, picture.width, picture.height), 0, 0);
    }
    this.clear();
    context.imageSmoothingEnabled = smooth;
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    this.empty = false;
  }

  pixels() {
    return this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
  }

  begin(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.last = this.place(event);
    this.stroke(this.last);
  }

  move(event) {
    if (this.last) this.stroke(this.place(event));
  }

  end() {
    if (!this.last) return;
    this.last = null;
    this.changed();
  }

  stroke(to) {
    const { context } = this;
    Object.assign(context, { strokeStyle: this.ink, lineWidth: this.width, lineCap: "round", lineJoin: "round" });
    context.beginPath();
    context.moveTo(...this.last);
    context.lineTo(...to);
    context.stroke();
    this.last = to;
    this.empty = false;
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }
}
