"use strict";

/* The timeline of one cell on a canvas: generations as lanes, beats, signals, faults and the windows of
   expectations. Everything is told by shape, pattern and word; colour only helps. Data: report/timeline.py. */

const LANES_MAX = 14; // more generations than this share lanes, as many as do not overlap
const SINGLE_MAX = 1500;
const GUTTER = 168;

function summed(differences) {
  const times = new Float64Array(differences.length);
  let time = 0;
  for (let i = 0; i < differences.length; i++) times[i] = time += differences[i];
  return times;
}

/* The first place in a sorted array whose value is greater than x. */
function after(array, x) {
  let low = 0, high = array.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (array[middle] > x) high = middle; else low = middle + 1;
  }
  return low;
}

function readable(seconds) {
  const size = Math.abs(seconds);
  if (size === 0) return "0 s";
  if (size < 0.001) return `${(seconds * 1e6).toFixed(0)} µs`;
  if (size < 1) return `${+(seconds * 1e3).toPrecision(3)} ms`;
  if (size < 120) return `${+seconds.toPrecision(4)} s`;
  if (size < 7200) return `${+(seconds / 60).toPrecision(4)} m`;
  return `${+(seconds / 3600).toPrecision(4)} h`;
}

class Timeline {
  constructor(data, results) {
    this.data = data;
    this.results = results.filter((result) => result.window);
    this.end = Math.max(data.end, 1);
    this.from = 0;
    this.to = this.end;
    this.cursor = null;
    this.chosen = null;
    this.tracks = data.agents.map((track) => this.prepared(track));
    this.rows = this.laidOut();
  }

  /* Times as absolute numbers, generations packed into lanes. */
  prepared(track) {
    const g = track.generations;
    const count = g.number.length;
    const last = (place) => (g.gone[place] >= 0 ? g.gone[place] : this.end);
    const lane = new Int32Array(count);
    const free = [];
    const own = count <= LANES_MAX && this.data.agents.length <= 6;
    for (let place = 0; place < count; place++) {
      let at = own ? -1 : free.findIndex((end) => end <= g.start[place]);
      if (at < 0) at = free.length < LANES_MAX ? free.length : free.indexOf(Math.min(...free));
      free[at] = last(place);
      lane[place] = at;
    }
    const ends = Array.from({ length: count }, (_, place) => last(place));
    const beats = track.beats.map((beats) => ({ ...beats, t: summed(beats.t) }));
    return { ...track, lane, lanes: free.length, own, ends, beats,
      tree: { t: summed(track.tree.t), n: track.tree.n }, top: track.tree.n.reduce((most, n) => Math.max(most, n), 0),
      placeOf: new Map(g.number.map((number, place) => [number, place])) };
  }

  /* Rows from top to bottom, each with its place and height. */
  laidOut() {
    const rows = [{ kind: "axis", height: 30 }];
    if (this.data.faults.length) rows.push({ kind: "faults", height: 24 });
    for (const track of this.tracks) {
      if (track.tree.n.length) rows.push({ kind: "tree", height: 40, track });
      for (let lane = 0; lane < track.lanes; lane++) rows.push({ kind: "lane", height: track.lanes > 8 ? 21 : 26, track, lane });
    }
    if (this.data.supervisor.number.length) rows.push({ kind: "supervisor", height: 24 });
    for (const result of this.results) rows.push({ kind: "window", height: 22, result });
    let y = 0;
    for (const row of rows) { row.y = y; y += row.height; }
    this.height = y + 8;
    return rows;
  }

  x(t) { return GUTTER + ((t - this.from) / (this.to - this.from)) * (this.width - GUTTER - 10); }

  t(x) { return this.from + ((x - GUTTER) / (this.width - GUTTER - 10)) * (this.to - this.from); }

  clipped(t) { return Math.max(GUTTER - 4, Math.min(this.width + 4, this.x(t))); }

  attach(canvas, readout) {
    this.canvas = canvas;
    this.readout = readout;
    canvas.addEventListener("pointermove", (event) => this.pointed(event));
    canvas.addEventListener("pointerleave", () => { if (!this.dragged) this.moveCursor(null); });
    canvas.addEventListener("pointerdown", (event) => { this.dragged = event.offsetX; canvas.setPointerCapture(event.pointerId); });
    canvas.addEventListener("pointerup", (event) => this.released(event));
    canvas.addEventListener("dblclick", () => this.show(0, this.end));
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.t(event.offsetX));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.pressed(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
    this.say(null);
  }

