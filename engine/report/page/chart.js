"use strict";
// The chart: price with trades, equity, drawdown over one shared axis. The axis counts bars, so nights and weekends
// take no room; view = [from, to] in bars. Candles are merged four by four into levels, and the level drawn is the
// finest whose candles are wide enough to see, so a frame costs a few hundred candles however long the run is.

const FOUR = 4, MIN_BARS = 12, AXIS_W = 76, AXIS_H = 22, GAP = 10, LEGEND = 26;
const MINUTE = 60e3, HOUR = 3600e3, DAY = 86400e3;
const STEPS = [MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 12 * HOUR, DAY, 2 * DAY,
  7 * DAY, 14 * DAY, 30.4 * DAY, 91.3 * DAY, 365.25 * DAY, 730.5 * DAY, 1826 * DAY];

class Zone {  // times as the reader's zone shows them
  constructor(name, shift = 0) {  // shift: hours on top, as of a broker on New York time plus seven
    this.shift = shift * HOUR;
    const fields = { hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit",
      minute: "2-digit", second: "2-digit" };
    try { this.format = new Intl.DateTimeFormat("en-GB", { ...fields, timeZone: name }); }
    catch { this.format = new Intl.DateTimeFormat("en-GB", { ...fields, timeZone: "UTC" }); }
    this.known = new Map();
  }
  offset(ms) {  // zone minus UTC; looked up once per hour of history
    const hour = Math.floor(ms / HOUR);
    let found = this.known.get(hour);
    if (found === undefined) {
      const p = Object.fromEntries(this.format.formatToParts(hour * HOUR).map(x => [x.type, +x.value]));
      found = Date.UTC(p.year, p.month - 1, p.day, p.hour, p.minute, p.second) - hour * HOUR + this.shift;
      this.known.set(hour, found);
    }
    return found;
  }
  iso(ms) { return new Date(Math.floor(ms) + this.offset(ms)).toISOString(); }
  text(ms, seconds = false) { return this.iso(ms).slice(0, seconds ? 19 : 16).replace("T", " "); }
  month(ms) { return new Date(ms + this.offset(ms)).toLocaleString("en-GB", { month: "short", timeZone: "UTC" }); }
  tick(ms, step, first) {  // the first label says all that the others leave out
    const iso = this.iso(ms), clock = iso.slice(11, 16), year = iso.slice(0, 4), date = +iso.slice(8, 10) + " " + this.month(ms);
    if (step < DAY && clock !== "00:00") return first ? `${date} ${year}, ${clock}` : clock;
    if (step < 27 * DAY) return first ? `${date} ${year}` : date;
    if (step > 300 * DAY || iso.slice(5, 7) === "01") return year;
    return first ? `${this.month(ms)} ${year}` : this.month(ms);
  }
  ticks(from, to, step) {  // round moments of this zone between two stamps
    const out = [];
    if (step > 27 * DAY) {
      const months = Math.round(step / (30.4 * DAY)), d = new Date(from + this.offset(from));
      for (let m = Math.floor((d.getUTCFullYear() * 12 + d.getUTCMonth()) / months) * months; out.length < 999; m += months) {
        const local = Date.UTC(Math.floor(m / 12), m % 12, 1), t = local - this.offset(local);
        if (t > to) break;
        if (t >= from) out.push(t);
      }
      return out;
    }
    const base = step % (7 * DAY) === 0 ? 4 * DAY : 0;  // weeks begin on Monday
    for (let t = Math.floor((from + this.offset(from) - base) / step) * step + base; out.length < 9999; t += step) {
      const utc = t - this.offset(t);
      if (utc > to) break;
      if (utc >= from) out.push(utc);
    }
    return out;
  }
}

function levels(bars) {  // the same candles merged 4, 16, 64 ... at a time
  const out = [bars];
  while (out[out.length - 1].open.length > 256) {
    const b = out[out.length - 1], n = Math.ceil(b.open.length / FOUR);
    const next = { open: new Float64Array(n), high: new Float64Array(n), low: new Float64Array(n), close: new Float64Array(n) };
    for (let i = 0; i < n; i++) {
      const lo = i * FOUR, hi = Math.min(lo + FOUR, b.open.length);
      let high = -Infinity, low = Infinity;
      for (let k = lo; k < hi; k++) { high = Math.max(high, b.high[k]); low = Math.min(low, b.low[k]); }
      next.open[i] = b.open[lo]; next.close[i] = b.close[hi - 1]; next.high[i] = high; next.low[i] = low;
    }
    out.push(next);
  }
  return out;
}

