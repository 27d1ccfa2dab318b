/* Parameters and value as parallel axes: a line a trial, the darker the better. A range marked on an axis filters. */
(() => {
  const { data, axes } = report;
  const holder = document.getElementById("parallel-chart");
  if (!holder) return;
  const drawn = axes.parameters.filter((axis) => axis.varies).slice(0, 11);
  if (axes.value) drawn.push(axes.value);
  if (drawn.length < 2 || !data.trials.length) {
    document.getElementById("parallel-note").textContent = "Fewer than two things vary in this sweep: nothing to set side by side.";
    holder.hidden = true;
    document.getElementById("parallel-tools").hidden = true;
    return;
  }
  const rows = data.trials.map((trial) => drawn.map((axis) => axis.at(axis.value(trial)) ?? axes.OFF));
  const hasOff = drawn.map((axis, i) => rows.some((row) => row[i] === axes.OFF));
  const order = data.trials.map((trial, i) => i).sort((one, two) => (report.goodness[one] ?? -1) - (report.goodness[two] ?? -1));
  let drawnOrder = [];
  let marked = {}; // axis -> marked ranges, kept over redraws

  const lines = () => {
    const shade = report.ramp();
    const many = data.trials.length > 150;
    drawnOrder = order.filter((i) => report.shown(i) && i !== report.chosen);
    if (report.chosen !== null) drawnOrder.push(report.chosen);
    return drawnOrder.map((i) => {
      const good = report.goodness[i];
      const special = i === report.chosen || i === data.best;
      return {
        value: rows[i],
        lineStyle: {
          color: i === report.chosen ? report.verdictColour(data.trials[i].verdict) : good === null ? report.colour("worst") : shade(good),
          width: special ? 3.5 : good !== null && good > 0.9 ? 1.8 : 1,
          opacity: special ? 1 : report.chosen !== null ? 0.25 : many ? 0.15 + 0.6 * (good ?? 0) ** 4 : 0.8,
          type: good === null ? [3, 3] : "solid",
        },
      };
    });
  };

  const build = (width = holder.clientWidth, height = holder.clientHeight) => {
    const upright = width < 640; // on a narrow screen the axes lie on top of each other
    const ink = report.colour("soft");
    return {
      animation: false,
      parallel: upright
        ? { layout: "vertical", left: 44, right: 40, top: 34, bottom: 30 }
        : { layout: "horizontal", left: 12, right: 64, top: 46, bottom: 34 },
      parallelAxis: drawn.map((axis, i) => ({
        dim: i, type: "value", min: hasOff[i] ? axes.OFF : 0, max: 1, name: upright ? "" : axis.name,
        nameLocation: "end", nameGap: 14, nameTruncate: { maxWidth: (width - 120) / (drawn.length - 1) - 8 },
        nameTextStyle: { color: report.colour("ink"), lineHeight: 15, textBorderColor: report.colour("paper"), textBorderWidth: 3,
          align: i === drawn.length - 1 ? "right" : i === 0 ? "left" : "center" },
        axisLine: { lineStyle: { color: ink } }, axisTick: { show: false }, minorTick: { show: false },
        axisLabel: { color: report.colour("ink"), fontSize: 11, hideOverlap: true, showMinLabel: true, showMaxLabel: true,
          textBorderColor: report.colour("paper"), textBorderWidth: 3,
          customValues: hasOff[i] ? [axes.OFF, ...axis.ticks] : axis.ticks,
          formatter: (share) => (share < -0.01 ? axis.off : axis.label(share).slice(0, 24)) },
        areaSelectStyle: { width: 22, borderColor: report.colour("accent"), color: report.colour("accent"), opacity: 0.25 },
      })),
      graphic: upright ? drawn.map((axis, i) => ({ // ECharts would write the name onto the axis
        type: "text", silent: true, z: 10, right: 40, top: 34 + (i * (height - 64)) / (drawn.length - 1) - 16,
        style: { text: axis.name.slice(0, 44), fill: report.colour("ink"), stroke: report.colour("paper"), lineWidth: 3,
          font: "12px sans-serif" },
      })) : [],
      series: [{ type: "parallel", data: lines(), smooth: false, animation: false, silent: false,
        inactiveOpacity: 0.04, activeOpacity: 1, lineStyle: { width: 1 }, progressive: 0 }],
    };
  };

  const { made } = report.chart(holder, build, ["theme"]);
  const refill = () => made.setOption({ series: [{ data: lines() }] });
  let own = false; // our own brush has just told everyone else: the lines stay as they are
  report.on("shown", () => { if (!own) refill(); });
  report.on("chosen", refill);

  made.on("axisareaselected", (event) => {
    for (const change of event.batch || [event]) marked[change.parallelAxisId] = change.intervals || [];
    const ranges = drawn.map((axis, i) => {
      const component = made.getModel().getComponent("parallelAxis", i);
      return component.activeIntervals || [];
    });
    const any = ranges.some((list) => list.length);
    const inside = new Set(data.trials.map((trial, i) => i).filter((i) =>
      ranges.every((list, axis) => !list.length || list.some(([low, high]) => rows[i][axis] >= low && rows[i][axis] <= high))));
    own = true;
    report.brush(any ? inside : null);
    own = false;
    document.getElementById("parallel-clear").hidden = !any;
  });
  document.getElementById("parallel-clear").addEventListener("click", (event) => {
    event.currentTarget.hidden = true;
    marked = {};
    report.brush(null);
    made.setOption(build(), { notMerge: true });
  });
  made.on("mouseover", (event) => {
    if (event.componentType !== "series") return;
    report.tip(report.told(drawnOrder[event.dataIndex]), event.event.event);
  });
  made.on("mouseout", () => report.tip(null));
  made.on("click", (event) => { if (event.componentType === "series") report.choose(drawnOrder[event.dataIndex]); });
})();