  pointed(event) {
    if (this.dragged !== undefined && Math.abs(event.offsetX - this.dragged) > 4) this.selection = [this.dragged, event.offsetX];
    this.moveCursor(this.t(event.offsetX));
  }

  released() {
    if (this.selection) {
      const [a, b] = this.selection.map((x) => this.t(x)).sort((one, two) => one - two);
      this.show(a, b);
    }
    this.selection = this.dragged = undefined;
    this.draw();
  }

  pressed(event) {
    const step = (this.to - this.from) / (event.shiftKey ? 10 : 100);
    const at = this.cursor ?? this.from;
    switch (event.key) {
      case "ArrowLeft": this.moveCursor(at - step); break;
      case "ArrowRight": this.moveCursor(at + step); break;
      case "+": case "=": this.zoom(0.5, this.cursor ?? (this.from + this.to) / 2); break;
      case "-": this.zoom(2, this.cursor ?? (this.from + this.to) / 2); break;
      case "0": this.show(0, this.end); break;
      default: return;
    }
    event.preventDefault();
  }

  moveCursor(t) {
    this.cursor = t === null ? null : Math.max(0, Math.min(this.end, t));
    if (this.cursor !== null && this.cursor < this.from) this.pan(this.cursor - this.from);
    if (this.cursor !== null && this.cursor > this.to) this.pan(this.cursor - this.to);
    this.say(this.cursor);
    this.draw();
  }

  pan(by) { this.from += by; this.to += by; }

  zoom(factor, around) {
    this.show(around - (around - this.from) * factor, around + (this.to - around) * factor);
  }

  show(from, to) {
    const shortest = Math.min(this.end, 20);
    const middle = (from + to) / 2;
    if (to - from < shortest) [from, to] = [middle - shortest / 2, middle + shortest / 2];
    if (to - from >= this.end) [from, to] = [0, this.end];
    if (from < 0) [from, to] = [0, to - from];
    if (to > this.end) [from, to] = [from - (to - this.end), this.end];
    this.from = from;
    this.to = to;
    this.draw();
  }

  /* Show the window of one expectation with some room around it. */
  choose(number) {
    this.chosen = number;
    const result = this.results.find((one) => one.number === number);
    if (result) {
      const [a, b] = this.windowOf(result);
      const room = Math.max((b - a) * 0.25, this.end * 0.02);
      this.show(Math.max(0, a - room), Math.min(this.end, b + room));
    }
    this.draw();
  }

  windowOf(result) {
    const [low, high] = result.window;
    return [low === null ? 0 : low / this.data.tick, high === null ? this.end : Math.min(this.end, high / this.data.tick)];
  }

  /* ---------------------------------------------------------------- drawing */