function at(ts, t) {  // the last index with ts[i] <= t, at least 0
  let lo = 0, hi = ts.length;
  while (lo < hi) { const mid = (lo + hi) >> 1; if (ts[mid] <= t) lo = mid + 1; else hi = mid; }
  return Math.max(lo - 1, 0);
}

function roundStep(span, count) {
  const raw = span / count, ten = 10 ** Math.floor(Math.log10(raw));
  return ten * [1, 2, 5, 10].find(f => f * ten >= raw * 0.999);
}

class Chart {
  constructor(canvas, { zone, equity, exposure, startBalance, money, onPick }) {
    Object.assign(this, { canvas, zone, equity, exposure, money, onPick });
    this.ctx = canvas.getContext("2d");
    this.cursor = null; this.chosen = null; this.spots = [];
    let peak = startBalance ?? -Infinity;
    this.fall = Float64Array.from(equity.equity, e => { peak = Math.max(peak, e); return peak > 0 ? Math.min(0, 100 * (e / peak - 1)) : 0; });
    this.listen();
  }

  show(stream, trades) {  // stream: bars of one symbol and frame, or null to go by the account's samples
    const middle = this.axis && this.axis.length && (this.view[1] - this.view[0] < this.axis.length * 0.98)
      ? [this.timeAt(this.view[0]), this.timeAt(this.view[1])] : null;
    this.stream = stream;
    this.axis = stream ? stream.ts : this.equity.ts;
    this.levels = stream ? (stream.levels ??= levels(stream)) : [];
    const steps = Float64Array.from(this.axis.subarray(1, 2001), (t, i) => t - this.axis[i]).sort();
    this.bar = steps.length ? Math.max(steps[steps.length >> 1], 1) : MINUTE;
    this.trades = trades.map(t => Object.assign(t, { from: this.xOf(t.open), to: this.xOf(t.close) }));
    let i;
    const along = ts => { i = 0; return Float64Array.from(ts, t => { while (i + 1 < this.axis.length && this.axis[i + 1] <= t) i++; return this.place(i, t); }); };
    this.equityX = along(this.equity.ts);
    this.exposureX = along(this.exposure.ts);
    this.view = middle ? [this.xOf(middle[0]), this.xOf(middle[1])] : [0, this.axis.length];
    if (this.view[1] - this.view[0] < MIN_BARS) this.view = [0, this.axis.length];
    this.draw();
  }
  place(i, t) { return i + Math.min(Math.max((t - this.axis[i]) / this.bar, 0), 1); }
  xOf(t) { return this.place(at(this.axis, t), t); }
  timeAt(x) {
    const i = Math.min(Math.max(Math.floor(x), 0), this.axis.length - 1);
    return this.axis[i] + (x - i) * this.bar;
  }

  move(from, to) {  // the one place that sets the view: inside the run, never narrower than a few bars
    const all = this.axis.length, room = Math.max(all * 0.02, 3);
    const width = Math.min(Math.max(to - from, Math.min(MIN_BARS, all)), all + 2 * room);
    from = Math.min(Math.max((from + to - width) / 2, -room), all + room - width);
    this.view = [from, from + width];
    this.draw();
  }
  zoom(factor, x = (this.view[0] + this.view[1]) / 2) {
    this.move(x - (x - this.view[0]) * factor, x + (this.view[1] - x) * factor);
  }
  all() { this.move(0, this.axis.length); }
  choose(trade, jump) {
    this.chosen = trade;
    if (trade && jump) {
      const a = this.xOf(trade.open), b = this.xOf(trade.close), margin = Math.max((b - a) * 0.6, 30);
      this.move(a - margin, b + margin);
    } else this.draw();
  }

