"use strict";
// Net of each trade over how far the price went while it was open; a click chooses the nearest one.

class Reach {
  constructor(canvas, { trades, far, label, money, chosen, onPick }) {
    Object.assign(this, { canvas, trades, far, label, money, chosen });
    canvas.addEventListener("click", e => {
      let best = null, least = 400;
      for (const [x, y, trade] of this.spots ?? []) {
        const d = (x - e.offsetX) ** 2 + (y - e.offsetY) ** 2;
        if (d < least) { least = d; best = trade; }
      }
      if (best) onPick(best);
    });
    new ResizeObserver(() => this.spots && this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }
  draw() {
    const c = this.canvas, g = c.getContext("2d"), box = c.getBoundingClientRect(), dpr = window.devicePixelRatio || 1;
    const w = Math.max(box.width, 100), h = Math.max(box.height, 100), css = getComputedStyle(document.documentElement);
    const color = n => css.getPropertyValue("--" + n).trim();
    c.width = Math.round(w * dpr); c.height = Math.round(h * dpr); g.setTransform(dpr, 0, 0, dpr, 0, 0);
    g.clearRect(0, 0, w, h); g.font = "11.5px system-ui, sans-serif"; g.fillStyle = color("soft");
    const xs = this.trades.map(this.far), left = 62, foot = 30;
    g.textAlign = "center"; g.fillText(this.trades.length ? this.label : this.label + ": not known", (left + w) / 2, h - 4);
    this.spots = [];
    if (!xs.length) return;
    let right = 0, low = 0, high = 0;
    for (let i = 0; i < xs.length; i++) { right = Math.max(right, xs[i]); low = Math.min(low, this.trades[i].net); high = Math.max(high, this.trades[i].net); }
    if (!(high > low)) { low -= 1; high += 1; }
    right ||= 1;
    const sx = v => left + v / right * (w - left - 8), sy = v => 8 + (high - v) / (high - low) * (h - foot - 12);
    g.strokeStyle = color("grid"); g.textBaseline = "middle";
    const sy0 = roundStep(high - low, 5), sx0 = roundStep(right, 5);
    for (let v = Math.ceil(low / sy0) * sy0; v <= high; v += sy0) {
      g.beginPath(); g.moveTo(left, sy(v)); g.lineTo(w - 8, sy(v)); g.stroke();
      g.textAlign = "right"; g.fillText(this.money(v, sy0), left - 6, sy(v));
    }
    for (let v = 0; v <= right; v += sx0) { g.textAlign = "center"; g.fillText(String(+v.toPrecision(4)), sx(v), h - foot + 12); }
    g.globalAlpha = xs.length > 1000 ? .4 : .75;
    for (const won of [true, false]) {
      g.fillStyle = color(won ? "up" : "down"); g.beginPath();
      this.trades.forEach((t, i) => {
        if (t.net > 0 !== won) return;
        const x = sx(xs[i]), y = sy(t.net);
        this.spots.push([x, y, t]); g.moveTo(x + 2.5, y); g.arc(x, y, 2.5, 0, 7);
      });
      g.fill();
    }
    g.globalAlpha = 1;
    const mine = this.trades.indexOf(this.chosen());
    if (mine >= 0) { g.strokeStyle = color("ink"); g.lineWidth = 2; g.beginPath(); g.arc(sx(xs[mine]), sy(this.trades[mine].net), 6, 0, 7); g.stroke(); }
  }
}
