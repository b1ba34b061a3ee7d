
/* The page: filters of the matrix, moving in it by keys, and the dialog of one cell. Every text that comes from a
   run is set as textContent, never as markup. */

(() => {
  const byId = (id) => document.getElementById(id);
  const cells = JSON.parse(byId("cells").textContent);
  const table = byId("table");
  if (!table) return;
  const rows = [...table.querySelectorAll("tr.row")];
  const dialog = byId("cell");
  const SVG = "http://www.w3.org/2000/svg";
  const LISTED_MAX = 2000;
  let open = null;

  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children.filter((child) => child !== null && child !== ""));
    return element;
  }

  function drawn(tag, attributes, ...children) {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  /* ---------------------------------------------------------------- filters */

  const filters = { text: byId("filter-text"), verdict: byId("filter-verdict"), subject: byId("filter-subject"), level: byId("filter-level") };
  const ATTENTION = new Set(["failed", "error", "inconclusive"]);

  const words = rows.map((row) => {
    const own = [...row.querySelectorAll("button.square")].flatMap((button) => numbersOf(button).map((number) => cells[number]));
    return [row.textContent, ...own.flatMap((cell) => [cell.scenario, cell.why, ...cell.promises])].join(" ").toLowerCase();
  });

  function numbersOf(button) { return button.dataset.cells.split(" ").map(Number); }

  function filter() {
    const wanted = filters.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const { value: verdict } = filters.verdict, { value: subject } = filters.subject, { value: level } = filters.level;
    let shown = 0;
    rows.forEach((row, place) => {
      const squares = [...row.querySelectorAll("td")].filter((square) => !subject || square.dataset.column === subject);
      const fits = (square) => !verdict || (verdict === "attention" ? ATTENTION.has(square.dataset.verdict) : square.dataset.verdict === verdict);
      row.hidden = !(wanted.every((word) => words[place].includes(word)) && (!level || row.dataset.level === level) && squares.some(fits));
      if (!row.hidden) shown++;
    });
    for (const body of table.tBodies) body.hidden = !body.querySelector("tr.row:not([hidden])");
    for (const square of table.querySelectorAll("[data-column]")) square.hidden = Boolean(subject) && square.dataset.column !== subject;
    byId("filter-count").textContent = shown === rows.length ? `${shown} scenarios` : `${shown} of ${rows.length} scenarios`;
    placeFocus();
  }

  byId("filters").hidden = false;
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("input", filter);
  for (const link of document.querySelectorAll("button.link[data-column]")) {
    link.addEventListener("click", () => {
      filters.subject.value = link.dataset.column;
      filters.verdict.value = "attention";
      filter();
      byId("matrix").scrollIntoView();
    });
  }

  /* ---------------------------------------------------------------- keys in the matrix */

  const shownRows = () => rows.filter((row) => !row.hidden);
  const shownSquares = (row) => [...row.querySelectorAll("td:not([hidden])")].map((square) => square.querySelector("button"));

  /* One square at a time takes part in the order of Tab; arrow keys go to the others. */
  function placeFocus(button = null) {
    const chosen = button || table.querySelector("tr.row:not([hidden]) td:not([hidden]) button");
    for (const one of table.querySelectorAll("button.square")) one.tabIndex = one === chosen ? 0 : -1;
    if (button) button.focus();
  }

  table.addEventListener("keydown", (event) => {
    const button = event.target.closest("button.square");
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!button || !step) return;
    event.preventDefault();
    const lines = shownRows(), line = lines.indexOf(button.closest("tr"));
    const column = shownSquares(lines[line]).indexOf(button) + step[1];
    for (let next = line + step[0]; next >= 0 && next < lines.length; next += step[0] || lines.length) {
      const target = shownSquares(lines[next])[column];
      if (target) { placeFocus(target); return; }
    }
  });

  table.addEventListener("click", (event) => {
    const button = event.target.closest("button.square");
    if (button) show(button, numbersOf(button)[0]);
  });

  /* ---------------------------------------------------------------- one cell */

  function show(button, number) {
    open = { button, number };
    fill(cells[number], number, button);
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    history.replaceState(null, "", `#cell=${encodeURIComponent(cells[number].key)}`);
  }

  function fill(cell, number, button) {
    byId("cell-name").replaceChildren(
      make("span", `badge is-${cell.verdict}`, `${cell.symbol} ${cell.word}`), ` ${cell.scenario} `, make("small", "", `on ${cell.subject}`));
    byId("cell-before").disabled = !neighbour(-1);
    byId("cell-after").disabled = !neighbour(1);
    byId("cell-body").replaceChildren(...content(cell, number, button));
  }

  function neighbour(step) {
    const lines = shownRows(), column = open.button.closest("td").dataset.column;
    for (let line = lines.indexOf(open.button.closest("tr")) + step; lines[line]; line += step) {
      const button = lines[line].querySelector(`td[data-column="${column}"] button`);
      if (button) return button;
    }
    return null;
  }

  function move(step) {
    const button = neighbour(step);
    if (button) show(button, numbersOf(button)[0]);
  }

  function content(cell, number, button) {
    const timeline = drawnTimeline(cell, number);
    const promises = [cell.level, ...cell.promises].join(" · ");
    return [
      make("p", "", cell.title, " ", make("span", "quiet", promises)),
      cell.why ? make("p", `why is-${cell.verdict}`, cell.why) : null,
      siblings(button, number),
      ...cell.leftovers.map((text) => make("p", "warning", make("strong", "", "Left behind "), text)),
      ...cell.warnings.map((text) => make("p", "warning", make("strong", "", "Warning "), text)),
      ...expectations(cell, timeline),
      ...figure(cell, timeline),
      reproduction(cell),
      make("p", "quiet", cell.facts.map(([name, value]) => `${name} ${value}`).join("  ·  ")),
      files(cell),
      listing(timeline),
    ].filter(Boolean);
  }

  /* Seeds and repetitions of the same square. */
  function siblings(button, number) {
    const numbers = numbersOf(button);
    if (numbers.length < 2) return null;
    const select = make("select", "", ...numbers.map((one) => {
      const option = make("option", "", `${cells[one].symbol} ${cells[one].word}: seed ${cells[one].seed}, repetition ${cells[one].repetition}`);
      option.value = one;
      option.selected = one === number;
      return option;
    }));
    select.addEventListener("change", () => show(button, Number(select.value)));
    return make("p", "", make("label", "", `One of ${numbers.length} cells: `, select));
  }

  function expectations(cell, timeline) {
    if (!cell.results.length) return [];
    const head = ["", "verdict", "expectation", "observed", "bound", "margin", "resolution"];
    const body = make("tbody", "", ...cell.results.map((result) => expectation(result, timeline)));
    const list = make("table", "expectations", make("thead", "", make("tr", "", ...head.map((text) => make("th", "", text)))), body);
    list.querySelectorAll("th").forEach((th) => { th.scope = "col"; });
    return [make("h3", "", "Expectations"), list];
  }

  function expectation(result, timeline) {
    const number = make("button", `number is-${result.verdict}`, String(result.number));
    number.type = "button";
    number.title = "Show its window in the timeline";
    number.disabled = !(timeline && result.window);
    const line = make("tr", "", make("td", "", number),
      make("td", `verdict is-${result.verdict}`, make("span", "symbol", result.symbol), ` ${result.word}`),
      make("td", "", make("code", "", result.text), result.promise ? make("span", "promises", ` ${result.promise}`) : null,
        result.expected && result.expected !== result.text ? make("div", "quiet", result.expected) : null),
      make("td", "", result.observed), make("td", "bound", result.bound), marginBar(result), make("td", "", result.resolution));
    number.addEventListener("click", () => {
      for (const other of line.parentElement.children) other.classList.toggle("open", other === line);
      timeline.choose(result.number);
      timeline.canvas.scrollIntoView({ block: "nearest" });
    });
    return line;
  }

  /* The bound is the middle; to the right what was to spare, to the left, hatched, by how much it was missed. */
  function marginBar(result) {
    const cell = make("td", "margin");
    if (result.ratio === null) return cell;
    const length = Math.max(1.5, Math.abs(result.ratio) * 93), missed = result.ratio < 0;
    const hatch = drawn("pattern", { id: "hatch", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      drawn("line", { class: "hatch", x1: 0, y1: 0, x2: 0, y2: 5 }));
    cell.append(drawn("svg", { viewBox: "0 0 190 16", role: "img", "aria-label": result.spare },
      drawn("defs", {}, hatch),
      drawn("rect", { class: "track", x: 0.5, y: 3.5, width: 189, height: 9, rx: 3 }),
      drawn("rect", { class: missed ? "missed" : "spare", x: missed ? 95 - length : 95, y: 4, width: length, height: 8 }),
      drawn("line", { class: "zero", x1: 95, x2: 95, y1: 0, y2: 16 })));
    cell.append(make("span", "quiet", result.spare));
    return cell;
  }

  function drawnTimeline(cell, number) {
    const block = byId(`timeline-${number}`);
    return block ? new Timeline(JSON.parse(block.textContent), cell.results) : null;
  }

  function figure(cell, timeline) {
    const parts = [make("h3", "", "Timeline")];
    if (cell.problem) parts.push(make("p", "warning", cell.problem));
    if (!timeline) return cell.problem ? parts : [];
    const { data } = timeline;
    const canvas = make("canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "Timeline; arrow keys move a cursor that is read out below, + and − zoom. The list at the end says the same in words.");
    const readout = make("p", "readout");
    readout.setAttribute("aria-live", "polite");
    const tool = (text, act) => { const button = make("button", "", text); button.type = "button"; button.addEventListener("click", act); return button; };
    const middle = () => timeline.cursor ?? (timeline.from + timeline.to) / 2;
    const pace = data.simulated ? "simulated: virtual time" : data.pace === 1 ? "pace 1: real time" : `pace ${data.pace}: a nominal minute took ${readable(60 / data.pace)}`;
    const tools = make("div", "tools", tool("+ zoom in", () => timeline.zoom(0.5, middle())), tool("− zoom out", () => timeline.zoom(2, middle())),
      tool("show all", () => timeline.show(0, timeline.end)),
      make("span", "quiet", `${pace}; ${data.observations} observations${data.observer ? " by " + data.observer : ""}; ended: ${data.ending || "not said"}`));
    parts.push(make("div", "figure", tools, canvas, readout), key());
    timeline.attach(canvas, readout);
    return parts;
  }

  /* What the shapes of the timeline mean, each with a little drawing of it. */
  function key() {
    const style = getComputedStyle(document.documentElement), colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const bar = (c) => { c.fillStyle = colour("life"); c.fillRect(1, 3, 22, 8); c.fillStyle = colour("ink"); c.fillRect(22, 1, 2, 12); };
    const hatched = (name, crossed) => (c) => {
      c.strokeStyle = colour(name); c.strokeRect(1.5, 2.5, 23, 9); c.beginPath(); c.rect(1, 2, 24, 10); c.clip(); c.beginPath();
      for (let x = -12; x < 30; x += 5) { c.moveTo(x, 13); c.lineTo(x + 12, 1); if (crossed) { c.moveTo(x, 1); c.lineTo(x + 12, 13); } }
      c.stroke();
    };
    const beat = (c) => { c.strokeStyle = colour("beat"); c.lineWidth = 1.4; c.beginPath(); for (const x of [5, 12, 19]) { c.moveTo(x, 2); c.lineTo(x, 12); } c.stroke(); };
    const bad = (c) => { c.strokeStyle = colour("failed"); c.lineWidth = 1.6; c.beginPath(); c.moveTo(9, 3); c.lineTo(16, 11); c.moveTo(16, 3); c.lineTo(9, 11); c.stroke(); };
    const signal = (c) => { c.strokeStyle = colour("ink"); c.beginPath(); c.moveTo(7, 2); c.lineTo(18, 2); c.lineTo(12.5, 11); c.closePath(); c.stroke(); };
    const fault = (c) => { c.globalAlpha = 0.25; c.fillStyle = colour("fault"); c.fillRect(3, 0, 20, 14); c.globalAlpha = 1; c.strokeStyle = colour("fault"); c.setLineDash([2, 2]); c.beginPath(); c.moveTo(3, 0); c.lineTo(3, 14); c.moveTo(23, 0); c.lineTo(23, 14); c.stroke(); };
    const met = (c) => { c.globalAlpha = 0.22; c.fillStyle = colour("passed"); c.fillRect(1, 2, 24, 10); c.globalAlpha = 1; c.strokeStyle = colour("passed"); c.strokeRect(1.5, 2.5, 23, 9); };
    const moment = (c) => { c.fillStyle = colour("ink"); c.beginPath(); c.moveTo(13, 1); c.lineTo(19, 7); c.lineTo(13, 13); c.lineTo(7, 7); c.fill(); };
    const entries = [[bar, "first process of a start, until it ended"], [hatched("tail"), "it is dead, its processes are not"], [beat, "beat"], [bad, "bad beat"],
      [signal, "signal received"], [fault, "fault in force"], [met, "expectation met"], [hatched("failed", true), "not met"], [moment, "the moment that decided"]];
    return make("ul", "key", ...entries.map(([paint, text]) => {
      const canvas = make("canvas"), scale = window.devicePixelRatio || 1;
      canvas.width = 26 * scale; canvas.height = 14 * scale;
      const c = canvas.getContext("2d");
      c.scale(scale, scale);
      paint(c);
      return make("li", "", canvas, text);
    }));
  }

  function reproduction(cell) {
    if (!cell.reproduce) return null;
    const button = make("button", "", "copy"), code = make("code", "", cell.reproduce);
    button.type = "button";
    button.addEventListener("click", async () => { button.textContent = (await copied(cell.reproduce, code)) ? "copied" : "press Ctrl-C"; });
    return make("div", "copyable", make("span", "quiet", "reproduce"), code, button);
  }

  async function copied(text, element) {
    try { await navigator.clipboard.writeText(text); return true; } catch { /* not allowed from a file: select it instead */ }
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }

  function files(cell) {
    if (!cell.files.length) return null;
    const links = cell.files.flatMap((name) => {
      const link = make("a", "", name);
      link.href = [...cell.directory.split("/"), ...name.split("/")].map(encodeURIComponent).join("/");
      return [" ", link];
    });
    return make("p", "quiet", "files:", ...links);
  }

  function listing(timeline) {
    if (!timeline) return null;
    const lines = timeline.lines();
    const details = make("details", "", make("summary", "", `Everything but the beats, as a list (${lines.length})`));
    details.addEventListener("toggle", () => {
      if (details.children.length > 1) return;
      const more = lines.length > LISTED_MAX ? [`and ${lines.length - LISTED_MAX} more, in history.jsonl`] : [];
      details.append(make("ol", "listing", ...[...lines.slice(0, LISTED_MAX), ...more].map((line) => make("li", "", line))));
    }, { once: true });
    return details;
  }

  byId("cell-close").addEventListener("click", () => dialog.close());
  byId("cell-before").addEventListener("click", () => move(-1));
  byId("cell-after").addEventListener("click", () => move(1));
  dialog.addEventListener("keydown", (event) => {
    if (event.target.closest("select, canvas") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "j") move(1);
    if (event.key === "k") move(-1);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    history.replaceState(null, "", location.pathname + location.search);
    placeFocus(open.button);
  });

  /* ---------------------------------------------------------------- print, dark mode, links to a cell */

  function repaint() { if (dialog.open) fill(cells[open.number], open.number, open.button); }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  addEventListener("beforeprint", () => { document.documentElement.dataset.theme = "light"; repaint(); });
  addEventListener("afterprint", () => { delete document.documentElement.dataset.theme; repaint(); });

  function follow() {
    const wanted = location.hash.startsWith("#cell=") ? decodeURIComponent(location.hash.slice(6)) : "";
    const number = cells.findIndex((cell) => cell.key === wanted);
    const button = number < 0 ? null : [...table.querySelectorAll("button.square")].find((one) => numbersOf(one).includes(number));
    if (button) show(button, number);
  }
  addEventListener("hashchange", follow);
  filter();
  follow();
})();