  listen() {
    const c = this.canvas, bars = e => this.view[0] + (e.offsetX / this.width) * (this.view[1] - this.view[0]);
    c.addEventListener("wheel", e => {
      e.preventDefault();
      const sideways = e.shiftKey ? e.deltaY : e.deltaX, per = (this.view[1] - this.view[0]) / this.width;
      if (Math.abs(sideways) > Math.abs(e.shiftKey ? 0 : e.deltaY)) this.move(this.view[0] + sideways * per, this.view[1] + sideways * per);
      else this.zoom(Math.exp(Math.max(-1, Math.min(1, e.deltaY / 300))), bars(e));
    }, { passive: false });
    let drag = null;
    c.addEventListener("pointerdown", e => { drag = { x: e.offsetX, view: [...this.view], moved: false }; c.setPointerCapture?.(e.pointerId); });
    c.addEventListener("pointermove", e => {
      this.cursor = { x: e.offsetX, y: e.offsetY };
      if (drag && (drag.moved ||= Math.abs(e.offsetX - drag.x) > 3)) {
        const shift = (drag.x - e.offsetX) / this.width * (drag.view[1] - drag.view[0]);
        this.move(drag.view[0] + shift, drag.view[1] + shift);
      } else this.later();
      c.style.cursor = drag?.moved ? "grabbing" : this.near() ? "pointer" : "crosshair";
    });
    c.addEventListener("pointerup", () => { const trade = !drag?.moved && this.near(); drag = null; if (trade) this.onPick(trade); });
    c.addEventListener("pointercancel", () => { drag = null; });
    c.addEventListener("pointerleave", () => { this.cursor = null; this.later(); });
    c.addEventListener("dblclick", () => this.all());
    c.addEventListener("keydown", e => {
      const step = (this.view[1] - this.view[0]) * 0.15;
      const act = { ArrowLeft: () => this.move(this.view[0] - step, this.view[1] - step), "+": () => this.zoom(0.7), "=": () => this.zoom(0.7),
        ArrowRight: () => this.move(this.view[0] + step, this.view[1] + step), "-": () => this.zoom(1.4), Home: () => this.all() }[e.key];
      if (act) { e.preventDefault(); act(); }
    });
    new ResizeObserver(() => this.axis && this.draw()).observe(c);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }
  near() {  // the trade whose marker is under the cursor
    let best = null, least = 100;
    for (const s of this.cursor ? this.spots : []) {
      const d = (s.x - this.cursor.x) ** 2 + (s.y - this.cursor.y) ** 2;
      if (d < least) { least = d; best = s.trade; }
    }
    return best;
  }
  later() { this.due ??= requestAnimationFrame(() => this.draw()); }

  draw() {
    cancelAnimationFrame(this.due); this.due = undefined;
    const c = this.canvas, box = c.getBoundingClientRect(), dpr = window.devicePixelRatio || 1, g = this.ctx;
    const w = Math.max(box.width, 200), h = Math.max(box.height, 200);
    if (c.width !== Math.round(w * dpr) || c.height !== Math.round(h * dpr)) { c.width = Math.round(w * dpr); c.height = Math.round(h * dpr); }
    const css = getComputedStyle(document.documentElement), color = n => css.getPropertyValue("--" + n).trim();
    this.color = Object.fromEntries(["card", "ink", "soft", "line", "grid", "up", "down", "buy", "sell", "equity", "balance", "chosen"].map(n => [n, color(n)]));
    g.setTransform(dpr, 0, 0, dpr, 0, 0);
    g.fillStyle = this.color.card; g.fillRect(0, 0, w, h);
    g.font = "11.5px system-ui, sans-serif"; g.lineJoin = "round";
    this.width = w - AXIS_W; this.height = h - AXIS_H; this.spots = [];
    this.sx = x => (x - this.view[0]) / (this.view[1] - this.view[0]) * this.width;
    c.classList.toggle("empty", !this.axis.length);
    if (!this.axis.length) { g.fillStyle = this.color.soft; g.fillText("No bars and no account samples in this run.", 12, 24); return; }
    const shares = this.stream ? [0.53, 0.21, 0.13, 0.13] : [0, 0.5, 0.25, 0.25], usable = this.height - GAP * (this.stream ? 3 : 2);
    let top = 0;
    const panes = this.panes = shares.map(s => { const p = { top, bottom: top + s * usable }; if (s) top = p.bottom + GAP; return p; });
    this.timeAxis();
    if (this.stream) this.pricePane(panes[0]);
    this.moneyPane(panes[1]);
    this.fallPane(panes[2]);
    this.openPane(panes[3]);
    this.crosshair();
  }

