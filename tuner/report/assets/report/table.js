/* The trials as a table: sorts by any column, filters by words and by conditions such as lr<0.01 or optimizer=sgd. */
(() => {
  const { data, element, number, setting } = report;
  const body = document.getElementById("trials-body");
  const head = document.getElementById("trials-head");
  const query = document.getElementById("trials-query");
  const [ending, verdict] = ["trials-ending", "trials-verdict"].map((id) => document.getElementById(id));
  const status = document.getElementById("trials-status");
  const more = document.getElementById("trials-more");
  const PAGE = 50;
  const PRINTED = 100; // rows: of a thousand nobody reads the rest on paper
  let limit = PAGE;

  const columns = [
    { name: "trial", of: (trial) => trial.name },
    { name: "ending", of: (trial) => trial.ending || "running" },
    { name: "verdict", of: (trial) => trial.verdict },
    { name: data.metric, of: (trial) => trial.value, n: true },
    { name: "at epoch", of: (trial) => trial.best, n: true },
    { name: "epochs", of: (trial) => trial.epochs, n: true },
    { name: "seconds", of: (trial) => trial.seconds, n: true },
    ...data.parameters.map((parameter) => ({
      name: parameter.name, of: (trial) => trial.config[parameter.name], 
      n: parameter.kind === "number" || parameter.options.every((option) => typeof option === "number"), parameter: true,
    })),
    { name: "reason", of: (trial) => data.reasons[trial.reason], wide: true },
  ];
  let sorted = { column: columns[3], down: data.mode === "max" };
  const text = data.trials.map((trial) => columns.map((column) => {
    const value = column.of(trial);
    return value === undefined || value === null ? "" : `${column.name}=${setting(value)}`;
  }).concat(trial.node, trial.origin, ...(trial.findings || []).map((finding) => finding.says)).join(" ").toLowerCase());

  /* What is absent or not a number comes last, whichever way the column is sorted. */
  const compare = (one, two) => {
    const [a, b] = [one, two].map((place) => sorted.column.of(data.trials[place]));
    const [gone, lost] = [a, b].map((value) => value === undefined || value === null);
    if (gone || lost) return gone - lost || one - two;
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
    return (sorted.down ? -order : order) || one - two;
  };

  const CONDITION = /^(.+?)(<=|>=|!=|<|>|=)(.+)$/;
  const condition = (word) => {
    const parts = CONDITION.exec(word);
    const column = parts && columns.find((one) => one.name.toLowerCase() === parts[1].toLowerCase());
    if (!column) return null;
    const [, , sign, wanted] = parts;
    const limitOf = Number(wanted);
    return (place) => {
      const value = column.of(data.trials[place]);
      if (value === undefined || value === null) return sign === "!=";
      if (sign === "=" || sign === "!=") {
        const same = typeof value === "number" ? value === limitOf : String(value).toLowerCase() === wanted.toLowerCase();
        return same === (sign === "=");
      }
      if (typeof value !== "number" || Number.isNaN(limitOf)) return false;
      return { "<": value < limitOf, ">": value > limitOf, "<=": value <= limitOf, ">=": value >= limitOf }[sign];
    };
  };
  const filter = () => {
    const words = query.value.trim().split(/\s+/).filter(Boolean);
    const tests = words.map((word) => condition(word) || ((place) => text[place].includes(word.toLowerCase())));
    const through = data.trials.map((_, place) => place).filter((place) => {
      const trial = data.trials[place];
      return (!ending.value || (trial.ending || "running") === ending.value) &&
        (!verdict.value || trial.verdict === verdict.value) && tests.every((test) => test(place));
    });
    limit = PAGE;
    report.filter(through.length === data.trials.length ? null : new Set(through));
  };

  const row = (place) => {
    const trial = data.trials[place];
    const made = element("tr", { class: place === report.chosen ? "chosen" : false });
    made.addEventListener("click", () => report.choose(place));
    columns.forEach((column, at) => {
      const value = column.of(trial);
      const cell = element("td", { class: column.n ? "n" : column.wide ? "reason" : false });
      if (at === 0) {
        cell.append(element("button", { type: "button" }, trial.name), ...(place === data.best ? [element("span", { class: "bestmark" }, " best")] : []));
      } else if (at === 2) cell.append(report.verdictLabel(trial.verdict));
      else if (column.wide) cell.textContent = value || "";
      else cell.textContent = value === undefined ? "" : value === null && !column.parameter ? "–" : setting(value);
      made.append(cell);
    });
    return made;
  };
  const draw = () => {
    const places = data.trials.map((_, place) => place).filter(report.shown).sort(compare);
    body.replaceChildren(...places.slice(0, limit).map(row));
    status.textContent = `${places.length} of ${data.trials.length} trials` + (report.brushed ? ", within the marked ranges" : "");
    document.getElementById("trials-printed").textContent =
      `${Math.min(limit, places.length)} of ${data.trials.length} trials, by ${sorted.column.name}${sorted.down ? ", highest first" : ""}.`;
    more.hidden = places.length <= limit;
    more.textContent = `Show ${Math.min(PAGE, places.length - limit)} more`;
    [...head.children].forEach((cell, at) => {
      const own = columns[at] === sorted.column;
      if (own) cell.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
      cell.firstChild.lastChild.textContent = own ? (sorted.down ? " ▼" : " ▲") : "";
    });
  };

  columns.forEach((column) => head.append(element("th", { scope: "col", class: column.n ? "n" : false }, element("button", {
    type: "button",
    onclick: () => {
      sorted = { column, down: sorted.column === column ? !sorted.down : false };
      draw();
    },
  }, column.name, element("span", { "aria-hidden": "true" })))));
  const endings = new Set(data.trials.map((trial) => trial.ending || "running"));
  endings.forEach((name) => ending.append(element("option", { value: name }, name)));
  Object.keys(data.verdicts).forEach((name) => verdict.append(element("option", { value: name }, name)));
  query.addEventListener("input", filter);
  [ending, verdict].forEach((select) => select.addEventListener("change", filter));
  more.addEventListener("click", () => { limit += PAGE; draw(); });
  ["shown", "theme"].forEach((event) => report.on(event, draw));
  report.on("chosen", () => [...body.children].forEach((made) =>
    made.classList.toggle("chosen", report.chosen !== null && made.cells[0].firstChild.textContent === data.trials[report.chosen].name)));
  let onScreen = limit;
  report.on("paper", () => {
    onScreen = limit;
    limit = Math.max(limit, PRINTED);
    draw();
    const letters = columns.filter((column) => !column.wide).map((_, at) => Math.max(Math.min(12, columns[at].name.length),
      ...[...body.children].map((made) => made.cells[at].textContent.length)));
    const room = report.PAPER - 7 * letters.length; // what the cells' padding leaves
    const size = room / (0.62 * letters.reduce((one, two) => one + two, 0));
    body.parentElement.style.setProperty("--print-size", `${Math.min(8.5, size).toFixed(1)}px`);
  });
  report.on("screen", () => { limit = onScreen; draw(); });
  draw();
})();
