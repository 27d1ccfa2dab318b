"""The Grafana dashboard: whole, about what a sweep publishes and nothing else, and its queries say what they should."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import pytest
import yaml
from dashboard_kit import BOARD, DASHBOARDS, queries

from tuner.launch.metrics import EPOCH_SECONDS, METRICS
from tuner.launch.scraping import FOLDER

RAYS_OWN = {"ray_node_gpus_utilization", "ray_node_gram_used"}
LABELS = 'sweep="digits", run="digits-1"'
DURATIONS = " ".join(f"{bound:g}" for bound in EPOCH_SECONDS)


def test_each_panel_has_what_a_reader_and_grafana_need() -> None:
    panels = BOARD["panels"]
    assert len(panels) >= 12
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["type"] in ("timeseries", "stat")
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["targets"]
        assert panel["type"] == "stat" or panel["options"]["legend"]["showLegend"]
        assert all(target["legendFormat"] and target["expr"] for target in panel["targets"])
        names = [target["refId"] for target in panel["targets"]]
        assert len(set(names)) == len(names)


def test_no_two_panels_lie_over_each_other() -> None:
    places = [panel["gridPos"] for panel in BOARD["panels"]]
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for one, two in combinations(places, 2):
        beside = one["x"] + one["w"] <= two["x"] or two["x"] + two["w"] <= one["x"]
        below = one["y"] + one["h"] <= two["y"] or two["y"] + two["h"] <= one["y"]
        assert beside or below


def test_a_sweep_and_its_runs_are_chosen_above() -> None:
    variables = {item["name"]: item for item in BOARD["templating"]["list"]}
    assert list(variables) == ["datasource", "sweep", "run"]
    assert all(variables[name]["multi"] and variables[name]["includeAll"] for name in ("sweep", "run"))
    assert 'sweep=~"$sweep"' in variables["run"]["definition"]
    own = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"] if "ray_tuner" in target["expr"]]
    assert own
    assert all('sweep=~"$sweep", run=~"$run"' in text for text in own)


def test_the_queries_ask_for_what_is_published_and_leave_nothing_out() -> None:
    named = set(re.findall(r"\bray_\w+", " ".join(query.text for query in queries("1m"))))
    published = {metric.exported + ("_bucket" if metric.kind == "histogram" else "") for metric in METRICS}
    assert named - RAYS_OWN == published


def test_the_page_lists_every_metric() -> None:
    page = (DASHBOARDS / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(ray_tuner_\w+)", page, re.MULTILINE))
    assert listed == {metric.exported for metric in METRICS}


def test_prometheus_looks_where_a_sweep_tells_it() -> None:
    config = yaml.safe_load((DASHBOARDS / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = config["scrape_configs"]
    assert f"../runs/{FOLDER}/*.json" in job["file_sd_configs"][0]["files"]


def test_on_aws_prometheus_finds_the_list_of_nodes_from_where_it_lies() -> None:
    cluster = yaml.safe_load((DASHBOARDS.parent / "cluster.yaml").read_text(encoding="utf-8"))
    assert cluster["file_mounts"]["~/tuner/prometheus.yml"] == "dashboards/prometheus.yml"
    commands = cluster["head_start_ray_commands"]
    assert any("ray start" in line and "--temp-dir=$HOME/ray " in line for line in commands)
    assert any("--config.file=$HOME/tuner/prometheus.yml" in line for line in commands)
    text = (DASHBOARDS / "prometheus.yml").read_text(encoding="utf-8")
    assert "- ../ray/session_latest/prom_metrics_service_discovery.json\n" in text


def test_kubernetes_pods_are_found_by_the_port_that_they_name() -> None:
    monitor = yaml.safe_load((DASHBOARDS / "podmonitor.yaml").read_text(encoding="utf-8"))
    (port,) = [item["port"] for item in monitor["spec"]["podMetricsEndpoints"]]
    path = DASHBOARDS.parent / "deploy" / "kubernetes" / "raycluster.yaml"
    spec = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]
    for group in [spec["headGroupSpec"], *spec["workerGroupSpecs"]]:
        (container,) = group["template"]["spec"]["containers"]
        assert port in {item["name"] for item in container["ports"]}


PLANTED = {
    f"ray_tuner_trials_planned{{{LABELS}}}": "40x60",
    f"ray_tuner_trials_ended{{{LABELS}}}": "10x60",
    f'ray_tuner_trials_by_ending{{{LABELS}, ending="pruned"}}': "7x60",
    f'ray_tuner_trials_by_verdict{{{LABELS}, verdict="overfitting"}}': "3x60",
    f"ray_tuner_trials_running{{{LABELS}}}": "2x60",
    f"ray_tuner_trials_queued{{{LABELS}}}": "1x60",
    f"ray_tuner_trials_paused{{{LABELS}}}": "5x60",
    f'ray_tuner_best_metric{{{LABELS}, metric="val_loss"}}': "-0.25x60",
    f"ray_tuner_epochs_total{{{LABELS}}}": "0+30x60",  # every 15 s: two a second
    f'ray_tuner_epoch_seconds_bucket{{{LABELS}, le="1.0"}}': "0+0x60",
    f'ray_tuner_epoch_seconds_bucket{{{LABELS}, le="3.0"}}': "0+30x60",
    f'ray_tuner_epoch_seconds_bucket{{{LABELS}, le="+Inf"}}': "0+30x60",
    f"ray_tuner_lost_workers{{{LABELS}}}": "4x60",
    f"ray_tuner_tracking_backlog_bytes{{{LABELS}}}": "2048x60",
    f"ray_tuner_driver_busy_seconds_total{{{LABELS}}}": "0+3x60",
    f'ray_tuner_worker_memory_bytes{{{LABELS}, node="aa", WorkerId="1"}}': "100x60",
    f'ray_tuner_worker_memory_bytes{{{LABELS}, node="aa", WorkerId="2"}}': "150x60",
    f'ray_tuner_worker_gpu_memory_bytes{{{LABELS}, node="aa", WorkerId="1"}}': "64x60",
    'ray_node_gpus_utilization{ip="10.0.0.1", GpuIndex="0"}': "87x60",
    'ray_node_gram_used{ip="10.0.0.1", GpuIndex="0"}': "2x60",
}
"""Series as promtool writes them: a value every 15 seconds."""
EXPECTED = {
    "Progress": [25],
    "Best metric": [-0.25],
    "Running trials": [2],
    "Lost workers": [4],
    "Trials by ending": [7],
    "Trials by verdict": [3],
    "Best metric over time": [-0.25],
    "Epochs per second": [2],
    "Seconds per epoch": [2, 2.9],  # half and 95 % of the way from 1 s to 3 s
    "Queue": [2, 1, 5],
    "GPU utilisation": [87],
    "GPU memory": [2 * 2**20, 64],
    "Workers' memory": [250],
    "Tracking backlog": [2048],
    "Lost workers over time": [4],
    "Driver's CPU": [0.2],
}


def labels_of(panel: str, text: str) -> str:
    """What `sum by (…)` and `max by (…)` leave."""
    run = "{" + LABELS.replace('sweep="digits", run="digits-1"', 'run="digits-1", sweep="digits"') + "}"
    extra = {"ending": "pruned", "verdict": "overfitting", "metric": "val_loss", "node": "aa"}
    if "ray_node" in text:
        return '{ip="10.0.0.1", GpuIndex="0"}'
    (kept,) = set(re.findall(r"by \((?:le, )?([\w, ]+)\)", text))
    return run[:-1] + "".join(f', {name}="{extra[name]}"' for name in kept.split(", ") if name in extra) + "}"


def test_each_query_says_of_planted_series_what_was_worked_out_by_hand(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on this machine: Debian's package prometheus has it")
    asked = queries("1m")
    assert sorted({query.panel for query in asked}) == sorted(EXPECTED)
    expected = {panel: iter(values) for panel, values in EXPECTED.items()}
    tests = [
        {
            "expr": query.text,
            "eval_time": "5m",
            "exp_samples": [{"labels": labels_of(query.panel, query.text), "value": next(expected[query.panel])}],
        }
        for query in asked
    ]
    assert all(next(left, None) is None for left in expected.values()), "a query less than values"
    series = [{"series": name, "values": values} for name, values in PLANTED.items()]
    group = {"interval": "15s", "input_series": series, "promql_expr_test": tests}
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"rule_files": [], "evaluation_interval": "15s", "tests": [group]}))
    done = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