  timeAxis() {
    const g = this.ctx, [from, to] = this.view, t0 = this.timeAt(Math.max(from, 0)), t1 = this.timeAt(Math.min(to, this.axis.length));
    const room = Math.max(this.width / 95, 2), perBar = (t1 - t0) / Math.max(Math.min(to, this.axis.length) - Math.max(from, 0), 1);
    const step = STEPS.find(s => s >= (to - from) * perBar / room) ?? STEPS[STEPS.length - 1];
    let last = -1e9;
    g.textBaseline = "middle"; g.textAlign = "center"; g.lineWidth = 1;
    for (const t of this.zone.ticks(t0, t1, step)) {
      let i = at(this.axis, t);
      if (this.axis[i] < t) i++;
      const x = this.sx(i);
      if (x - last < 55 || x < 55 || x > this.width - 18) continue;
      const first = last < 0;
      last = x;
      g.strokeStyle = this.color.grid; g.beginPath(); g.moveTo(Math.round(x) + .5, 0); g.lineTo(Math.round(x) + .5, this.height); g.stroke();
      g.fillStyle = this.color.soft; g.fillText(this.zone.tick(t, step, first), x, this.height + AXIS_H / 2 + 1);
    }
  }

  scale(pane, low, high, text, rows) {  // y axis of a pane with its grid; returns value -> y
    if (!(high > low)) { const pad = Math.abs(high) * 1e-4 || 1; low -= pad; high += pad; }
    const g = this.ctx, pad = Math.min(14, (pane.bottom - pane.top) * 0.1), span = pane.bottom - pane.top - LEGEND - pad;
    const y = v => pane.bottom - pad - (v - low) / (high - low) * span, step = roundStep(high - low, rows);
    g.textAlign = "left"; g.textBaseline = "middle"; g.lineWidth = 1;
    for (let v = Math.ceil((low - (high - low) * 0.05) / step) * step; y(v) >= pane.top + 12; v += step) {
      if (y(v) > pane.bottom - 4) continue;
      g.strokeStyle = this.color.grid; g.beginPath(); g.moveTo(0, Math.round(y(v)) + .5); g.lineTo(this.width, Math.round(y(v)) + .5); g.stroke();
      g.fillStyle = this.color.soft; g.fillText(text(v, step), this.width + 8, y(v));
    }
    g.strokeStyle = this.color.line; g.strokeRect(.5, Math.round(pane.top) + .5, this.width - 1, Math.round(pane.bottom - pane.top) - 1);
    return y;
  }
  clip(pane, paint) { const g = this.ctx; g.save(); g.beginPath(); g.rect(0, pane.top, this.width, pane.bottom - pane.top); g.clip(); paint(g); g.restore(); }
  legend(pane, parts) {
    const g = this.ctx; let x = 10;
    g.textAlign = "left"; g.textBaseline = "top";
    for (const [text, tone] of parts) {
      const wide = g.measureText(text).width;
      g.globalAlpha = .8; g.fillStyle = this.color.card; g.fillRect(x - 3, pane.top + 6, wide + 6, 16); g.globalAlpha = 1;
      g.fillStyle = this.color[tone]; g.fillText(text, x, pane.top + 8); x += wide + 12;
    }
  }

