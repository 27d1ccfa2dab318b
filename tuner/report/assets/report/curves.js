/* All trials' curves of one metric. Trials of one verdict are one series with gaps, or a thousand would be slow. */
(() => {
  const { data } = report;
  const holder = document.getElementById("curves-chart");
  if (!holder) return;
  const metric = document.getElementById("curves-metric");
  const log = document.getElementById("curves-log");
  const outliers = document.getElementById("curves-outliers");
  const note = document.getElementById("curves-note");
  const points = data.trials.map(() => []); // of the chosen metric: [epoch, value] of what is finite, and gaps
  let range = {}; // of the chosen metric's finite values, and up to where those of trials that did not diverge go

  const epochOf = (trial, at) => (trial.at ? trial.at[at] : at + 1);
  const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

  /* 1, 2 and 5 times the powers of ten in a short range, else every or every other power. */
  const logTicks = (low, high) => {
    const decades = Math.log10(high / low);
    const out = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += decades > 7 ? 2 : 1) {
      for (const factor of decades > 3 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5]) {
        const tick = factor * 10 ** power;
        if (tick >= low && tick <= high) out.push(Number(tick.toPrecision(3)));
      }
    }
    return out;
  };

  const read = () => {
    const place = data.metrics.indexOf(metric.value);
    const all = [];
    const sane = [];
    data.trials.forEach((trial, i) => {
      points[i] = (trial.curves[place] || []).map((value, at) => {
        const finite = typeof value === "number";
        if (finite) (trial.verdict === "diverged" || trial.diverged ? all : sane).push(value);
        return [epochOf(trial, at), finite ? value : null, value];
      });
    });
    sane.sort((one, two) => one - two);
    all.push(...sane);
    const low = all.reduce((one, two) => Math.min(one, two), Infinity);
    const high = all.reduce((one, two) => Math.max(one, two), -Infinity);
    let most = sane.length > 1 ? quantile(sane, 0.98) : high;
    if (!(high - low > 2 * (most - low)) || !(most > low)) most = high;
    const epochs = points.flatMap((curve) => (curve.length ? [curve[0][0], curve[curve.length - 1][0]] : []));
    const first = epochs.reduce((one, two) => Math.min(one, two), Infinity);
    const last = epochs.reduce((one, two) => Math.max(one, two), first + 1);
    range = { low, high, most, first, last, empty: all.length === 0, cuts: most < high };
    holder.hidden = range.empty;
    outliers.parentElement.hidden = !range.cuts;
    const positive = low > 0 && all.length > 0;
    if (!log.dataset.touched) log.checked = positive && most / low > 30;
    log.disabled = !positive;
    if (!positive) log.checked = false;
  };

  const build = () => {
    const ink = report.colour("soft");
    const faint = report.colour("chart-line");
    const many = data.trials.length > 150;
    const series = [];
    const room = log.checked ? range.most * (range.most / range.low) ** 0.12 : range.most + 0.12 * (range.most - range.low);
    const top = range.cuts && !outliers.checked && room < range.high ? Number(room.toPrecision(2)) : undefined;
    const chosen = report.chosen;
    const ticks = log.checked ? { customValues: logTicks(range.low / 1.1, top ?? range.high * 1.1) } : {};
    for (const [verdict, style] of Object.entries(data.verdicts).reverse()) { // unknown below, healthy on top
      const line = [];
      const ends = [];
      data.trials.forEach((trial, i) => {
        if (trial.verdict !== verdict || !report.shown(i) || !points[i].length) return;
        for (const [epoch, value] of points[i]) line.push([epoch, value]);
        line.push([points[i][points[i].length - 1][0], null]);
        const last = points[i].filter((point) => point[1] !== null).pop();
        if (last) ends.push({ value: [last[0], top !== undefined ? Math.min(last[1], top) : last[1]], trial: i });
      });
      const colour = report.verdictColour(verdict);
      series.push({
        type: "line", data: line, showSymbol: false, silent: true, animation: false, connectNulls: false, z: 2,
        lineStyle: { color: colour, width: many ? 1 : 1.6, type: style.dash.length ? style.dash : "solid",
          opacity: chosen !== null ? 0.22 : many ? 0.55 : 0.85 },
      }, {
        type: "scatter", data: ends, symbol: `path://${data.shapes[style.shape]}`, symbolSize: many ? 7 : 10, z: 3,
        animation: false, itemStyle: { color: colour, opacity: chosen !== null ? 0.35 : 1 }, cursor: "pointer",
      });
    }
    if (chosen !== null && points[chosen].length) series.push(...highlight(chosen, top));
    note.textContent = [
      range.empty ? `No trial has a finite ${metric.value}.` : "",
      data.units[data.metrics.indexOf(metric.value)] ? `${metric.value}: ${data.units[data.metrics.indexOf(metric.value)]}.` : "",
      top !== undefined ? `Cut off at ${report.number(top)}; the largest value is ${report.number(range.high)}.` : "",
      data.thinnedTo ? `Curves are thinned to ${data.thinnedTo} points each.` : "",
    ].join(" ");
    return {
      animation: false,
      aria: { enabled: false },
      grid: { left: 8, right: 20, top: 30, bottom: 34, containLabel: true },
      xAxis: { type: "value", name: "epoch", nameLocation: "middle", nameGap: 26, min: range.first, max: range.last,
        minInterval: 1, axisLabel: { color: ink }, nameTextStyle: { color: ink }, axisLine: { lineStyle: { color: ink } },
        splitLine: { show: false } },
      yAxis: { type: log.checked ? "log" : "value", name: log.checked ? `${metric.value}, logarithmic` : metric.value,
        max: top ?? (log.checked ? range.high * 1.1 : undefined), min: log.checked ? range.low / 1.1 : undefined, scale: true,
        axisLabel: { color: ink, formatter: (value) => report.number(value, 3), hideOverlap: true,
          showMaxLabel: log.checked || top === undefined, ...ticks },
        axisTick: ticks, nameTextStyle: { color: ink, align: "left" },
        splitLine: { lineStyle: { color: faint } } },
      series,
    };
  };

  /* The chosen trial: its curve in full, where its value was taken, and where each finding begins. */
  const highlight = (place, top) => {
    const trial = data.trials[place];
    const colour = report.verdictColour(trial.verdict);
    const marks = (trial.findings || []).filter((finding) => finding.since !== null).map((finding) => ({
      xAxis: finding.since, label: { formatter: () => finding.symptom },
    }));
    const best = points[place].find((point) => point[0] === trial.best && point[1] !== null);
    return [{
      type: "line", data: points[place].map((point) => [point[0], point[1]]), symbol: "circle", symbolSize: 5, z: 6,
      showSymbol: points[place].length < 60, silent: true, animation: false, itemStyle: { color: colour },
      lineStyle: { color: colour, width: 3, type: data.verdicts[trial.verdict].dash.length
        ? data.verdicts[trial.verdict].dash : "solid" },
      markLine: { symbol: "none", silent: true, data: marks, animation: false, lineStyle: { color: report.colour("ink"),
        type: "dashed" }, label: { color: report.colour("ink"), position: "insideEndTop" } },
    }, {
      type: "scatter", data: best ? [[best[0], top !== undefined ? Math.min(best[1], top) : best[1]]] : [], z: 7,
      symbol: "circle", symbolSize: 14, silent: true, animation: false,
      itemStyle: { color: "transparent", borderColor: report.colour("ink"), borderWidth: 2 },
    }];
  };

  /* The trial whose curve passes nearest to the pointer, within 14 pixels. */
  const nearest = (chart, x, y) => {
    if (!chart.containPixel({ gridIndex: 0 }, [x, y])) return null;
    const epoch = Math.round(chart.convertFromPixel({ gridIndex: 0 }, [x, y])[0]);
    let found = null;
    let distance = 14;
    data.trials.forEach((trial, i) => {
      if (!report.shown(i)) return;
      const at = trial.at ? trial.at.indexOf(epoch) : epoch - 1;
      const point = points[i][at];
      if (!point || point[1] === null) return;
      const [px, py] = chart.convertToPixel({ gridIndex: 0 }, [point[0], point[1]]);
      const gap = Math.hypot((px - x) / 3, py - y);
      if (gap < distance) [found, distance] = [{ trial: i, point }, gap];
    });
    return found;
  };

  data.metrics.forEach((name) => metric.append(report.element("option", { value: name }, name)));
  if (!data.metrics.length) {
    note.textContent = "No trial has reported an epoch.";
    holder.hidden = true;
    return;
  }
  read();
  const { made, draw } = report.chart(holder, build, ["theme", "shown", "chosen"]);
  made.getZr().on("mousemove", (event) => {
    const found = nearest(made, event.offsetX, event.offsetY);
    report.tip(found && `${report.told(found.trial)}\nepoch ${found.point[0]}: ${metric.value} ${report.number(found.point[1])}`,
      event.event);
    holder.style.cursor = found ? "pointer" : "default";
  });
  made.getZr().on("globalout", () => report.tip(null));
  made.getZr().on("click", (event) => {
    const found = nearest(made, event.offsetX, event.offsetY);
    report.choose(found ? found.trial : null);
  });
  metric.addEventListener("change", () => { delete log.dataset.touched; read(); draw(); });
  outliers.addEventListener("change", () => draw());
  log.addEventListener("change", () => { log.dataset.touched = "yes"; draw(); });
})();
