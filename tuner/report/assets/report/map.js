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
      customValues: ticks(axis) },
    axisTick: { customValues: ticks(axis) }, axisLine: { show: true, lineStyle: { color: report.colour("soft") } },
    splitLine: { show: false },
  });
  const ticks = (axis) => {
    if (axis.options) return axis.options.map((_, i) => (axis.options.length === 1 ? 0.5 : i / (axis.options.length - 1)));
    return axis.ticks.length > 1 ? axis.ticks.map((tick) => axis.at(tick)) : [0, 0.25, 0.5, 0.75, 1];
  };

  const build = () => {
    const [x, y] = [choices[across.value], choices[up.value]];
    const shade = report.ramp();
    const series = Object.entries(data.verdicts).map(([verdict, style]) => ({
      type: "scatter", symbol: `path://${data.shapes[style.shape]}`, animation: false, cursor: "pointer",
      data: data.trials.map((trial, i) => [trial, i]).filter(([trial, i]) => trial.verdict === verdict && report.shown(i))
        .map(([trial, i]) => ({ trial: i, good: report.goodness[i], at: [x.at(x.value(trial)), y.at(y.value(trial))] }))
        .filter((point) => point.at[0] !== null && point.at[1] !== null)
        .map((point) => ({
          trial: point.trial, value: [point.at[0] + shift(x, point.trial), point.at[1] + shift(y, point.trial * 7 + 3)],
          symbolSize: point.trial === report.chosen || point.trial === data.best ? 18 : 11,
          itemStyle: {
            color: point.good === null ? "transparent" : shade(point.good),
            borderColor: point.good === null ? report.colour("soft")
              : point.trial === report.chosen || point.trial === data.best ? report.colour("ink") : report.colour("paper"),
            borderWidth: point.trial === report.chosen || point.trial === data.best ? 2.5 : 1,
          },
          z: point.trial === report.chosen ? 5 : 2,
        })),
    }));
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
