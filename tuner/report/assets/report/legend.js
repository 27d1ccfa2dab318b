/* The verdicts with their line and marker; each is a button that shows or hides its trials everywhere. */
(() => {
  const { data, element, svg } = report;
  const holder = document.getElementById("legend");
  const draw = () => {
    const counts = {};
    data.trials.forEach((trial) => { counts[trial.verdict] = (counts[trial.verdict] || 0) + 1; });
    holder.replaceChildren(...Object.keys(data.verdicts).map((verdict) => {
      const style = data.verdicts[verdict];
      const colour = report.verdictColour(verdict);
      const sample = svg("svg", { viewBox: "0 0 46 12", "aria-hidden": "true" },
        svg("path", { d: "M0 6H34", stroke: colour, "stroke-width": 2.5, "stroke-dasharray": style.dash.join(" ") }),
        svg("path", { d: data.shapes[style.shape], fill: colour, transform: "translate(35 1)" }));
      const button = element("button", {
        type: "button", "aria-pressed": String(!report.hidden.has(verdict)),
        onclick: () => {
          if (!report.hidden.delete(verdict)) report.hidden.add(verdict);
          button.setAttribute("aria-pressed", String(!report.hidden.has(verdict)));
          report.emit("shown");
        },
      }, sample, `${verdict} ${counts[verdict] || 0}`);
      return element("li", {}, button);
    }));
  };
  report.on("theme", draw);
  draw();
})();