  pricePane(pane) {
    const perPixel = (this.view[1] - this.view[0]) / this.width;
    let level = 0, size = 1;
    while (level + 1 < this.levels.length && size / perPixel < 3) { level++; size *= FOUR; }
    const b = this.levels[level], lo = Math.max(Math.floor(this.view[0] / size), 0), hi = Math.min(Math.ceil(this.view[1] / size), b.open.length);
    let low = Infinity, high = -Infinity;
    for (let i = lo; i < hi; i++) { low = Math.min(low, b.low[i]); high = Math.max(high, b.high[i]); }
    const seen = this.trades.filter(t => t.to >= this.view[0] && t.from <= this.view[1]);
    const chosen = seen.includes(this.chosen) ? this.chosen : null;
    if (chosen) for (const p of [chosen.stop, chosen.take_profit]) if (p !== null) { low = Math.min(low, p); high = Math.max(high, p); }
    if (seen.length < 200) for (const t of seen) { low = Math.min(low, t.open_price, t.close_price); high = Math.max(high, t.open_price, t.close_price); }
    const digits = this.stream.digits, y = this.scale(pane, low, high, (v, s) => v.toFixed(Math.min(digits, Math.max(0, -Math.floor(Math.log10(s) + 1e-9)))), (pane.bottom - pane.top) / 55);
    this.clip(pane, g => {
      if (chosen) {
        const a = this.sx(this.snap(chosen.from)), z = this.sx(this.snap(chosen.to));
        g.globalAlpha = .7; g.fillStyle = this.color.chosen; g.fillRect(a - 4, pane.top, Math.max(z - a, 0) + 8, pane.bottom - pane.top); g.globalAlpha = 1;
      }
      const wide = size / perPixel, body = Math.max(Math.min(wide * 0.7, 14), 1);
      for (const rising of [true, false]) {
        g.beginPath(); g.fillStyle = g.strokeStyle = rising ? this.color.up : this.color.down; g.globalAlpha = .9;
        for (let i = lo; i < hi; i++) {
          if (b.close[i] >= b.open[i] !== rising) continue;
          const x = this.sx((i + .5) * size), top = y(Math.max(b.open[i], b.close[i])), tall = Math.max(Math.abs(y(b.open[i]) - y(b.close[i])), 1);
          g.rect(x - .5, y(b.high[i]), 1, y(b.low[i]) - y(b.high[i])); g.rect(x - body / 2, top, body, tall);
        }
        g.fill(); g.globalAlpha = 1;
      }
      this.marks(g, seen, chosen, y);
    });
    const i = Math.min(Math.floor(this.pointed() / size), b.open.length - 1);
    const per = size * this.stream.every, name = `${this.stream.symbol} ${this.stream.frame}` + (per > 1 ? ` × ${per}` : "");
    const ohlc = i >= 0 && i < b.open.length ? ["open", "high", "low", "close"].map(k => `${k[0].toUpperCase()} ${b[k][i].toFixed(digits)}`).join("  ") : "";
    this.legend(pane, [[name, "ink"], [ohlc, "soft"]]);
    this.priceY = { pane, value: yy => low + (high - low) * (y(low) - yy) / (y(low) - y(high)), digits };
  }
  snap(x) { return Math.min(Math.floor(x), this.axis.length - 1) + .5; }  // the middle of its bar

