"""Draws what measure.py measured: plot.py RESULTS PICTURES

Writes speed-ratios.svg and speed-growth.svg to the folder PICTURES, copies the results' JSON there as
benchmarks/NAME.json without the folders of files, and prints the table of ratios in Markdown. Needs matplotlib.
"""

import json
import pathlib
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

# What a comparison is to reach at least, by model and work; times to first token at most.
GOALS = {
    ("smol135m-q8_0", "prefill 512"): 2.0,
    ("llama1b-q4_k_m", "prefill 512"): 1.7,
    ("llama1b-q4_0", "decode at depth 0"): 1.2,
    ("llama1b-q4_k_m", "decode at depth 0"): 1.05,
    ("smol135m-q8_0", "decode at depth 0"): 1.6,
    ("llama1b-q4_0", "decode at depth 8192"): 2.0,
    ("smol135m-q8_0", "decode at depth 8192"): 2.5,
    ("llama1b-q4_0", "batch of 8"): 3.0,
    ("smol135m-q8_0", "batch of 16"): 5.0,
    ("smol135m-q8_0", "new tokens, server, 8 clients"): 4.0,
    ("story15m-q8_0", "one-token completions, 4 connections"): 3.0,
}
OWN, PEER = "#0072b2", "#8a8a8a"


def load(folder, name):
    path = folder / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def compared(folder):
    """(model, work, unit, own, peer, ratio, limit share) of every compared quantity; a figure is (median, min, max)."""
    rows = []
    for path in sorted(folder.glob("compare-*.json")):
        # Several runs of one model are compare-MODEL.json, compare-MODEL.2.json, …
        model = path.stem.removeprefix("compare-").split(".")[0]
        results = json.loads(path.read_text())["results"]
        for own, peer, ratio in zip(results[0::3], results[1::3], results[2::3]):
            work = own["parameters"]["work"]
            quantity = own["name"].removeprefix("keyhold").strip()
            if quantity not in ("", "rate"):
                work = f"{quantity}, {work}"
            figures = [(row["median"], row["min"], row["max"]) for row in (own, peer, ratio)]
            rows.append((model, work, own["unit"], *figures, own.get("share")))
    return rows


def table(rows):
    lines = [
        "| model | work | keyhold | llama.cpp | ratio (min to max) | at least | of the limit |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for model, work, unit, own, peer, ratio, share in rows:
        goal = GOALS.get((model, work))
        lines.append(
            f"| {model} | {work} | {own[0]:.4g} {unit} | {peer[0]:.4g} | {ratio[0]:.2f} "
            f"({ratio[1]:.2f} to {ratio[2]:.2f}) | {f'{goal:g}' if goal else ''} | "
            f"{f'{100 * share:.0f} %' if share else ''} |")
    return "\n".join(lines)


def ratios(rows, path):
    rows = [row for row in rows if row[2] in ("tokens/s", "requests/s")]
    figure, axes = plt.subplots(figsize=(8.2, 0.42 * len(rows) + 1.2))
    for place, (model, work, _, _, _, ratio, _) in enumerate(rows):
        median, low, high = ratio
        axes.barh(place, median, color=OWN, height=0.62, xerr=[[median - low], [high - median]], ecolor="#222222")
        goal = GOALS.get((model, work))
        if goal:
            axes.plot([goal, goal], [place - 0.4, place + 0.4], color="#d55e00", linewidth=2)
    axes.axvline(1, color=PEER, linewidth=1)
    axes.set_yticks(range(len(rows)), [f"{model}, {work}" for model, work, *_ in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("times llama.cpp (bar: median; line: range; orange: wanted)")
    # One bad turn of the peer must not squeeze all others.
    axes.set_xlim(0, 1.1 * max(max(row[5][0], GOALS.get(row[:2], 0)) for row in rows))
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path)


def growth(folder, path):
    figure, ((depth, batch), (prompt, idle)) = plt.subplots(2, 2, figsize=(8.2, 6.2))
    panels = [
        (depth, "growth-depth", "depth", "tokens in the cache", "ms per step", 1),
        (batch, "growth-batch", "sequences", "sequences in the batch", "ms per step", None),
        (prompt, "growth-prefill", "tokens", "tokens of the prompt", "s per prompt", None),
    ]
    for axes, name, key, label, unit, count in panels:
        report = load(folder, name)
        if report is None:
            continue
        xs = [row["parameters"][key] for row in report["results"]]
        scale = 1e3 if unit.startswith("ms") else 1
        def seconds(x, rate):
            return scale * (count or x) / rate
        axes.errorbar(
            xs, [seconds(x, row["median"]) for x, row in zip(xs, report["results"])],
            yerr=[
                [seconds(x, row["median"]) - seconds(x, row["p75"]) for x, row in zip(xs, report["results"])],
                [seconds(x, row["p25"]) - seconds(x, row["median"]) for x, row in zip(xs, report["results"])],
            ], color=OWN, marker="o", markersize=4, label="keyhold")
        axes.plot(
            xs, [seconds(x, row["limit"]) for x, row in zip(xs, report["results"])], color=PEER, linestyle="--",
            label="the machine's limit")
        axes.set_xlabel(label)
        axes.set_ylabel(unit)
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
    rows, sessions = ((load(folder, name) or {}).get("results") for name in ("growth-idle", "growth-sessions"))
    if rows and sessions:
        xs = [row["idle_connections"] for row in rows]
        idle.plot(
            xs, [1e3 * row["median_seconds"] for row in rows], color=OWN, marker="o", markersize=4, label="connections")
        idle.plot(
            [row["idle_sessions"] for row in sessions], [1e3 * row["median_seconds"] for row in sessions], color=PEER,
            marker="s", markersize=4, label="sessions")
        idle.legend(frameon=False)
        idle.set_xscale("log")
        idle.set_xlabel("idle connections or sessions")
        idle.set_ylabel("ms per one-token completion")
        idle.set_ylim(0, 1.3 * idle.get_ylim()[1])
    depth.legend(frameon=False, fontsize=8)
    for axes in (depth, batch, prompt, idle):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path)


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    results, pictures = map(pathlib.Path, sys.argv[1:])
    # The same results give the same bytes.
    plt.rcParams.update({"svg.hashsalt": "keyhold", "font.size": 9})
    rows = compared(results)
    if rows:
        ratios(rows, pictures / "speed-ratios.svg")
        print(table(rows))
    growth(results, pictures / "speed-growth.svg")
    (pictures / "benchmarks").mkdir(exist_ok=True)
    for path in results.glob("*.json"):
        report = json.loads(path.read_text())
        report["command"] = [pathlib.Path(word).name if word.startswith("/") else word for word in report["command"]]
        (pictures / "benchmarks" / path.name).write_text(json.dumps(report, indent=1) + "\n")


main()
