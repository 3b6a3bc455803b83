/** Where the map is looked at from: fitted to an area, and then moved by hand, wheel, fingers or buttons. */

const PADDING = 18;
const DURATION = 420;
const CLOSEST = 9;
const DRAG = 5;

export class Zoom {
  /** @param moved is called with `{ k, x, y }` whenever the view moves: screen = grid × k + (x, y). */
  constructor(element, moved) {
    this.element = element;
    this.moved = moved;
    this.view = { k: 0.05, x: 0, y: 0 };
    this.size = [1, 1];
    this.home = null;
    this.byHand = false;
    this.frame = 0;
    this.fingers = new Map();
    this.dragged = false;
    new ResizeObserver(() => this.measure()).observe(element);
    this.listen();
  }

  /** Show a box of the grid, gliding there unless the reader wants no motion. */
  fit(box, { glide = true } = {}) {
    this.home = box;
    this.byHand = false;
    this.to(this.of(box), glide);
  }

  /** Back to what was fitted. */
  reset() {
    if (this.home !== null) this.fit(this.home);
  }

  /** Closer (more than 1) or farther, around a place of the screen. */
  by(factor, [x, y] = [this.size[0] / 2, this.size[1] / 2], glide = true) {
    this.byHand = true;
    const { view } = this;
    const k = Math.min(Math.max(view.k * factor, this.farthest()), CLOSEST);
    const ratio = k / view.k;
    this.to({ k, x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio }, glide);
  }

  measure() {
    const { width, height } = this.element.getBoundingClientRect();
    if (width === 0 || height === 0 || (width === this.size[0] && height === this.size[1])) return;
    const [dx, dy] = [(width - this.size[0]) / 2, (height - this.size[1]) / 2];
    this.size = [width, height];
    if (this.home !== null && !this.byHand) this.to(this.of(this.home), false);
    else this.to({ ...this.view, x: this.view.x + dx, y: this.view.y + dy }, false);
  }

  farthest() {
    return this.home === null ? 0.01 : this.of(this.home).k * 0.4;
  }

  of([west, north, east, south]) {
    const [width, height] = this.size;
    const padding = Math.min(PADDING, width / 10);
    const k = Math.min((width - 2 * padding) / (east - west), (height - 2 * padding) / (south - north), CLOSEST);
    return { k, x: width / 2 - ((west + east) / 2) * k, y: height / 2 - ((north + south) / 2) * k };
  }

  to(target, glide) {
    window.cancelAnimationFrame(this.frame);
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!glide || still || document.hidden) {
      this.set(target);
      return;
    }
    const [from, began] = [this.view, performance.now()];
    const step = (at) => {
      const part = Math.min(1, Math.max(0, (at - began) / DURATION));
      const eased = 1 - (1 - part) ** 3;
      // Scale by its logarithm, so that near and far glide alike; the middle of the screen goes straight.
      const k = from.k * (target.k / from.k) ** eased;
      const middle = (view) => [(this.size[0] / 2 - view.x) / view.k, (this.size[1] / 2 - view.y) / view.k];
      const [a, b] = [middle(from), middle(target)];
      const [u, v] = [a[0] + (b[0] - a[0]) * eased, a[1] + (b[1] - a[1]) * eased];
      this.set(part === 1 ? target : { k, x: this.size[0] / 2 - u * k, y: this.size[1] / 2 - v * k });
      if (part < 1) this.frame = window.requestAnimationFrame(step);
    };
    this.frame = window.requestAnimationFrame(step);
  }

  set(view) {
    this.view = view;
    this.moved(view);
  }

  listen() {
    const { element, fingers } = this;
    element.addEventListener(
      "wheel",
      (event) => {
        const scrolls = document.documentElement.scrollHeight > window.innerHeight + 1;
        if (scrolls && !event.ctrlKey) return;
        event.preventDefault();
        this.by(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0016)), this.place(event), false);
      },
      { passive: false },
    );
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      fingers.set(event.pointerId, this.place(event));
      this.dragged = fingers.size > 1;
    });
    window.addEventListener("pointermove", (event) => {
      if (fingers.has(event.pointerId)) this.drag(event);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      window.addEventListener(end, (event) => fingers.delete(event.pointerId));
    }
    // What ends a movement is no click on what lies below.
    element.addEventListener(
      "click",
      (event) => {
        if (!this.dragged) return;
        event.preventDefault();
        event.stopPropagation();
        this.dragged = false;
      },
      { capture: true },
    );
    element.addEventListener("dragstart", (event) => event.preventDefault());
  }

  drag(event) {
    const before = this.fingers.get(event.pointerId);
    const place = this.place(event);
    if (!this.dragged && Math.hypot(place[0] - before[0], place[1] - before[1]) < DRAG) return;
    this.dragged = true;
    this.byHand = true;
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    this.fingers.set(event.pointerId, place);
    if (other === undefined) {
      this.to({ ...this.view, x: this.view.x + place[0] - before[0], y: this.view.y + place[1] - before[1] }, false);
      return;
    }
    const apart = (at) => Math.max(1, Math.hypot(at[0] - other[0], at[1] - other[1]));
    const middle = [(place[0] + other[0]) / 2, (place[1] + other[1]) / 2];
    this.by(apart(place) / apart(before), middle, false);
  }

  place(event) {
    const { left, top } = this.element.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }
}
