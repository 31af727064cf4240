#!/usr/bin/env python3
"""What was compared with what: versions.py --keyhold KEYHOLD [--llama FOLDER], as JSON on standard output."""
import argparse
import importlib.metadata
import json
import pathlib
import platform
import re
import subprocess


def first_line(command):
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout + done.stderr).strip().split("\n")[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keyhold", required=True)
    parser.add_argument("--llama")
    arguments = parser.parse_args()
    found = {"keyhold": first_line([arguments.keyhold, "--version"]),
             "commit": first_line(["git", "rev-parse", "--short", "HEAD"]), "python": platform.python_version()}
    for line in (pathlib.Path(__file__).parent / "requirements.txt").read_text().split():
        name = line.split("==")[0]
        found[name] = importlib.metadata.version(name)
    if arguments.llama:
        done = subprocess.run([f"{arguments.llama}/llama-server", "--version"], capture_output=True, text=True)
        version = re.search(r"version: (.*)", done.stdout + done.stderr)
        found["llama.cpp"] = version.group(1) if version else "unknown"
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
