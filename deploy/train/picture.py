"""Draws the loss curve of a training run."""

import argparse
import csv
import pathlib

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "keyhold"
matplotlib.rcParams["svg.fonttype"] = "none"

from matplotlib import pyplot  # noqa: E402 (the backend comes first)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True, help="folder of the training run")
    options = parser.parse_args()
    out = pathlib.Path(options.out)
    with open(out / "loss.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    tokens = [int(row["tokens"]) / 1e6 for row in rows]
    lengths = [int(row["length"]) for row in rows]
    figure, axes = pyplot.subplots(figsize=(7.2, 3.6))
    axes.plot(tokens, [float(row["prose"]) for row in rows], label="prose and filler", linewidth=1)
    axes.plot(tokens, [float(row["answers"]) for row in rows], label="answers", linewidth=1)
    for index in range(1, len(rows)):
        if lengths[index] != lengths[index - 1]:
            axes.axvline(tokens[index - 1], color="0.8", linewidth=0.8, zorder=0)
            axes.text(tokens[index - 1], axes.get_ylim()[1], f" {lengths[index]}", fontsize=7, va="top", color="0.4")
    axes.set_xlabel("million tokens (grey: sequence length from here on)")
    axes.set_ylabel("nats per token")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(out / "training-loss.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
