#!/usr/bin/env python3
"""Compares `keyhold tokenize` and `keyhold detokenize` with the reference implementations.

    python3 -m venv .venv && .venv/bin/pip install -r deploy/parity/requirements.txt
    swift build -c release --product keyhold
    .venv/bin/python deploy/parity/compare_tokenizers.py --shared ../shared/tokenizers --json parity.json --table parity.md

Every vocabulary gets the same number of strings, random and adversarial, a function of the seed. All go through one
process. `--only TEXT …` takes the vocabularies whose name contains one of them, `--vectors FOLDER` writes the small form
that the Swift tests read.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import texts
import trained_vocabularies
import vocabularies

ROOT = pathlib.Path(__file__).parents[2]
# Small files of our own that the Swift tests read, with some strings each.
FIXTURES = ["unigram (", "unigram-bytes (", "merges (", "wordpiece (", "unigram-precompiled (", "falcon-like (",
            "stripped (", "nfkc (", "metaspace-first-bytes (", "metaspace-always-split ("]


def keyhold(program, command, vocabulary, lines, options=()):
    """The answers of one process to many lines."""
    arguments = [program, command, "--model", vocabulary.path, "--lines-json", *vocabulary.options, *options]
    done = subprocess.run(arguments, input="".join(line + "\n" for line in lines).encode(), capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.decode()}")
    return done.stdout.decode().removesuffix("\n").split("\n")


def compare(program, vocabulary, count, decoded, seed):
    """Differences in ids and in decoded text; the first few are kept."""
    started = time.time()
    strings = texts.Texts(seed, vocabulary.specials, vocabulary.pieces, vocabulary.excluded).list(count)
    result = {"vocabulary": vocabulary.name, "reference": vocabulary.reference, "strings": 0, "differences": 0,
              "decoded": 0, "decodedDifferences": 0, "note": vocabulary.note, "examples": []}
    share = max(1, len(strings) // len(vocabulary.modes))
    for place, parse in enumerate(vocabulary.modes):
        part = strings[place * share:(place + 1) * share]
        wanted = vocabulary.encode(part, parse)
        answers = keyhold(program, "tokenize", vocabulary, [json.dumps(text) for text in part],
                          ["--parse-special"] if parse else [])
        found = [[int(word) for word in answer.split()] for answer in answers]
        if len(found) != len(part):
            raise RuntimeError(f"{vocabulary.name}: {len(found)} answers to {len(part)} strings")
        for text, ids, expected in zip(part, found, wanted):
            result["strings"] += 1
            if ids != list(expected):
                result["differences"] += 1
                if len(result["examples"]) < 5:
                    result["examples"].append({"text": text, "parse": parse, "found": ids, "expected": list(expected)})
        if vocabulary.decode and decoded:
            lists = [list(ids) for ids in wanted[:decoded // len(vocabulary.modes)]]
            answers = keyhold(program, "detokenize", vocabulary, [" ".join(map(str, ids)) for ids in lists])
            for ids, answer, expected in zip(lists, answers, vocabulary.decode(lists)):
                if expected is None:
                    continue
                result["decoded"] += 1
                if json.loads(answer) != expected:
                    result["decodedDifferences"] += 1
                    if len(result["examples"]) < 5:
                        result["examples"].append({"ids": ids, "found": json.loads(answer), "expected": expected})
    result["seconds"] = round(time.time() - started, 1)
    return result


def table(results):
    lines = ["| vocabulary | reference | strings | differences | decoded | differences |", "|---|---|---|---|---|---|"]
    for row in results:
        note = f" ({row['note']})" if row["note"] else ""
        decoded = f"{row['decoded']:,} | {row['decodedDifferences']:,}" if row["decoded"] else " | "
        lines.append(f"| {row['vocabulary']}{note} | {row['reference']} | {row['strings']:,} | {row['differences']:,} | "
                     f"{decoded} |")
    return "\n".join(lines) + "\n"


def write_vectors(folder, vocabulary, seed):
    """A fixture: the vocabulary's file and some strings with the reference's ids."""
    name = vocabulary.path.rsplit("/", 1)[-1]
    cases = []
    for parse in vocabulary.modes:
        strings = texts.Texts(seed + parse, vocabulary.specials, vocabulary.pieces, vocabulary.excluded).list(150)
        strings = ["", " ", "  Hello  world ", "\u00bd \ufb01 e\u0301 \uff21\u3000x\u0000y"] + strings
        cases += [{"text": text, "special": parse, "ids": list(ids)}
                  for text, ids in zip(strings, vocabulary.encode(strings, parse))]
    path = pathlib.Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    (path / name).write_bytes(pathlib.Path(vocabulary.path).read_bytes())
    lines = ",\n".join(json.dumps(case, ensure_ascii=True, separators=(",", ":")) for case in cases)
    (path / f"{name}.cases.json").write_text(
        f'{{"reference": "{vocabulary.reference}", "seed": {seed}, "cases": [\n{lines}\n]}}\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keyhold", default=str(ROOT / ".build/release/keyhold"))
    parser.add_argument("--shared", default=str(ROOT / "../shared/tokenizers"))
    parser.add_argument("--strings", type=int, default=100_000)
    parser.add_argument("--decoded", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[""])
    parser.add_argument("--json")
    parser.add_argument("--table")
    parser.add_argument("--vectors")
    options = parser.parse_args()
    results, failed = [], False
    with tempfile.TemporaryDirectory() as folder:
        for source in (vocabularies.shared(options.shared), trained_vocabularies.trained(folder)):
            for vocabulary in source:
                if options.vectors and vocabulary.name.startswith(tuple(FIXTURES)):
                    write_vectors(options.vectors, vocabulary, options.seed)
                if options.vectors or not any(part in vocabulary.name for part in options.only):
                    continue
                try:
                    result = compare(options.keyhold, vocabulary, options.strings, options.decoded, options.seed)
                except RuntimeError as error:
                    print(f"{vocabulary.name}: {error}", flush=True)
                    failed = True
                    continue
                results.append(result)
                print(f"{result['vocabulary']}: {result['differences']} of {result['strings']}, decoded "
                      f"{result['decodedDifferences']} of {result['decoded']}, {result['seconds']} s", flush=True)
                for example in result["examples"]:
                    print("   ", json.dumps(example), flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=1) + "\n")
    if options.table:
        pathlib.Path(options.table).write_text(table(results))
    return 1 if failed or any(row["differences"] or row["decodedDifferences"] for row in results) else 0


if __name__ == "__main__":
    sys.exit(main())
