/* The chosen trial: its configuration, what was found and what to change, how it ended. */
(() => {
  const { data, element, number, setting } = report;
  const panel = document.getElementById("trial");
  let opener = null;

  const remedyText = (remedy) => {
    const from = remedy.from !== undefined && remedy.from !== null ? ` from ${setting(remedy.from)}` : "";
    const to = remedy.to !== undefined && remedy.to !== null ? ` to ${setting(remedy.to)}` : "";
    return `${remedy.change}${from}${to}${remedy.because ? `: ${remedy.because}` : ""}${remedy.source ? ` [${remedy.source}]` : ""}`;
  };
  const findingItem = (finding) => element("li", {},
    element("b", {}, finding.symptom),
    ` (${Math.round(finding.sure * 100)} % sure${finding.since !== null ? `, since epoch ${finding.since}` : ""}): ${finding.says}`,
    element("div", { class: "soft" }, finding.evidence),
    element("ul", {}, ...finding.remedies.map((place) => element("li", {}, remedyText(data.remedies[place])))));
  const close = () => {
    report.choose(null);
    if (opener && opener.isConnected) opener.focus();
  };

  const fill = (trial) => {
    const value = trial.value === null ? `no finite ${data.metric}` : `${data.metric} ${number(trial.value)} at epoch ${trial.best}`;
    const parts = [
      element("header", {}, element("h2", {}, `Trial ${trial.name}`),
        element("button", { type: "button", onclick: close, "aria-label": "Close this trial" }, "Close")),
      element("p", {}, report.verdictLabel(trial.verdict), `, ${trial.ending || "running"}, ${value}; ${trial.epochs} of ${data.maxEpochs} epochs in ${report.seconds(trial.seconds)}${trial.repeated ? `, ${trial.repeated} of them trained twice` : ""}`),
    ];
    if (data.reasons[trial.reason]) parts.push(element("p", {}, data.reasons[trial.reason]));
    if (trial.note) parts.push(element("p", { class: "soft" }, trial.note));
    if (trial.findings) parts.push(element("h3", {}, "Findings"), element("ul", { class: "findings" }, ...trial.findings.map(findingItem)));
    parts.push(element("h3", {}, `Configuration, by ${trial.origin}`), element("dl", { class: "settings" },
      ...Object.entries(trial.config).flatMap(([name, one]) => [element("dt", {}, name), element("dd", {}, setting(one))])));
    if (trial.rungs) parts.push(element("h3", {}, "Rungs"), element("ul", {}, ...trial.rungs.map(([epoch, one, up, why]) =>
      element("li", {}, `epoch ${epoch}, ${data.metric} ${number(one)}: ${up ? "went on" : "stopped"}, ${data.reasons[why]}`))));
    if (trial.node) parts.push(element("p", { class: "soft" }, `ran on ${trial.node}`));
    if (trial.traceback !== undefined) parts.push(element("h3", {}, "Traceback"), element("pre", { tabindex: "0" }, data.tracebacks[trial.traceback]));
    panel.replaceChildren(...parts);
  };
  report.on("chosen", () => {
    const open = report.chosen !== null;
    if (open && panel.hidden) opener = document.activeElement;
    panel.hidden = !open;
    if (open) { fill(data.trials[report.chosen]); panel.scrollTop = 0; }
  });
  report.on("theme", () => { if (report.chosen !== null) fill(data.trials[report.chosen]); });
  addEventListener("keydown", (event) => { if (event.key === "Escape" && !panel.hidden) close(); });
  document.querySelectorAll("[data-trial]").forEach((button) => button.addEventListener("click", () => {
    report.choose(data.trials.findIndex((trial) => trial.name === button.dataset.trial));
  }));
})();
