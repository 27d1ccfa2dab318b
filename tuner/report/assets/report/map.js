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

  const build = () => {
    const [x, y] = [choices[across.value], choices[up.value]];
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
    const series = [{ type: "scatter", animation: false, cursor: "pointer", data: points }];
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
