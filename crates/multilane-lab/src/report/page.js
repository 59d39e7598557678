// Switches the theme and the time scale, and says what lies under a pointer or the keyboard's mark.
// The page is complete without it. Reads only the data that the page carries.
"use strict";
(() => {
  const root = document.documentElement;
  const lanes = JSON.parse(document.getElementById("lanes").textContent);
  const tip = document.getElementById("tip");
  const STATUS = ["", "failed", "cancelled", "timed out", "lost with its worker"];
  const FIELDS = 8;   // numbers per task: start, end, permille on a core, function, status, attempt, id, waited
  const BIN = 4;      // numbers per bin: tasks started, permille open, permille on a core, failed

  // Theme: what the system says, until the reader says otherwise.
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => { try { return localStorage.getItem("multilane-theme"); } catch { return null; } };
  const dark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const name = () => { button.textContent = dark() ? "Light" : "Dark"; button.setAttribute("aria-label", `Switch to ${dark() ? "light" : "dark"} colours`); };
  if (["light", "dark"].includes(stored())) root.dataset.theme = stored();
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("multilane-theme", root.dataset.theme); } catch { /* a file may have no storage */ }
    name();
  });
  system.addEventListener("change", name);
  name();

  // Time scale: one for all lanes, or each lane at full width.
  for (const tools of document.querySelectorAll(".tools")) {
    tools.hidden = false;
    tools.addEventListener("click", (event) => {
      const scale = event.target.dataset.scale;
      if (!scale) return;
      tools.parentElement.classList.toggle("fit", scale === "own");
      for (const other of tools.children) other.setAttribute("aria-pressed", String(other === event.target));
      hide();
    });
  }

  const figures = (value) => value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
  const duration = (ns) => {
    if (ns === 0) return "0 s";
    for (const [unit, size] of [["ns", 1], ["µs", 1e3], ["ms", 1e6]]) if (ns < 999.5 * size) return `${figures(ns / size)}\u00a0${unit}`;
    return `${figures(ns / 1e9)}\u00a0s`;
  };
  const percent = (permille) => `${Math.round(permille / 10)}\u00a0%`;
  const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

  // The last entry whose start is at or before `at`.
  const before = (starts, stride, at) => {
    let low = 0, high = starts.length / stride;
    while (low < high) { const middle = (low + high) >> 1; if (starts[middle * stride] <= at) low = middle + 1; else high = middle; }
    return low - 1;
  };
  const coresAt = (lane, at) => {
    let low = 0, high = lane.cores.length;
    while (low < high) { const middle = (low + high) >> 1; if (lane.cores[middle][0] <= at) low = middle + 1; else high = middle; }
    return low > 0 ? lane.cores[low - 1][1] : 0;
  };

  // What stands at a place of a lane: where to put the mark, and what to say.
  const pick = (lane, number, index) => {
    const row = lane.rows[number];
    const who = row.identity ? `${row.name} (${row.identity})` : row.name;
    if (row.tasks) {
      const [start, end, permille, fn, status, attempt, id, waited] = row.tasks.slice(index * FIELDS, index * FIELDS + FIELDS);
      const lines = [`${lane.functions[fn] ?? "?"}, task ${id}`, `${duration(end - start)}, ${percent(permille)} of it on a core`, who,
        `from ${duration(start)} to ${duration(end)}`];
      if (waited > 0) lines.push(`${duration(waited)} in the queue before`);
      if (attempt > 1) lines.push(`attempt ${attempt}`);
      if (status) lines.push(STATUS[status]);
      return { number, index, from: start / lane.length, to: end / lane.length, lines };
    }
    const bins = row.bins.length / BIN;
    const [started, open, onCore, failed] = row.bins.slice(index * BIN, index * BIN + BIN);
    const lines = [`${count(started, "task")} started`, `${percent(open)} of the time in tasks, ${percent(onCore)} on a core`, who,
      `${duration(lane.length / bins * index)} to ${duration(lane.length / bins * (index + 1))}`];
    if (failed) lines.push(`${failed} failed`);
    return { number, index, from: index / bins, to: (index + 1) / bins, lines };
  };
  const at = (lane, x, y) => {
    const number = Math.min(lane.rows.length - 1, Math.max(0, Math.floor(y * lane.rows.length)));
    const row = lane.rows[number], time = x * lane.length;
    if (row.bins) return pick(lane, number, Math.min(row.bins.length / BIN - 1, Math.floor(x * row.bins.length / BIN)));
    // A task of less than a pixel still answers: take the nearest within half a percent of the axis.
    const slack = lane.length * 0.005, found = before(row.tasks, FIELDS, time);
    let best = -1, distance = slack;
    for (const index of [found - 1, found, found + 1]) {
      if (index < 0 || index * FIELDS >= row.tasks.length) continue;
      const away = Math.max(row.tasks[index * FIELDS] - time, time - row.tasks[index * FIELDS + 1], 0);
      if (away < distance || (away === 0 && distance === 0)) { best = index; distance = away; }
    }
    if (best >= 0) return pick(lane, number, best);
    return { number, index: found, from: x, to: x, lines: [row.identity ? `${row.name} (${row.identity})` : row.name, "no task"] };
  };

  let shown = null;
  const hide = () => { tip.hidden = true; shown?.figure.querySelectorAll(".mark, .hair").forEach((old) => old.remove()); shown = null; };
  const add = (parent, kind, style) => { const part = document.createElement("i"); part.className = kind; Object.assign(part.style, style); parent.append(part); };
  const show = (figure, lane, found, x, anchor) => {
    hide();
    shown = { figure, found };
    const plot = figure.querySelector(".workers .plot"), rows = lane.rows.length;
    if (found.to > found.from) add(plot, "mark", { left: `${found.from * 100}%`, width: `${(found.to - found.from) * 100}%`, top: `${found.number / rows * 100}%`, height: `${100 / rows}%` });
    const over = figure.querySelector(".over .plot");
    if (over) add(over, "hair", { left: `${x * 100}%` });
    tip.textContent = [...found.lines, `${figures(coresAt(lane, x * lane.length))} cores used at ${duration(x * lane.length)}`].join("\n");
    tip.hidden = false;
    const box = plot.getBoundingClientRect(), width = tip.offsetWidth, page = root.clientWidth;
    const left = Math.min(Math.max(8, anchor + 12), page - width - 8);
    const under = box.top + (found.number + 1) / rows * box.height + 8;
    const above = box.top + found.number / rows * box.height - tip.offsetHeight - 8;
    tip.style.left = `${left + scrollX}px`;
    tip.style.top = `${(under + tip.offsetHeight > innerHeight && above > 0 ? above : under) + scrollY}px`;
  };

  for (const figure of document.querySelectorAll("[data-lane]")) {
    const lane = lanes[figure.dataset.lane], track = figure.querySelector(".workers .track"), plot = track.querySelector(".plot");
    if (!lane.rows.length) continue;
    const point = (event) => {
      const box = plot.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
      if (x < 0 || x > 1) { hide(); return; }
      show(figure, lane, at(lane, x, y), x, event.clientX);
    };
    track.addEventListener("pointermove", point);
    track.addEventListener("pointerdown", point);
    track.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hide(); });
    track.addEventListener("blur", hide);
    track.addEventListener("keydown", (event) => {
      const length = (row) => row.bins ? row.bins.length / BIN : row.tasks.length / FIELDS;
      let { number, index } = shown?.figure === figure ? shown.found : { number: 0, index: -1 };
      const middle = shown?.figure === figure ? (shown.found.from + shown.found.to) / 2 : 0;
      const turn = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (event.key === "Escape") { hide(); return; }
      else if (event.key === "ArrowRight") index += 1;
      else if (event.key === "ArrowLeft") index -= 1;
      else if (event.key === "Home") index = 0;
      else if (event.key === "End") index = Infinity;
      else if (turn) {
        number = Math.min(lane.rows.length - 1, Math.max(0, number + turn));
        const row = lane.rows[number];
        index = row.bins ? Math.floor(middle * length(row)) : before(row.tasks, FIELDS, middle * lane.length);
      } else return;
      event.preventDefault();
      index = Math.min(length(lane.rows[number]) - 1, Math.max(0, index));
      const empty = { number, index: 0, from: 0, to: 0, lines: [lane.rows[number].name, "no task"] };
      const found = index < 0 ? empty : pick(lane, number, index);
      const x = (found.from + found.to) / 2, box = plot.getBoundingClientRect();
      show(figure, lane, found, x, box.left + x * box.width);
    });
  }
  addEventListener("pointerdown", (event) => { if (!event.target.closest?.(".workers .track")) hide(); });

  // Paper cannot be opened: print with everything unfolded.
  addEventListener("beforeprint", () => { for (const fold of document.querySelectorAll("details:not([open])")) { fold.open = true; fold.dataset.printed = ""; } });
  addEventListener("afterprint", () => { for (const fold of document.querySelectorAll("[data-printed]")) { fold.open = false; delete fold.dataset.printed; } });
})();
