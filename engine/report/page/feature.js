"use strict";
// A feature's page: the report's chart with a pane of prices and one for each group of the feature's columns.

class FeatureChart extends Chart {
  constructor(canvas, groups) {
    const none = new Float64Array(0);
    super(canvas, { zone: new Zone("UTC"), equity: { ts: none, balance: none, equity: none }, exposure: { ts: none, long: none, short: none },
      startBalance: null, money: v => String(v), onPick: () => {} });
    this.over = groups.filter(g => g.over).flatMap(g => g.lines);
    this.groups = groups.filter(g => !g.over);
    this.tones = ["equity", "sell", "up", "down", "buy", "balance"];
  }
  pricePane(pane) {  // what has the unit of a price lies over the candles, clipped to what they span
    super.pricePane(pane);
    if (!this.over.length) return;
    const { value } = this.priceY, a = value(pane.top), b = value(pane.bottom);
    const y = v => pane.top + (v - a) / (b - a) * (pane.bottom - pane.top);
    this.clip(pane, g => this.over.forEach((line, k) => this.trace(g, line, y, this.tones[k % this.tones.length])));
    const told = this.over.map((line, k) => [`${line.name} ${this.told(line)}`, this.tones[k % this.tones.length]]);
    const below = { top: pane.top + 18, bottom: pane.bottom };
    this.legend(below, told);
  }
  told(line) {
    const v = line.values[Math.min(Math.floor(this.pointed()), line.values.length - 1)];
    return Number.isFinite(v) ? String(+v.toPrecision(6)) : "–";
  }
  trace(g, line, y, tone) {  // where bars are denser than pixels only the extremes of a pixel are drawn
    const lo = Math.max(Math.floor(this.view[0]), 0), hi = Math.min(Math.ceil(this.view[1]), line.values.length);
    g.strokeStyle = this.color[tone]; g.lineWidth = 1.3; g.beginPath();
    let px = -1e9, low = 0, high = 0, open = false;
    for (let i = lo; i < hi; i++) {
      const v = line.values[i];
      if (!Number.isFinite(v)) { open = false; continue; }
      const x = this.sx(i + .5), yy = y(v);
      if (open && x - px < .5) { if (yy < low) g.lineTo(px, low = yy); if (yy > high) g.lineTo(px, high = yy); continue; }
      if (!open) { g.moveTo(x - .5, yy); open = true; }
      g.lineTo(x, yy); px = x; low = high = yy;
    }
    g.stroke();
  }
  linesPane(pane, group) {
    const lo = Math.max(Math.floor(this.view[0]), 0), hi = Math.min(Math.ceil(this.view[1]), this.axis.length);
    let low = Infinity, high = -Infinity;
    for (const line of group.lines) for (let i = lo; i < hi; i++) {
      const v = line.values[i];
      if (Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
    }
    if (low > high) { low = 0; high = 1; }
    const y = this.scale(pane, low, high, v => String(+v.toPrecision(5)), (pane.bottom - pane.top) / 34);
    this.clip(pane, g => group.lines.forEach((line, k) => this.trace(g, line, y, this.tones[k % this.tones.length])));
    this.legend(pane, [...group.lines.map((line, k) => [`${line.name} ${this.told(line)}`, this.tones[k % this.tones.length]]), [group.unit, "soft"]]);
  }
  shape(usable) {  // prices take two shares, each group one
    const parts = [2, ...this.groups.map(() => 1)], all = parts.reduce((a, b) => a + b);
    let top = 0;
    return parts.map(part => { const p = { top, bottom: top + part / all * usable }; top = p.bottom + GAP; return p; });
  }
  draw() {
    const panes = ["moneyPane", "fallPane", "openPane"];
    for (const name of panes) this[name] = () => {};
    const price = this.pricePane;
    this.pricePane = () => {
      this.panes = this.shape(this.height - GAP * this.groups.length);
      price.call(this, this.panes[0]);
      this.groups.forEach((group, k) => this.linesPane(this.panes[k + 1], group));
    };
    super.draw();
    this.pricePane = price;
  }
}

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  function unpack(text, Kind) {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    return new Kind(bytes.buffer);
  }
  const s = data.stream, stream = { symbol: s.symbol, frame: s.frame, every: s.every, digits: data.digits, ts: unpack(s.ts, Float64Array) };
  for (const k of ["open", "high", "low", "close"]) stream[k] = Float64Array.from(unpack(s[k], Float32Array), v => v + s.base);
  for (const group of data.groups) for (const line of group.lines) line.values = unpack(line.values, Float64Array);
  const chart = new FeatureChart(document.getElementById("chart"), data.groups);
  chart.show(stream, []);
  const shown = Math.min(stream.ts.length, 280);
  chart.move(stream.ts.length - shown, stream.ts.length);
  window.feature = { chart };
  document.getElementById("zoom-in").onclick = () => chart.zoom(0.7);
  document.getElementById("zoom-out").onclick = () => chart.zoom(1.4);
  document.getElementById("zoom-all").onclick = () => chart.all();
})();
