"use strict";
// The page: unpack the data, fill the trade table (only the rows in sight are in the document), join it to the chart.

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = id => document.getElementById(id), zones = data.zones.map(([name, key, shift]) => ({ name, clock: new Zone(key, shift) })), zone = zones[0].clock, ROW = 27;

  function unpack(text, Kind) {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    return new Kind(bytes.buffer);
  }
  const numbers = new Map();
  function money(value, step = 0) {
    if (value === null || value === undefined) return "–";
    const digits = step >= 1 ? 0 : data.digits;
    if (!numbers.has(digits)) numbers.set(digits, new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
    return numbers.get(digits).format(Object.is(value, -0) ? 0 : value);
  }
  function held(seconds) {
    const m = Math.floor(seconds / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
    return d ? `${d} d ${h % 24} h` : h ? `${h} h ${m % 60} min` : m ? `${m} min` : `${+seconds.toPrecision(3)} s`;
  }
  const digitsOf = symbol => data.price_digits[symbol] ?? 5;

  const streams = data.streams.map(s => {
    const out = { symbol: s.symbol, frame: s.frame, every: s.every, digits: digitsOf(s.symbol), ts: unpack(s.ts, Float64Array) };
    for (const k of ["open", "high", "low", "close"]) out[k] = Float64Array.from(unpack(s[k], Float32Array), v => v + s.base);
    return out;
  });
  const equity = Object.fromEntries(["ts", "balance", "equity"].map(k => [k, unpack(data.equity[k], Float64Array)]));
  const exposure = { ts: unpack(data.exposure.ts, Float64Array), long: unpack(data.exposure.long, Float32Array), short: unpack(data.exposure.short, Float32Array) };
  const { words, columns, total } = data.trades, word = (name, i) => words[columns[name][i]];
  const trades = (columns.trade ?? []).map((id, i) => ({
    id, strategy: word("strategy", i), symbol: word("symbol", i), side: word("direction", i) === "long" ? 1 : -1,
    lots: columns.lots[i], open: columns.open_time[i], open_price: columns.open_price[i], close: columns.close_time[i],
    close_price: columns.close_price[i], stop: columns.stop[i], take_profit: columns.take_profit[i], reason: word("exit_reason", i),
    gross: columns.gross_profit[i], commission: columns.commission[i], swap: columns.swap?.[i] ?? 0, net: columns.net_profit[i], held: columns.held_s[i],
    spread: columns.spread_cost?.[i] ?? 0, slippage: columns.slippage_cost?.[i] ?? 0, best: columns.best_price?.[i] ?? null, worst: columns.worst_price?.[i] ?? null,
  }));

  const fixed = (t, price) => price.toFixed(digitsOf(t.symbol));
  const COLUMNS = [  // title, width, class, value to sort by, text shown
    ["#", 48, "", t => t.id],
    ["Strategy", 122, "text", t => t.strategy],
    ["Symbol", 78, "text", t => t.symbol],
    ["Side", 56, "text", t => -t.side, t => t.side > 0 ? "long" : "short"],
    ["Lots", 54, "", t => t.lots, t => t.lots.toFixed(Math.max(2, (String(t.lots).split(".")[1] ?? "").length))],
    ["Opened", 158, "", t => t.open, t => zone.text(t.open, true)],
    ["Price", 80, "", t => t.open_price, t => fixed(t, t.open_price)],
    ["Closed", 158, "", t => t.close, t => zone.text(t.close, true)],
    ["Price", 80, "", t => t.close_price, t => fixed(t, t.close_price)],
    ["Exit", 88, "text", t => t.reason, t => t.reason.replaceAll("_", " ")],
    ["Held", 98, "", t => t.held, t => held(t.held)],
    ["Gross", 88, "", t => t.gross, t => money(t.gross)],
    ["Commission", 92, "", t => t.commission, t => money(t.commission)],
    ...(trades.some(t => t.swap) ? [["Swap", 80, "", t => t.swap, t => money(t.swap)]] : []),
    ["Net " + data.currency, 96, "", t => t.net, t => money(t.net)],
  ];
  let shown = trades, sort = { column: 0, way: 1 }, chosen = null, drawn = "";

  function cell(kind, text, className) {
    const made = document.createElement(kind);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  }
  function head() {
    const row = document.createElement("tr");
    COLUMNS.forEach(([title, width, kind], i) => {
      const th = cell("th", title + (sort.column === i ? (sort.way > 0 ? " ↑" : " ↓") : ""), kind);
      th.style.width = width + "px"; th.tabIndex = 0;
      th.setAttribute("aria-sort", sort.column === i ? (sort.way > 0 ? "ascending" : "descending") : "none");
      const press = () => { sort = { column: i, way: sort.column === i ? -sort.way : 1 }; arrange(); };
      th.onclick = press;
      th.onkeydown = e => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); press(); } };
      row.append(th);
    });
    $("trades").tHead.replaceChildren(row);
  }
  function space(rows) {
    const row = document.createElement("tr"), td = document.createElement("td");
    row.className = "space"; td.colSpan = COLUMNS.length; td.style.height = rows * ROW + "px"; row.append(td);
    return row;
  }
  function line(trade) {
    const row = document.createElement("tr");
    row.dataset.trade = trade.id;
    if (trade === chosen) row.className = "chosen";
    COLUMNS.forEach(([title, , kind, value, text]) => {
      const tone = title.startsWith("Net") ? (trade.net > 0 ? "up" : trade.net < 0 ? "down" : "") : title === "Side" ? (trade.side > 0 ? "long" : "short") : "";
      row.append(cell("td", (text ?? value)(trade), (kind + " " + tone).trim()));
    });
    const exits = [["stop", trade.stop], ["take profit", trade.take_profit]].filter(([, p]) => p !== null);
    row.title = exits.map(([word, p]) => `${word} ${fixed(trade, p)}`).join(", ");
    row.onclick = () => choose(trade, true);
    return row;
  }
  function rows() {  // only what can be seen, and a little more
    const box = $("scroll"), from = Math.max(Math.floor(box.scrollTop / ROW) - 10, 0);
    const to = Math.min(from + Math.ceil((box.clientHeight || 430) / ROW) + 20, shown.length);
    const now = `${from} ${to} ${shown.length} ${chosen?.id} ${sort.column} ${sort.way}`;
    if (now === drawn) return;
    drawn = now;
    $("trades").tBodies[0].replaceChildren(space(from), ...shown.slice(from, to).map(line), space(shown.length - to));
  }
  function arrange() {
    const want = ["strategy", "symbol"].map(k => [k, $("by-" + k).value]).filter(([, v]) => v), result = $("by-result").value;
    const value = COLUMNS[sort.column][3];
    shown = trades.filter(t => want.every(([k, v]) => t[k] === v) && (!result || (result === "won" ? t.net > 0 : t.net < 0)));
    shown.sort((a, b) => { const x = value(a), y = value(b); return sort.way * (x < y ? -1 : x > y ? 1 : 0) || a.id - b.id; });
    const sum = shown.reduce((s, t) => s + Math.round(t.net * 10 ** data.digits), 0) / 10 ** data.digits;
    $("count").textContent = trades.length ? `${shown.length.toLocaleString("en-US")} of ${total.toLocaleString("en-US")}, net ${money(sum)} ${data.currency}`
      + (total > trades.length ? `; the first ${trades.length.toLocaleString("en-US")} are here, all of them in trades.csv` : "") : "none";
    head(); drawn = ""; rows();
  }
  function choose(trade, jump) {
    chosen = trade;
    if (jump && current?.symbol !== trade.symbol) {
      const other = streams.find(s => s.symbol === trade.symbol);
      if (other) pick(other);
    }
    chart.choose(trade, jump);
    reaches.forEach(r => r.draw());
    why(trade);
    const index = shown.indexOf(trade), box = $("scroll"), top = index * ROW;
    if (index >= 0 && !jump && (top < box.scrollTop || top > box.scrollTop + box.clientHeight - 3 * ROW)) box.scrollTop = top - box.clientHeight / 2;
    if (jump && $("chart").getBoundingClientRect().top < 0) $("chart-card").scrollIntoView({ behavior: "smooth", block: "start" });
    rows();
  }
  let chains = null, telling = null;
  async function unzip() {  // why trades happened: read when the first one is asked about
    const text = $("chains").textContent;
    if (!text || typeof DecompressionStream === "undefined") return [];
    const raw = new Blob([Uint8Array.from(atob(text), c => c.charCodeAt(0))]).stream();
    return JSON.parse(await new Response(raw.pipeThrough(new DecompressionStream("gzip"))).text());
  }
  function facts(trade) {
    const box = document.createElement("p"), way = (a, b) => 100 * trade.side * (b / a - 1);
    box.className = "facts";
    const say = (label, value) => { const span = cell("span", label + " "); span.append(cell("b", value)); box.append(span); };
    for (const { name, clock } of zones) say(name, `${clock.text(trade.open, true)} → ${clock.text(trade.close, true)}`);
    const costs = [["spread", trade.spread], ["slippage", trade.slippage], ["commission", trade.commission], ["swap", trade.swap]];
    say("market", money(trade.gross - trade.spread - trade.slippage));
    for (const [label, amount] of costs) if (amount) say(label, money(amount));
    say("net", `${money(trade.net)} ${data.currency}`);
    if (trade.best !== null) say("best", `${fixed(trade, trade.best)} (${way(trade.open_price, trade.best).toFixed(2)} %)`);
    if (trade.worst !== null) say("worst", `${fixed(trade, trade.worst)} (${way(trade.open_price, trade.worst).toFixed(2)} %)`);
    return box;
  }
  function why(trade) {
    telling = (async () => {
      chains ??= unzip();
      const steps = (await chains)[trade.id - 1] ?? [];
      if (chosen !== trade) return;
      const box = $("why"), table = document.createElement("table");
      for (const [ts, kind, words] of steps) {
        const row = document.createElement("tr"), when = cell("td", zone.text(ts, true), "when");
        when.title = zones.map(z => `${z.clock.text(ts, true)} ${z.name}`).join("\n");
        row.append(when, cell("td", kind, "kind"), cell("td", words));
        table.append(row);
      }
      const hint = cell("p", (steps.length ? "With what the strategy saw: " : "Why it happened: ") + `onetape explain ${data.run} ${trade.id}`, "soft");
      box.replaceChildren(cell("h3", `Trade ${trade.id}: ${trade.side > 0 ? "long" : "short"} ${trade.lots} ${trade.symbol}, ${trade.reason.replaceAll("_", " ")}`), facts(trade), table, hint);
      box.hidden = false;
    })();
  }
  function step(by) {  // arrow keys walk through the table
    if (!shown.length) return;
    const next = shown[Math.min(Math.max(shown.indexOf(chosen) + by, 0), shown.length - 1)], top = shown.indexOf(next) * ROW, box = $("scroll");
    if (top < box.scrollTop) box.scrollTop = top;
    if (top > box.scrollTop + box.clientHeight - 3 * ROW) box.scrollTop = top - box.clientHeight + 3 * ROW;
    choose(next, true);
  }

  const chart = new Chart($("chart"), { zone, equity, exposure, startBalance: data.start_balance, money, onPick: t => choose(t, false) });
  let current = null;
  function pick(stream) {
    current = stream;
    [...$("streams").children].forEach((b, i) => b.setAttribute("aria-pressed", String(streams[i] === stream)));
    chart.show(stream, stream ? trades.filter(t => t.symbol === stream.symbol) : []);
  }
  for (const s of streams) {
    const button = cell("button", `${s.symbol} ${s.frame}`);
    button.type = "button"; button.onclick = () => pick(s);
    $("streams").append(button);
  }
  for (const name of ["strategy", "symbol"]) {
    const select = $("by-" + name);
    select.append(new Option("all", ""), ...[...new Set(trades.map(t => t[name]))].sort().map(v => new Option(v, v)));
    select.parentElement.hidden = select.options.length < 3;
  }
  for (const name of ["strategy", "symbol", "result"]) $("by-" + name).onchange = arrange;
  $("zoom-in").onclick = () => chart.zoom(0.6);
  $("zoom-out").onclick = () => chart.zoom(1 / 0.6);
  $("zoom-all").onclick = () => chart.all();
  $("scroll").addEventListener("scroll", rows, { passive: true });
  $("scroll").addEventListener("keydown", e => {
    if (e.key === "ArrowDown" || e.key === "ArrowUp") { e.preventDefault(); step(e.key === "ArrowDown" ? 1 : -1); }
  });
  const reaches = [["mae", "worst", "went against, %"], ["mfe", "best", "went its way, %"]].map(([id, end, label]) =>
    new Reach($(id), { label, money, trades: trades.filter(t => t[end] !== null), far: t => 100 * Math.abs(t[end] / t.open_price - 1), chosen: () => chosen, onPick: t => choose(t, true) }));
  pick(streams[0] ?? null);
  arrange();
  requestAnimationFrame(() => reaches.forEach(r => r.draw()));  // below the fold: after the first frame
  window.report = { chart, reaches, told: () => telling, choose: id => choose(trades.find(t => t.id === id), true), ready: performance.now() };
})();