  draw() {
    if (this.waiting || !this.canvas) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.paint(); });
  }

  paint() {
    const scale = window.devicePixelRatio || 1;
    this.width = this.canvas.clientWidth;
    if (!this.width) return;
    this.canvas.style.height = `${this.height}px`;
    this.canvas.width = Math.round(this.width * scale);
    this.canvas.height = Math.round(this.height * scale);
    const c = this.c = this.canvas.getContext("2d");
    c.scale(scale, scale);
    this.colours();
    c.textBaseline = "middle";
    for (const row of this.rows) this.paintRow(row);
    this.paintFaultBands();
    this.paintCursor();
  }

  colours() {
    const style = getComputedStyle(document.documentElement);
    const names = ["paper", "raised", "line", "ink", "quiet", "life", "life-ink", "tail", "beat", "fault", "tree", "focus",
      "passed", "failed", "error", "inconclusive", "unsupported", "skipped", "xfailed"];
    this.colour = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.patterns = new Map();
  }

  font(size, weight = "") { return `${weight} ${size}px system-ui, "DejaVu Sans", sans-serif`.trim(); }

  /* Hatching, so that what is told by colour is told without it too. */
  pattern(kind, colour) {
    const key = kind + colour;
    if (!this.patterns.has(key)) {
      const scale = window.devicePixelRatio || 1;
      const tile = document.createElement("canvas");
      tile.width = tile.height = Math.round(7 * scale);
      const c = tile.getContext("2d");
      c.scale(tile.width / 7, tile.width / 7);
      c.strokeStyle = c.fillStyle = colour;
      c.lineWidth = 1.4;
      c.beginPath();
      if (kind === "dots") { c.arc(3.5, 3.5, 1.1, 0, 7); c.fill(); }
      if (kind !== "dots") { c.moveTo(-1, 8); c.lineTo(8, -1); c.moveTo(-4, 4); c.lineTo(4, -4); c.moveTo(3, 11); c.lineTo(11, 3); }
      if (kind === "cross") { c.moveTo(-1, -1); c.lineTo(8, 8); }
      c.stroke();
      const pattern = this.c.createPattern(tile, "repeat");
      pattern.setTransform(new DOMMatrix().scale(1 / scale));
      this.patterns.set(key, pattern);
    }
    return this.patterns.get(key);
  }

  paintRow(row) {
    const c = this.c;
    if (row.kind !== "axis") {
      c.strokeStyle = this.colour.line;
      c.lineWidth = 1;
      c.globalAlpha = row.kind === "lane" && row.lane ? 0.35 : 1;
      c.beginPath(); c.moveTo(0, row.y + 0.5); c.lineTo(this.width, row.y + 0.5); c.stroke();
      c.globalAlpha = 1;
    }
    c.save();
    this[`paint_${row.kind}`](row);
    c.restore();
  }

  label(row, text, weight = "", colour = this.colour.ink) {
    this.c.font = this.font(12, weight);
    this.c.fillStyle = colour;
    this.c.textAlign = "left";
    this.c.fillText(this.shortened(text, GUTTER - 18), 10, row.y + row.height / 2 + 1);
  }

  shortened(text, width) {
    if (this.c.measureText(text).width <= width) return text;
    let length = Math.max(0, Math.floor((text.length * width) / this.c.measureText(text).width));
    while (length > 0 && this.c.measureText(text.slice(0, length) + "…").width > width) length--;
    return length > 0 ? text.slice(0, length) + "…" : "";
  }

  plot() {
    this.c.beginPath();
    this.c.rect(GUTTER, 0, this.width - GUTTER, this.height);
    this.c.clip();
  }

  paint_axis(row) {
    const c = this.c, tick = this.data.tick;
    this.label(row, "nominal time", "", this.colour.quiet);
    const span = (this.to - this.from) * tick;
    const raw = span / Math.max(2, (this.width - GUTTER) / 110);
    const step = this.niceStep(raw);
    c.font = this.font(11);
    c.textAlign = "center";
    for (let at = Math.ceil((this.from * tick) / step) * step; at <= this.to * tick + step / 1e6; at += step) {
      const x = Math.round(this.x(at / tick)) + 0.5;
      c.strokeStyle = this.colour.line;
      c.globalAlpha = 0.7;
      c.beginPath(); c.moveTo(x, row.y + 22); c.lineTo(x, this.height); c.stroke();
      c.globalAlpha = 1;
      c.fillStyle = this.colour.quiet;
      c.fillText(this.axisText(Math.round(at / step) * step, span), Math.min(this.width - 26, Math.max(GUTTER + 10, x)), row.y + 13);
    }
  }

  /* One unit for the whole axis. */
  axisText(seconds, span) {
    const [size, unit] = span >= 7200 ? [3600, "h"] : span >= 120 ? [60, "m"] : span >= 1 ? [1, "s"] : [0.001, "ms"];
    return `${+(seconds / size).toPrecision(6)} ${unit}`;
  }

  niceStep(raw) {
    for (const step of [60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400]) if (raw > 30 && raw <= step) return step;
    if (raw > 10 && raw <= 30) return raw <= 15 ? 15 : 30;
    const power = 10 ** Math.floor(Math.log10(raw));
    return [1, 2, 5, 10].find((factor) => raw <= factor * power) * power;
  }

  paint_faults(row) {
    const c = this.c;
    this.label(row, "faults", "600");
    this.plot();
    for (const fault of this.data.faults) {
      const x = Math.round(this.x(fault.start)) + 0.5;
      c.fillStyle = this.colour.fault;
      c.beginPath(); c.moveTo(x + 3, row.y + 4); c.lineTo(x - 4, row.y + 14); c.lineTo(x, row.y + 14); c.lineTo(x - 3, row.y + 21);
      c.lineTo(x + 5, row.y + 11); c.lineTo(x + 1, row.y + 11); c.closePath(); c.fill();
      c.font = this.font(11);
      c.fillStyle = this.colour.ink;
      c.textAlign = "left";
      const proof = fault.proof === "unproven" ? " (not proven)" : "";
      c.fillText(`${fault.number} ${fault.kind}${fault.target ? " " + fault.target : ""}${proof}`, x + 9, row.y + 13);
    }
  }

  /* Faults reach through all rows: a line where one struck, a shade until it was lifted. */
  paintFaultBands() {
    const c = this.c;
    c.save();
    this.plot();
    for (const fault of this.data.faults) {
      const x = this.clipped(fault.start);
      if (fault.end > fault.start) {
        c.globalAlpha = 0.16;
        c.fillStyle = this.colour.fault;
        c.fillRect(x, 54, this.clipped(fault.end) - x, this.height);
        c.globalAlpha = 1;
      }
      c.strokeStyle = this.colour.fault;
      c.setLineDash([2, 3]);
      for (const edge of fault.end > fault.start ? [fault.start, fault.end] : [fault.start]) {
        c.beginPath(); c.moveTo(this.x(edge), 54); c.lineTo(this.x(edge), this.height); c.stroke();
      }
    }
    c.restore();
  }

  paint_tree(row) {
    const c = this.c, { t, n } = row.track.tree, top = Math.max(1, row.track.top);
    this.label({ y: row.y, height: row.height - 14 }, row.track.agent, "700");
    c.font = this.font(11);
    c.fillStyle = this.colour.quiet;
    c.fillText(`processes, most ${row.track.top}`, 10, row.y + row.height - 9);
    this.plot();
    const floor = row.y + row.height - 3, unit = (row.height - 10) / top;
    let place = Math.max(0, after(t, this.from) - 1), column = -1, high = 0;
    c.beginPath();
    c.moveTo(this.clipped(t[place]), floor);
    for (; place < t.length && t[place] <= this.to; place++) {
      const x = this.clipped(t[place]), next = place + 1 < t.length ? this.clipped(t[place + 1]) : this.clipped(this.end);
      if (Math.round(x) === column) high = Math.max(high, n[place]);
      else { column = Math.round(x); high = n[place]; }
      c.lineTo(x, floor - high * unit);
      c.lineTo(x, floor - n[place] * unit);
      c.lineTo(next, floor - n[place] * unit);
    }
    c.lineTo(this.clipped(Math.min(this.to, this.end)), floor);
    c.closePath();
    c.globalAlpha = 0.3; c.fillStyle = this.colour.tree; c.fill();
    c.globalAlpha = 1; c.strokeStyle = this.colour.tree; c.lineWidth = 1.2; c.stroke();
  }

  paint_lane(row) {
    const { track, lane } = row, g = track.generations;
    if (track.own) this.label(row, `   start ${g.number[lane]}`, "", this.colour.quiet);
    else if (lane === 0) this.label(row, `   starts 1–${g.number[g.number.length - 1]}`, "", this.colour.quiet);
    this.plot();
    let skippedTo = -1;
    const first = track.own ? lane : 0, stop = track.own ? lane + 1 : g.number.length;
    for (let place = first; place < stop; place++) {
      if (track.lane[place] !== lane || track.ends[place] < this.from || g.start[place] > this.to) continue;
      const right = this.x(track.ends[place]);
      if (right < skippedTo) continue; // within a pixel that is painted already
      this.paintGeneration(row, place);
      skippedTo = right < this.x(g.start[place]) + 1 ? Math.floor(right) + 1 : -1;
    }
    if (after(g.start, this.to) - after(g.start, this.from) > SINGLE_MAX) return; // too many to tell beats apart
    this.paintBeats(row);
    this.paintMarks(row);
  }

  paintGeneration(row, place) {
    const c = this.c, g = row.track.generations, top = row.y + 4, height = row.height - 9;
    const dead = g.exit[place] >= 0;
    const left = this.clipped(g.start[place]), right = this.clipped(dead ? g.exit[place] : this.end);
    c.fillStyle = this.colour.life;
    c.fillRect(left, top, Math.max(1.5, right - left), height);
    if (dead && row.track.ends[place] > g.exit[place]) this.paintTail(row, place, right, top, height);
    if (dead && right - left > 3) { c.fillStyle = this.colour.ink; c.fillRect(right - 2, top - 2, 2, height + 4); }
    const text = dead ? g.ending[place] : "alive";
    const name = row.track.own ? text : `${g.number[place]} · ${text}`;
    c.font = this.font(11, "600");
    const width = c.measureText(name).width + 10;
    if (right - left > width + 4) {
      const at = Math.max(left, GUTTER) + 5;
      if (right - at > width) { c.fillStyle = this.colour["life-ink"]; c.textAlign = "left"; c.fillText(name, at, top + height / 2 + 1); }
    } else if (row.track.own && (row.track.ends[place] - g.exit[place]) * (this.width - GUTTER) / (this.to - this.from) < 14) {
      this.outlined(name, right + 6, top + height / 2 + 1);
    }
  }

  outlined(text, x, y) {
    const c = this.c;
    c.textAlign = "left";
    c.lineWidth = 3;
    c.strokeStyle = this.colour.paper;
    c.strokeText(text, x, y);
    c.fillStyle = this.colour.ink;
    c.fillText(text, x, y);
  }

  /* A text on its own ground, so that it can be read on hatching; left out where there is no room for it. */
  boxed(text, x, right, y) {
    const c = this.c, width = c.measureText(text).width;
    if (right - x < width + 12) return;
    c.fillStyle = this.colour.paper;
    c.fillRect(x, y - 8, width + 8, 14);
    c.fillStyle = this.colour.ink;
    c.textAlign = "left";
    c.fillText(text, x + 4, y);
  }

  /* What lived on after the first process of its generation had died. */
  paintTail(row, place, left, top, height) {
    const c = this.c, g = row.track.generations, right = this.clipped(row.track.ends[place]);
    if (right - left < 1) return;
    c.fillStyle = this.pattern("lines", this.colour.tail);
    c.fillRect(left, top + 2, right - left, height - 4);
    c.strokeStyle = this.colour.tail;
    c.lineWidth = 1;
    c.strokeRect(left, top + 2, right - left, height - 4);
    c.font = this.font(11, "600");
    const text = `${row.track.own ? g.ending[place] + ", " : ""}processes left alive`;
    this.boxed(text, Math.max(left, GUTTER) + 6, right, top + height / 2 + 1);
  }

  paintBeats(row) {
    const c = this.c, g = row.track.generations, floor = row.y + row.height - 5;
    const of = row.track.own ? g.number[row.lane] : null;
    for (const beats of row.track.beats) {
      if (of !== null ? beats.generation !== of : row.track.lane[row.track.placeOf.get(beats.generation)] !== row.lane) continue;
      const good = beats.kind === "" || beats.kind === "good";
      let column = -1;
      c.beginPath();
      for (let place = after(beats.t, this.from - 1); place < beats.t.length && beats.t[place] <= this.to; place++) {
        const x = Math.round(this.x(beats.t[place]));
        if (x === column) continue;
        column = x;
        if (good) { c.moveTo(x + 0.5, floor - 5); c.lineTo(x + 0.5, floor + 4); }
        else { c.moveTo(x - 3, floor - 5); c.lineTo(x + 3, floor + 3); c.moveTo(x + 3, floor - 5); c.lineTo(x - 3, floor + 3); }
      }
      if (!good) { c.lineWidth = 5; c.strokeStyle = this.colour.paper; c.stroke(); }
      c.lineWidth = good ? 1.4 : 2;
      c.strokeStyle = good ? this.colour.beat : this.colour.failed;
      c.stroke();
    }
  }

  paintMarks(row) {
    const c = this.c, g = row.track.generations;
    const of = row.track.own ? g.number[row.lane] : null;
    let column = -99;
    for (const [t, generation, kind, text] of row.track.marks) {
      if (kind !== "received" || t < this.from || t > this.to) continue;
      if (of !== null ? generation !== of : row.track.lane[row.track.placeOf.get(generation)] !== row.lane) continue;
      const x = Math.round(this.x(t));
      if (x - column < 3) continue;
      c.fillStyle = this.colour.paper;
      c.strokeStyle = this.colour.ink;
      c.lineWidth = 1.2;
      c.beginPath(); c.moveTo(x - 5, row.y + 1); c.lineTo(x + 5, row.y + 1); c.lineTo(x, row.y + 10); c.closePath(); c.fill(); c.stroke();
      c.font = this.font(10, "600");
      if (x - column > 40) this.outlined(text.replace("SIG", ""), x + 7, row.y + 7);
      column = x;
    }
  }

  paint_supervisor(row) {
    const c = this.c, g = this.data.supervisor;
    this.label(row, "supervisor", "700");
    this.plot();
    g.number.forEach((_, place) => {
      const left = this.clipped(g.start[place]), right = this.clipped(g.exit[place] >= 0 ? g.exit[place] : this.end);
      c.fillStyle = this.colour.tree;
      c.fillRect(left, row.y + 8, Math.max(1.5, right - left), row.height - 15);
      if (g.exit[place] >= 0) { c.fillStyle = this.colour.ink; c.fillRect(right - 2, row.y + 5, 2, row.height - 9); }
    });
  }

  /* The stretch in which an expectation was judged: plain when met, hatched when not, dotted when nobody can tell. */
  paint_window(row) {
    const c = this.c, result = row.result, [from, to] = this.windowOf(result);
    const colour = this.colour[result.verdict], top = row.y + 4, height = row.height - 8;
    this.label(row, `${result.symbol} ${result.number} ${result.word}`, this.chosen === result.number ? "700" : "600", colour);
    this.plot();
    const left = this.clipped(from), width = Math.max(2, this.clipped(to) - left);
    const kind = { failed: "cross", error: "cross", inconclusive: "dots" }[result.verdict];
    c.globalAlpha = kind ? 1 : 0.22;
    c.fillStyle = kind ? this.pattern(kind, colour) : colour;
    c.fillRect(left, top, width, height);
    c.globalAlpha = 1;
    c.strokeStyle = colour;
    c.lineWidth = this.chosen === result.number ? 2 : 1;
    c.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
    c.font = this.font(11);
    this.boxed(this.shortened(result.text, 560), Math.max(left, GUTTER) + 14, Math.min(left + width, this.width), top + height / 2 + 1);
    if (result.at !== null) {
      const x = this.x(result.at / this.data.tick), middle = top + height / 2;
      c.fillStyle = colour;
      c.strokeStyle = this.colour.paper;
      c.lineWidth = 1.5;
      c.beginPath(); c.moveTo(x, middle - 7); c.lineTo(x + 6, middle); c.lineTo(x, middle + 7); c.lineTo(x - 6, middle); c.closePath();
      c.fill(); c.stroke();
    }
  }

  paintCursor() {
    const c = this.c;
    if (this.selection) {
      const [a, b] = this.selection;
      c.globalAlpha = 0.2; c.fillStyle = this.colour.focus; c.fillRect(Math.min(a, b), 0, Math.abs(b - a), this.height); c.globalAlpha = 1;
    }
    if (this.cursor === null) return;
    const x = Math.round(this.x(this.cursor)) + 0.5;
    if (x < GUTTER) return;
    c.strokeStyle = this.colour.focus;
    c.lineWidth = 1;
    c.beginPath(); c.moveTo(x, 0); c.lineTo(x, this.height); c.stroke();
  }

  /* ---------------------------------------------------------------- words */

  say(t) {
    if (t === null) {
      this.readout.textContent = "Point at the drawing, or focus it and use the arrow keys, to read what was so at a moment. "
        + "Drag to zoom in, double click to see all; keys + − 0.";
      return;
    }
    const { tick, pace } = this.data, seconds = t * tick;
    const real = this.data.simulated ? "virtual time" : `${readable(seconds / pace)} real`;
    const parts = [`At ${readable(seconds)} (${real})`];
    for (const track of this.tracks) parts.push(this.stateOf(track, t));
    for (const fault of this.data.faults) if (fault.start <= t && t <= fault.end) parts.push(`fault ${fault.number} ${fault.kind} in force`);
    const windows = this.results.filter((result) => { const [a, b] = this.windowOf(result); return a <= t && t <= b; });
    if (windows.length) parts.push("judged by " + windows.map((result) => `${result.symbol} ${result.number}`).join(", "));
    const near = this.near(t);
    if (near) parts.push(near);
    this.readout.textContent = parts.join("  ·  ");
  }

  stateOf(track, t) {
    const g = track.generations, alive = [];
    for (let place = 0; place < g.number.length; place++) {
      if (g.start[place] <= t && (g.exit[place] < 0 || t < g.exit[place])) alive.push(`start ${g.number[place]} alive (pid ${g.pid[place]})`);
    }
    const step = after(track.tree.t, t) - 1;
    const size = step >= 0 ? track.tree.n[step] : 0;
    let last = -1;
    for (const beats of track.beats) {
      const place = after(beats.t, t) - 1;
      if (place >= 0) last = Math.max(last, beats.t[place]);
    }
    const beat = last >= 0 ? `, last beat ${readable((t - last) * this.data.tick)} ago` : "";
    const count = size === 1 ? "1 process" : `${size} processes`;
    return `${track.agent}: ${alive.slice(0, 3).join(", ") || "no first process"}, ${count}${beat}`;
  }

  /* The nearest event, when it is within a few pixels. */
  near(t) {
    const reach = ((this.to - this.from) / (this.width - GUTTER)) * 6;
    let best = null, distance = reach;
    const consider = (at, text) => { if (Math.abs(at - t) <= distance) { distance = Math.abs(at - t); best = `${text} at ${readable(at * this.data.tick)}`; } };
    for (const track of this.tracks) {
      for (const [at, , kind, text] of track.marks) consider(at, `${track.agent} ${kind} ${text}`);
      track.generations.exit.forEach((at, place) => { if (at >= 0) consider(at, `${track.agent} start ${track.generations.number[place]}: ${track.generations.ending[place]}`); });
      track.generations.start.forEach((at, place) => consider(at, `${track.agent} start ${track.generations.number[place]} begins`));
    }
    for (const fault of this.data.faults) consider(fault.start, `fault ${fault.number} ${fault.kind} ${fault.proof}`.trim());
    return best;
  }

  /* Everything but the beats as lines of text, in order, for readers who cannot see the drawing. */
  lines() {
    const found = [];
    for (const track of this.tracks) {
      const g = track.generations;
      g.number.forEach((number, place) => {
        found.push([g.start[place], `${track.agent} start ${number}, pid ${g.pid[place]}`]);
        if (g.exit[place] >= 0) found.push([g.exit[place], `${track.agent} start ${number} ended: ${g.ending[place]}`]);
        if (g.gone[place] > g.exit[place]) found.push([g.gone[place], `${track.agent} start ${number}: its last process is gone`]);
        if (g.gone[place] < 0) found.push([this.end, `${track.agent} start ${number}: processes still alive at the end`]);
      });
      for (const [at, , kind, text] of track.marks) found.push([at, `${track.agent} ${kind} ${text}`]);
    }
    const s = this.data.supervisor;
    s.number.forEach((_, place) => {
      found.push([s.start[place], `supervisor started, pid ${s.pid[place]}`]);
      if (s.exit[place] >= 0) found.push([s.exit[place], `supervisor ended: ${s.ending[place]}`]);
    });
    for (const fault of this.data.faults) {
      found.push([fault.start, `fault ${fault.number} ${fault.kind} ${fault.target} injected${fault.proof ? ", " + fault.proof : ""}`]);
      if (fault.end >= 0) found.push([fault.end, `fault ${fault.number} lifted`]);
    }
    for (const [at, , kind, text] of this.data.marks) found.push([at, `${kind} ${text}`]);
    found.sort((one, two) => one[0] - two[0]);
    return found.map(([at, text]) => `${(at * this.data.tick).toFixed(3).padStart(10)} s  ${text}`);
  }
}