  marks(g, seen, chosen, y) {
    if (seen.length > this.width / 6) {  // too many to tell apart: one tick each at the foot of the pane
      const foot = this.panes[0].bottom - 9;
      g.globalAlpha = .5;
      for (const won of [true, false]) {
        g.fillStyle = won ? this.color.up : this.color.down; g.beginPath();
        let last = -1;
        for (const t of seen) {
          const x = Math.round(this.sx(this.snap(t.from)));
          if (t.net >= 0 !== won || x === last) continue;
          g.rect(last = x, won ? foot - 6 : foot, 1, 6);
        }
        g.fill();
      }
      g.globalAlpha = 1; seen = chosen ? [chosen] : [];
    }
    for (const t of seen) {
      const a = this.sx(this.snap(t.from)), z = this.sx(this.snap(t.to)), ya = y(t.open_price), yz = y(t.close_price);
      const tone = t.net >= 0 ? this.color.up : this.color.down, mine = t === chosen;
      g.strokeStyle = g.fillStyle = tone; g.lineWidth = mine ? 2 : 1.2; g.setLineDash(mine ? [] : [4, 3]); g.globalAlpha = mine ? 1 : .75;
      g.beginPath(); g.moveTo(a, ya); g.lineTo(z, yz); g.stroke(); g.setLineDash([]); g.globalAlpha = 1;
      if (mine) for (const [p, word] of [[t.stop, "stop"], [t.take_profit, "take profit"]]) if (p !== null) {
        g.strokeStyle = g.fillStyle = word === "stop" ? this.color.down : this.color.up; g.lineWidth = 1; g.setLineDash([2, 3]);
        g.beginPath(); g.moveTo(a - 8, y(p)); g.lineTo(Math.max(z, a + 60) + 8, y(p)); g.stroke(); g.setLineDash([]);
        g.textAlign = "left"; g.textBaseline = "bottom"; g.fillText(`${word} ${p.toFixed(this.stream.digits)}`, a, y(p) - 2);
      }
      this.spots.push({ x: a, y: ya, trade: t }, { x: z, y: yz, trade: t });
      const r = mine ? 7 : 5.5;
      g.lineWidth = 1.5; g.strokeStyle = this.color.card;
      g.fillStyle = t.side > 0 ? this.color.buy : this.color.sell;
      g.beginPath(); g.moveTo(a, ya); g.lineTo(a - r, ya + t.side * r * 1.7); g.lineTo(a + r, ya + t.side * r * 1.7); g.closePath(); g.stroke(); g.fill();
      g.fillStyle = tone; g.beginPath(); g.moveTo(z, yz - r); g.lineTo(z + r, yz); g.lineTo(z, yz + r); g.lineTo(z - r, yz); g.closePath(); g.stroke(); g.fill();
    }
  }

  openPane(pane) {  // what was open: longs above, shorts below, worth at their opening
    const { long, short } = this.exposure, x = this.exposureX;
    if (!x.length) return;
    const lo = at(x, this.view[0]), hi = Math.min(at(x, this.view[1]) + 1, x.length);
    let low = 0, high = 0;
    for (let i = lo; i < hi; i++) { low = Math.min(low, -short[i]); high = Math.max(high, long[i]); }
    const y = this.scale(pane, low, high, (v, s) => this.money(v, s), (pane.bottom - pane.top) / 30);
    this.clip(pane, g => {
      for (const [values, way, tone] of [[long, 1, this.color.buy], [short, -1, this.color.sell]]) {
        g.beginPath(); g.moveTo(this.sx(x[lo]), y(0));
        let px = -1e9, far = 0;
        for (let i = lo; i < hi; i++) {
          const from = this.sx(x[i]), to = i + 1 < x.length ? this.sx(x[i + 1]) : this.width;
          far = from - px < .5 ? Math.max(far, values[i]) : values[i];
          if (from - px >= .5) px = from;
          g.lineTo(px, y(way * far)); g.lineTo(to, y(way * values[i]));
        }
        g.lineTo(this.width, y(0)); g.closePath();
        g.globalAlpha = .35; g.fillStyle = tone; g.fill(); g.globalAlpha = 1;
      }
    });
    const here = this.pointed() < x[0] ? -1 : at(x, this.pointed());
    this.legend(pane, [[`Open long ${this.money(here < 0 ? 0 : long[here])}`, "buy"], [`short ${this.money(here < 0 ? 0 : short[here])}`, "sell"]]);
  }

