/* Where a configuration's value lies on an axis from 0 to 1, and back: shared by the parallel axes and the map. */
report.axes = (() => {
  const { data } = report;
  const OFF = -0.16; // where "not active" and "no value" lie

  const numeric = (values, log, low, high, whole = false) => {
    const finite = values.filter((value) => typeof value === "number");
    const from = low ?? Math.min(...finite);
    const to = high ?? Math.max(...finite);
    const lower = Math.min(from, ...finite);
    const upper = Math.max(to, ...finite);
    const useLog = log && lower > 0 && upper > lower;
    const [start, end] = useLog ? [Math.log(lower), Math.log(upper)] : [lower, upper];
    const width = end - start || 1;
    const ticks = [];
    if (!useLog && upper > lower) {
      const rough = (upper - lower) / 5;
      const ten = 10 ** Math.floor(Math.log10(rough));
      const nice = ten * [1, 2, 5, 10].find((factor) => factor * ten >= rough * 0.999);
      const step = whole ? Math.max(1, nice) : nice;
      for (let tick = Math.ceil(lower / step - 1e-9); tick * step <= upper + 1e-9 * step; tick += 1) ticks.push(tick * step);
    }
    if (useLog) {
      const decades = Math.log10(upper / lower);
      for (let power = Math.ceil(Math.log10(lower) - 1e-9); power <= Math.log10(upper) + 1e-9; power += 1) {
        if (decades < 7 || power % 2 === 0) ticks.push(10 ** power);
        if (decades < 2) for (const factor of [2, 5]) if (factor * 10 ** power < upper) ticks.push(factor * 10 ** power);
      }
    }
    return {
      ticks: ticks.length > 1 ? ticks.map((tick) => ((useLog ? Math.log(tick) : tick) - start) / width) : [0, 1],
      at: (value) => (typeof value !== "number" ? null : end === start ? 0.5
        : ((useLog ? Math.log(value) : value) - start) / width),
      back: (share) => (useLog ? Math.exp(start + share * width) : start + share * width),
      label(share) { return report.number(this.back(share), 3); },
    };
  };

  const choice = (options) => {
    const place = new Map(options.map((option, i) => [JSON.stringify(option), i]));
    const last = Math.max(1, options.length - 1);
    return {
      options,
      ticks: options.map((_, i) => (options.length === 1 ? 0.5 : i / last)),
      interval: 1 / last,
      at: (value) => {
        if (value === undefined || !place.has(JSON.stringify(value))) return null;
        return options.length === 1 ? 0.5 : place.get(JSON.stringify(value)) / last;
      },
      label: (share) => {
        const at = options.length === 1 ? (Math.abs(share - 0.5) < 0.01 ? 0 : -1) : share * last;
        return Math.abs(at - Math.round(at)) < 0.01 && options[Math.round(at)] !== undefined
          ? report.setting(options[Math.round(at)]) : "";
      },
    };
  };

  const parameters = data.parameters.map((parameter) => {
    const values = data.trials.map((trial) => trial.config[parameter.name]);
    const scale = parameter.kind === "number"
      ? numeric(values, parameter.log, parameter.low, parameter.high, parameter.whole) : choice(parameter.options);
    return { ...parameter, ...scale, value: (trial) => trial.config[parameter.name], off: "not active" };
  });

  /* The sweep's value as an axis; what lies far outside (diverged trials) is held at its end. */
  const value = (() => {
    const all = data.trials.filter((trial) => trial.value !== null);
    if (!all.length) return null;
    const sane = all.filter((trial) => !trial.diverged);
    const values = (sane.length > 1 ? sane : all).map((trial) => trial.value).sort((one, two) => one - two);
    const ends = all.reduce(([low, high], trial) => [Math.min(low, trial.value), Math.max(high, trial.value)], [Infinity, -Infinity]);
    const worst = data.mode === "min" ? Math.floor(0.95 * (values.length - 1)) : Math.ceil(0.05 * (values.length - 1));
    const [low, high] = data.mode === "min" ? [values[0], values[worst]] : [values[worst], values[values.length - 1]];
    const kept = values.filter((one) => one >= low && one <= high);
    const scale = numeric(kept, low > 0 && high / low > 20, low, high);
    const cut = data.mode === "min" ? high < ends[1] : low > ends[0];
    return {
      name: data.metric, kind: "number", varies: true, off: "no value", cut, ...scale, value: (trial) => trial.value,
      at: (one) => (one === null ? null : Math.min(1, Math.max(0, scale.at(one)))),
    };
  })();

  return { parameters, value, OFF };
})();
