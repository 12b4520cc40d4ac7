// What the console's pages do beyond what the server has rendered. All text that comes from
// elsewhere is set as text, never as HTML.
"use strict";
(() => {
  const el = (name, props, ...children) => {
    const e = Object.assign(document.createElement(name), props);
    e.append(...children);
    return e;
  };
  const bytes = (n) => n < 1024 ? n + " B" : n < 1024 * 1000 ? (n / 1024).toFixed(n < 10240 ? 1 : 0) + " KiB" : (n / 1048576).toFixed(n < 10485760 ? 1 : 0) + " MiB";
  const took = (ms) => ms < 1 ? Math.round(ms * 1000) + " µs" : ms < 1000 ? Math.round(ms) + " ms" : (ms / 1000).toFixed(1) + " s";

  // Deploying: the upload's progress, then the steps that the server tells of.

  const words = { compile: "Compile", databases: "Check the databases of", snapshot: "Take the snapshot of" };

  class Steps {
    constructor(box) {
      this.bar = el("progress", { max: 1 });
      this.bar.setAttribute("aria-label", "Upload");
      this.list = el("ol");
      this.items = new Map();
      box.replaceChildren(this.bar, this.list);
      box.hidden = false;
      this.box = box;
    }
    step(key, text) {
      if (!this.items.has(key)) {
        const item = el("li", {}, el("span", { textContent: text }), el("span"));
        this.items.set(key, item);
        this.list.append(item);
      }
      return this.items.get(key);
    }
    done(key, text, note) {
      const item = this.step(key, text);
      item.className = "done";
      item.lastChild.textContent = note || "";
    }
    event(e) {
      const key = e.event + " " + (e.micro || "");
      const text = (words[e.event] || e.event) + " " + (e.micro || "");
      switch (e.event) {
        case "received": this.done("upload", "Upload", bytes(e.bytes)); this.bar.removeAttribute("value"); break;
        case "activate": this.step("activate", "Go live"); break;
        case "heartbeat": break;
        case "done": this.end(e.app); break;
        case "error": this.fail(e.problem.detail, e.problem.error_id); break;
        default:
          if (e.state === "done") this.done(key, text, (e.reason ? "none: " + e.reason : e.bytes ? bytes(e.bytes) : "") + (e.ms ? " " + took(e.ms) : ""));
          else this.step(key, text);
      }
    }
    end(app) {
      this.ended = true;
      this.bar.remove();
      this.done("activate", "Go live", "revision " + app.revision);
      const open = el("a", { href: app.url, textContent: app.url, target: "_blank", rel: "noreferrer" });
      const look = el("a", { href: "/apps/" + encodeURIComponent(app.app), textContent: "Look at " + app.app });
      this.box.append(el("p", { className: "note good" }, "Live at ", open, " · ", look));
      look.focus();
      const list = document.querySelector("#list");
      if (list && window.htmx) htmx.trigger(list, "refresh");
    }
    fail(text, id) {
      this.ended = true;
      this.bar.remove();
      for (const item of this.items.values()) if (!item.className) item.className = "failed";
      const note = el("p", { className: "note bad", textContent: text.charAt(0).toUpperCase() + text.slice(1) + "\n\nWhat was live before still is." });
      note.setAttribute("role", "alert");
      this.box.append(note);
      if (id) this.box.append(el("p", { className: "small" }, "Error id ", el("code", { textContent: id })));
    }
  }

  const deploy = (form, file) => {
    const steps = new Steps(form.querySelector("[data-steps]"));
    const data = new FormData();
    const app = form.elements.app.value.trim();
    if (app) data.append("app", app); // before the file, which the server reads as it comes
    data.append("file", file, file.name);
    const button = form.querySelector("button");
    button.disabled = true;
    const request = new XMLHttpRequest(); // which tells of an upload's progress; fetch does not
    let read = 0;
    const lines = () => {
      if (request.status !== 200) return;
      const text = request.responseText;
      for (let end; (end = text.indexOf("\n", read)) >= 0; read = end + 1) steps.event(JSON.parse(text.slice(read, end)));
    };
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/x-ndjson");
    steps.step("upload", "Upload").lastChild.textContent = bytes(file.size);
    request.upload.onprogress = (e) => { if (e.lengthComputable) steps.bar.value = e.loaded / e.total; };
    request.onprogress = lines;
    request.onloadend = () => {
      lines();
      button.disabled = false;
      if (steps.ended) return;
      let problem = {};
      try { problem = JSON.parse(request.responseText); } catch { /* it is none */ }
      steps.fail(problem.detail || "The connection broke off. Look whether it has gone live, and try again.", problem.error_id);
    };
    request.send(data);
  };

  const form = document.querySelector("[data-deploy]");
  if (form) {
    const input = form.elements.file;
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      deploy(form, input.files[0]);
    });
    let depth = 0;
    const over = (on) => form.classList.toggle("over", on);
    const hasFile = (e) => e.dataTransfer && [...e.dataTransfer.types].includes("Files");
    addEventListener("dragenter", (e) => { if (hasFile(e)) { depth++; over(true); } });
    addEventListener("dragleave", (e) => { if (hasFile(e) && --depth <= 0) { depth = 0; over(false); } });
    addEventListener("dragover", (e) => { if (hasFile(e)) e.preventDefault(); });
    addEventListener("drop", (e) => {
      if (!hasFile(e)) return;
      e.preventDefault();
      depth = 0;
      over(false);
      const file = e.dataTransfer.files[0];
      if (!file) return;
      input.value = ""; // what was chosen before is not what is sent
      form.scrollIntoView({ block: "nearest" });
      deploy(form, file);
    });
  }

  // Following a Micro.

  const live = document.querySelector("[data-live]");
  if (live) follow(live);

  function follow(box) {
    const requests = box.querySelector("[data-requests-list]"), log = box.querySelector("[data-log]");
    const states = box.querySelectorAll("[data-state]"), pause = box.querySelector("[data-pause]");
    let paused = false;
    const say = (text, lost) => states.forEach((s) => { s.hidden = false; s.textContent = text; s.classList.toggle("lost", lost); });
    const link = (id, text) => el("a", { href: "/find?id=" + encodeURIComponent(id), textContent: text });
    const time = (line) => el("time", { textContent: line.time, title: line.when });
    const source = new EventSource(box.dataset.live);
    source.onopen = () => say(paused ? "paused" : "live", paused);
    source.onerror = () => say("connecting", true);
    source.addEventListener("request", (e) => {
      if (paused) return;
      const line = JSON.parse(e.data);
      box.querySelector("[data-empty]")?.remove();
      const cell = (text, className) => el("td", { textContent: text, className: className || "" });
      const path = cell("", "path");
      path.append(el("b", { textContent: line.method }), " " + line.path);
      const status = link(line.id, line.status);
      if (line.code) status.append(el("span", { className: "words", textContent: " " + line.code }));
      const row = el("tr", { className: line.failed ? "failed" : "" }, el("td", {}, time(line)),
        el("td", {}, status), path,
        cell(line.start), cell(line.took, "num"), cell(line.fuel, "num"), cell(line.memory, "num"));
      requests.prepend(row);
      while (requests.rows.length > 100) requests.deleteRow(-1);
    });
    source.addEventListener("log", (e) => {
      if (paused) return;
      const line = JSON.parse(e.data);
      box.querySelector("[data-empty-log]")?.remove();
      const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 30;
      const p = el("p", { className: line.source === "platform" ? "from-platform" : "from-guest" }, time(line), " ");
      if (line.request) { const a = link(line.request, line.request); a.className = "id"; p.append(a, " "); }
      if (line.code) p.append(el("b", { className: "bad", textContent: line.code }), " ");
      p.append(el("span", { textContent: line.message }));
      log.append(p);
      while (log.children.length > 500) log.firstChild.remove();
      if (atEnd) log.scrollTop = log.scrollHeight;
    });
    log.scrollTop = log.scrollHeight;
    pause.hidden = false;
    pause.addEventListener("click", () => {
      paused = !paused;
      pause.setAttribute("aria-pressed", String(paused));
      pause.textContent = paused ? "Go on" : "Pause";
      say(paused ? "paused" : "live", paused);
    });
  }

  // Plots. Their figures stand in tables, too.

  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = (more) => Object.assign({ stroke: style("--soft"), grid: { stroke: style("--line"), width: 1 }, ticks: { stroke: style("--line"), width: 1 }, font: "12px system-ui" }, more);
  const plots = [];

  function histogram(box) {
    const table = JSON.parse(box.dataset.latency), n = table.starts.length;
    const colours = { reset: style("--good"), clone: style("--act"), load: style("--warn"), compile: style("--bad") };
    const xs = table.rows.map((_, i) => i);
    return new uPlot({
      width: box.clientWidth, height: 240, cursor: { points: { show: false } }, legend: { live: false },
      scales: { x: { time: false, range: [-0.6, Math.max(xs.length - 0.4, 0.6)] }, y: { range: (u, min, max) => [0, Math.max(max, 1) * 1.1] } },
      axes: [axis({ grid: { show: false }, splits: () => xs, values: (u, at) => at.map((i) => i % Math.ceil(xs.length / 7) ? "" : "< " + table.rows[i].below) }),
        axis({ size: 46, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000, 100000] })],
      series: [{}, ...table.starts.map((s, i) => ({
        label: s, stroke: colours[s], fill: colours[s], points: { show: false },
        paths: uPlot.paths.bars({ size: [0.8 / n, 60], align: n === 1 ? 0 : i === 0 ? -1 : i === n - 1 ? 1 : 0 }),
      }))],
    }, [xs, ...table.starts.map((_, i) => table.rows.map((r) => r.counts[i] || null))], box);
  }

  function usage(box) {
    const d = JSON.parse(box.dataset.requests), xs = d.time.map((_, i) => i + 1);
    const short = (v) => v >= 1e9 ? v / 1e9 + " G" : v >= 1e6 ? v / 1e6 + " M" : v >= 1e3 ? v / 1e3 + " k" : String(v);
    const line = (label, scale, colour) => ({ label, scale, stroke: colour, width: 1.5, points: { show: true, size: 5, fill: colour } });
    return new uPlot({
      width: box.clientWidth, height: 240, legend: { live: false }, cursor: { points: { show: false } },
      scales: { x: { time: false, range: [0.5, Math.max(xs.length, 10) + 0.5] }, fuel: { range: (u, min, max) => [0, Math.max(max, 1) * 1.6] }, memory: { range: (u, min, max) => [0, Math.max(max, 1) * 1.15] } },
      axes: [axis({ grid: { show: false }, values: (u, at) => at.map((v) => Number.isInteger(v) ? v : "") }),
        axis({ scale: "fuel", size: 56, values: (u, at) => at.map(short) }),
        axis({ scale: "memory", side: 1, size: 64, grid: { show: false }, values: (u, at) => at.map((v) => bytes(v)), incrs: [65536, 262144, 524288, 1048576, 2097152, 4194304, 8388608, 16777216, 33554432, 67108864, 134217728, 268435456] })],
      series: [{}, line("fuel", "fuel", style("--act")), line("memory", "memory", style("--warn"))],
    }, [xs, d.fuel, d.memory], box);
  }

  const draw = () => {
    if (!window.uPlot) return;
    for (const { plot } of plots.splice(0)) plot.destroy();
    for (const [selector, make] of [["[data-latency]", histogram], ["[data-requests]", usage]]) {
      const box = document.querySelector(selector);
      if (box) plots.push({ box, plot: make(box) });
    }
  };
  draw();
  addEventListener("resize", () => plots.forEach(({ box, plot }) => plot.setSize({ width: box.clientWidth, height: 240 })));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
})();