  samples() {  // the samples in view, one beyond on each side
    const x = this.equityX;
    return [Math.max(at(x, this.view[0]), 0), Math.min(at(x, this.view[1]) + 2, x.length)];
  }
  line(g, values, lo, hi, y, stepped) {  // a polyline; where samples are denser than pixels only their extremes are drawn
    let px = -1e9, low = 0, high = 0;
    g.beginPath();
    for (let i = lo; i < hi; i++) {
      const x = this.sx(this.equityX[i]), yy = y(values[i]);
      if (x - px < .5 && i > lo && i < hi - 1) { if (yy < low) g.lineTo(px, low = yy); if (yy > high) g.lineTo(px, high = yy); continue; }
      if (i === lo) g.moveTo(x, yy); else { if (stepped) g.lineTo(x, y(values[i - 1])); g.lineTo(x, yy); }
      px = x; low = high = yy;
    }
  }
  pointed() {  // where the cursor is, in bars; without one the right edge
    const x = this.cursor && this.cursor.x <= this.width ? this.cursor.x / this.width : 1;
    return Math.min(this.view[0] + x * (this.view[1] - this.view[0]), this.axis.length);
  }
  reading(values) {  // the value at the pointed place
    return values.length ? values[at(this.equityX, this.pointed())] : null;
  }
  moneyPane(pane) {
    const [lo, hi] = this.samples(), { equity, balance } = this.equity;
    if (!equity.length) return;
    let low = Infinity, high = -Infinity;
    for (let i = lo; i < hi; i++) { low = Math.min(low, equity[i], balance[i]); high = Math.max(high, equity[i], balance[i]); }
    const y = this.scale(pane, low, high, (v, s) => this.money(v, s), (pane.bottom - pane.top) / 40);
    this.clip(pane, g => {
      g.lineWidth = 1.2; g.strokeStyle = this.color.balance; this.line(g, balance, lo, hi, y, true); g.stroke();
      g.lineWidth = 1.6; g.strokeStyle = this.color.equity; this.line(g, equity, lo, hi, y, false); g.stroke();
    });
    this.legend(pane, [[`Equity ${this.money(this.reading(equity))}`, "equity"], [`Balance ${this.money(this.reading(balance))}`, "soft"]]);
  }
  fallPane(pane) {
    const [lo, hi] = this.samples();
    if (!this.fall.length) return;
    let low = -0.01;
    for (let i = lo; i < hi; i++) low = Math.min(low, this.fall[i]);
    const y = this.scale(pane, low, 0, (v, s) => (v > -1e-9 ? "0" : v.toFixed(Math.min(4, Math.max(0, -Math.floor(Math.log10(s) + 1e-9))))) + " %", (pane.bottom - pane.top) / 30);
    this.clip(pane, g => {
      this.line(g, this.fall, lo, hi, y, false);
      g.lineWidth = 1.2; g.strokeStyle = this.color.down; g.stroke();
      g.lineTo(this.sx(this.equityX[hi - 1]), y(0)); g.lineTo(this.sx(this.equityX[lo]), y(0)); g.closePath();
      g.globalAlpha = .18; g.fillStyle = this.color.down; g.fill(); g.globalAlpha = 1;
    });
    this.legend(pane, [[`Drawdown ${this.reading(this.fall).toFixed(2)} %`, "down"]]);
  }

  crosshair() {
    const g = this.ctx, c = this.cursor;
    if (!c || c.x > this.width || c.y > this.height) return;
    const i = Math.floor(this.view[0] + c.x / this.width * (this.view[1] - this.view[0]));
    g.strokeStyle = this.color.soft; g.lineWidth = 1; g.setLineDash([3, 3]); g.beginPath();
    g.moveTo(Math.round(c.x) + .5, 0); g.lineTo(Math.round(c.x) + .5, this.height);
    const p = this.stream && c.y <= this.priceY.pane.bottom ? this.priceY : null;
    if (p) { g.moveTo(0, Math.round(c.y) + .5); g.lineTo(this.width, Math.round(c.y) + .5); }
    g.stroke(); g.setLineDash([]);
    const trade = this.near();
    if (trade) this.tag(Math.min(Math.max(c.x, 100), this.width - 100), c.y - 22, `#${trade.id}  ${trade.side > 0 ? "long" : "short"} ${trade.lots}  net ${this.money(trade.net)}  ${trade.reason.replaceAll("_", " ")}`, 200);
    if (p) this.tag(this.width + 36, c.y, p.value(c.y).toFixed(p.digits), 72);
    if (i >= 0 && i < this.axis.length) this.tag(Math.min(Math.max(c.x, 60), this.width - 60), this.height + AXIS_H / 2, this.zone.text(this.axis[i], this.bar < MINUTE), 120);
  }
  tag(x, y, text, wide) {
    const g = this.ctx;
    g.fillStyle = this.color.ink; g.fillRect(x - wide / 2, y - 9, wide, 18);
    g.fillStyle = this.color.card; g.textAlign = "center"; g.textBaseline = "middle"; g.fillText(text, x, y + .5);
  }
}
