"use strict";
/* What every part of the report shares: the data, what is chosen and shown, numbers as text, colours, one tip. */
const report = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAPER = 690; // pixels across a sheet of A4 or Letter within its margins
  const listeners = {};
  const hidden = new Set(); // verdicts switched off in the legend
  let filtered = null; // a Set of trials that the table's filter lets through, or null for all
  let brushed = null; // the same for what is marked on the parallel axes
  let chosen = null;

  const on = (event, act) => (listeners[event] ||= []).push(act);
  const emit = (event) => (listeners[event] || []).forEach((act) => act());

  const number = (value, digits = 4) => {
    if (value === null || value === undefined) return "–";
    if (typeof value === "string") return value === "Infinity" ? "infinite" : value;
    if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value);
    const size = Math.abs(value);
    return size !== 0 && (size < 1e-4 || size >= 1e6)
      ? value.toExponential(digits - 1).replace(/\.?0+e/, "e")
      : String(Number(value.toPrecision(digits)));
  };
  const setting = (value) => (value === null ? "null" : typeof value === "number" ? number(value) : String(value));
  const seconds = (value) => {
    if (value === null || value === undefined) return "–";
    if (value < 60) return `${number(value, 2)} s`;
    const minutes = Math.floor(value / 60);
    return minutes < 60
      ? `${minutes} min ${String(Math.round(value % 60)).padStart(2, "0")} s`
      : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
  };

  /* Ranks of the values, 0 the worst and 1 the best; null where a trial has none. */
  const goodness = (() => {
    const sign = data.mode === "min" ? -1 : 1;
    const able = data.trials.map((trial, place) => place).filter((place) => data.trials[place].value !== null);
    able.sort((one, two) => sign * (data.trials[one].value - data.trials[two].value));
    const out = data.trials.map(() => null);
    able.forEach((place, rank) => { out[place] = able.length > 1 ? rank / (able.length - 1) : 1; });
    return out;
  })();

  const isDark = () => {
    const set = document.documentElement.dataset.theme;
    return set ? set === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const verdictColour = (verdict) => data.verdicts[verdict][isDark() ? "dark" : "light"];
  const mix = (share) => {
    const [one, two] = [colour("worst"), colour("best")].map((hex) =>
      [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16)));
    return `rgb(${one.map((part, i) => Math.round(part + (two[i] - part) * share)).join(",")})`;
  };
  const ramp = () => {
    const steps = Array.from({ length: 64 }, (_, i) => mix(i / 63));
    return (share) => steps[Math.round(share * 63)];
  };

  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "onclick") made.addEventListener("click", value);
      else if (value !== false && value !== null) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  };
  const svg = (tag, attributes, ...children) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const mark = (verdict) =>
    svg("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" },
      svg("path", { d: data.shapes[data.verdicts[verdict].shape], fill: verdictColour(verdict) }));
  const verdictLabel = (verdict) => element("span", { class: "verdict" }, mark(verdict), verdict);

  const tip = (text, event) => {
    const box = document.getElementById("tip");
    box.hidden = !text;
    if (!text) return;
    box.textContent = text;
    const left = Math.min(event.clientX + 14, innerWidth - box.offsetWidth - 8);
    const below = event.clientY + 16;
    box.style.left = `${Math.max(8, left)}px`;
    box.style.top = `${below + box.offsetHeight > innerHeight ? event.clientY - box.offsetHeight - 12 : below}px`;
  };
  const told = (place) => {
    const trial = data.trials[place];
    const value = trial.value === null ? "" : `, ${data.metric} ${number(trial.value)}`;
    return `trial ${trial.name}, ${trial.verdict}, ${trial.ending || "running"}${value}`;
  };

  /* A chart in `holder` that is drawn again for another size, theme or choice; `build` gives its whole option for a
     width and a height in pixels. */
  const chart = (holder, build, events) => {
    const made = echarts.init(holder, null, { renderer: "canvas" });
    const draw = () => made.setOption(build(made.getWidth(), made.getHeight()), { notMerge: true });
    const size = () => {
      if (made.getWidth() === holder.clientWidth && made.getHeight() === holder.clientHeight) return;
      made.resize();
      draw();
    };
    new ResizeObserver(size).observe(holder);
    events.forEach((event) => on(event, draw));
    on("paper", () => { // at once: printing does not wait for what a browser would draw next
      const height = holder.classList.contains("tall") ? 380 : 300;
      holder.style.height = `${height}px`;
      made.resize({ width: PAPER, height });
      draw();
      made.getZr().flush();
    });
    on("screen", () => {
      holder.style.height = "";
      made.resize({ width: "auto", height: "auto" });
      draw();
    });
    draw();
    return { made, draw };
  };

  const shown = (place) =>
    !hidden.has(data.trials[place].verdict) && (!filtered || filtered.has(place)) && (!brushed || brushed.has(place));

  document.getElementById("theme").addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    emit("theme");
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => emit("theme"));
  let onScreen;
  addEventListener("beforeprint", () => {
    onScreen = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light"; // ink on paper
    emit("theme");
    emit("paper");
  });
  addEventListener("afterprint", () => {
    if (onScreen === undefined) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = onScreen;
    emit("theme");
    emit("screen");
  });

  return {
    data, PAPER, on, emit, number, setting, seconds, goodness, colour, verdictColour, ramp, element, svg, mark, verdictLabel,
    tip, told, chart, shown, hidden,
    filter: (places) => { filtered = places; emit("shown"); },
    brush: (places) => { brushed = places; emit("shown"); },
    choose: (place) => { chosen = place; emit("chosen"); },
    get chosen() { return chosen; },
    get brushed() { return brushed; },
  };
})();
