/* Two parameters against each other, learning rate and batch size where there are: the darker a trial the better it was. */
(() => {
  const { data, axes } = report;
  const holder = document.getElementById("map-chart");
  if (!holder) return;
  const able = axes.parameters.filter((axis) => axis.varies);
  const [across, up] = ["map-x", "map-y"].map((id) => document.getElementById(id));
  if (!able.length || !data.trials.length) {
    document.getElementById("map-note").textContent = "No parameter varies in this sweep: there is no map to draw.";
    document.getElementById("map-tools").hidden = true;
    holder.hidden = true;
    return;
  }
  const choices = axes.value ? [...able, axes.value] : able;
  choices.forEach((axis, i) => [across, up].forEach((select) => select.append(report.element("option", { value: i }, axis.name))));
  const start = data.map.map((name) => choices.findIndex((axis) => axis.name === name));
  across.value = Math.max(0, start[0] ?? 0);
  up.value = start[1] ?? choices.length - 1;

  /* Trials with the same option lie side by side: a fixed shift of at most a third of the way to the next option. */
  const shift = (axis, trial) => (axis.options ? (((trial * 0.6180339887) % 1) - 0.5) * 0.6 * axis.interval : 0);
  const ruler = (axis, sideways) => ({
    type: "value", min: axis.options ? -axis.interval / 2 : -0.03, max: axis.options ? 1 + axis.interval / 2 : 1.03,
    name: axis.name, nameLocation: sideways ? "middle" : "end", nameGap: sideways ? 28 : 12,
    nameTextStyle: { color: report.colour("ink"), align: sideways ? "center" : "left" },
    axisLabel: { color: report.colour("soft"), hideOverlap: true, formatter: (share) => axis.label(share),
      width: sideways ? undefined : Math.min(160, holder.clientWidth * 0.25), overflow: "truncate",
      customValues: axis.ticks },
    axisTick: { customValues: axis.ticks },
    axisLine: { show: true, onZero: false, lineStyle: { color: report.colour("soft") } },
    splitLine: { show: false },
  });

  /* Cells where at least half of the trials nearby diverged, each weighed by its distance (a Gaussian of NEAR of an
     axis), and where enough of them are near to say. Options of a choice have nothing between them: a cell is one. */
  const [CELLS, NEAR, ENOUGH] = [36, 0.07, 1.5];
  const lines = (axis) => {
    const count = axis.options ? axis.options.length : CELLS;
    const half = axis.options ? axis.interval / 2 : 0.5 / CELLS;
    return Array.from({ length: count }, (_, i) => [axis.options ? axis.ticks[i] : (i + 0.5) / CELLS, half]);
  };
  const apart = (axis, one, other) => (axis.options ? (Math.abs(one - other) < 1e-6 ? 0 : Infinity) : (one - other) / NEAR);
  const region = (x, y) => {
    const trials = data.trials.map((trial) => [x.at(x.value(trial)), y.at(y.value(trial)), trial.diverged ? 1 : 0])
      .filter(([a, b]) => a !== null && b !== null);
    if (!trials.some((trial) => trial[2])) return [];
    return lines(x).flatMap(([a, wide]) => lines(y).flatMap(([b, high]) => {
      let [all, lost] = [0, 0];
      for (const [c, d, diverged] of trials) {
        const far = apart(x, a, c) ** 2 + apart(y, b, d) ** 2;
        if (far < 18) { const weight = Math.exp(-far / 2); all += weight; lost += weight * diverged; }
      }
      return all >= ENOUGH && lost >= all / 2 ? [[a - wide, b - high, a + wide, b + high]] : [];
    }));
  };
  const hatched = (cells) => ({
    type: "custom", silent: true, animation: false, z: 1, data: cells,
    renderItem: (params, api) => {
      const [left, top] = api.coord([api.value(0), api.value(3)]);
      const [right, bottom] = api.coord([api.value(2), api.value(1)]);
      const ink = report.colour("lost");
      const shape = { x: left - 0.3, y: top - 0.3, width: right - left + 0.6, height: bottom - top + 0.6 };
      const box = { type: "rect", shape, style: { fill: ink, opacity: 0.16 } };
      const strokes = []; // slanting lines at x + y = 9 n, so that those of neighbours meet
      for (let sum = 9 * Math.ceil((left + top) / 9); sum < right + bottom; sum += 9) {
        const [from, to] = [Math.max(left, sum - bottom), Math.min(right, sum - top)];
        if (to > from) strokes.push({ type: "line", shape: { x1: from, y1: sum - from, x2: to, y2: sum - to },
          style: { stroke: ink, lineWidth: 1, opacity: 0.75 } });
      }
      return { type: "group", children: [box, ...strokes] };
    },
  });

  const build = () => {
    const [x, y] = [choices[across.value], choices[up.value]];
    const cells = [x, y].includes(axes.value) ? [] : region(x, y);
    document.getElementById("map-note").textContent = cells.length
      ? "Hatched: at least half of the trials nearby diverged."
      : data.trials.some((trial) => trial.diverged) && ![x, y].includes(axes.value)
        ? "Trials diverged, but in no region of these two parameters most of them."
        : "";
    const shade = report.ramp();
    const special = (place) => place === report.chosen || place === data.best;
    const points = data.trials.flatMap((trial, i) => {
      const at = [x.at(x.value(trial)), y.at(y.value(trial))];
      if (!report.shown(i) || at[0] === null || at[1] === null) return [];
      const good = report.goodness[i];
      return [{
        trial: i, value: [at[0] + shift(x, i), at[1] + shift(y, i * 7 + 3)],
        symbol: `path://${data.shapes[data.verdicts[trial.verdict].shape]}`,
        symbolSize: special(i) ? 18 : good === null ? 6 : 11,
        itemStyle: { color: good === null ? report.colour("soft") : shade(good), borderWidth: special(i) ? 2.5 : 1,
          borderColor: report.colour(special(i) ? "ink" : "paper") },
      }];
    });
    points.sort((one, two) => special(one.trial) - special(two.trial) // the best and the chosen on top, then by value
      || (report.goodness[one.trial] ?? -1) - (report.goodness[two.trial] ?? -1));
    const series = [hatched(cells), { type: "scatter", z: 2, animation: false, cursor: "pointer", data: points }];
    return { animation: false, grid: { left: 12, right: 24, top: 34, bottom: 40, containLabel: true },
      xAxis: ruler(x, true), yAxis: ruler(y, false), series };
  };

  const { made, draw } = report.chart(holder, build, ["theme", "shown", "chosen"]);
  made.on("mouseover", (event) => {
    const place = event.data.trial;
    const [x, y] = [choices[across.value], choices[up.value]];
    report.tip([report.told(place), ...[x, y].map((axis) =>
      `${axis.name} ${report.setting(axis.value(data.trials[place]))}`)].join("\n"), event.event.event);
  });
  made.on("mouseout", () => report.tip(null));
  made.on("click", (event) => report.choose(event.data.trial));
  [across, up].forEach((select) => select.addEventListener("change", draw));
})();
