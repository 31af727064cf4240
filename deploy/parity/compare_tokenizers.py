#!/usr/bin/env python3
"""Compares `keyhold tokenize` and `keyhold detokenize` with the reference implementations.

    python3 -m venv .venv && .venv/bin/pip install -r deploy/parity/requirements.txt
    swift build -c release --product keyhold
    .venv/bin/python deploy/parity/compare_tokenizers.py --shared ../shared/tokenizers --json parity.json --table parity.md

Every vocabulary gets the same number of strings, random and adversarial, a function of the seed, then every assigned
character once, then two long texts. All go through one process. `--only TEXT …` takes the vocabularies whose name contains one of them, `--vectors FOLDER` writes the small form
that the Swift tests read.
"""

import argparse
import concurrent.futures
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
FIXTURES = ["unigram (", "unigram-ties (", "unigram-bytes (", "merges (", "wordpiece (", "unigram-precompiled (", "falcon-like (",
            "stripped (", "nfkc (", "metaspace-first-bytes (", "metaspace-always-split ("]


def keyhold(program, command, vocabulary, lines, options=()):
    """The answers of one process to many lines."""
    arguments = [program, command, "--model", vocabulary.path, "--lines-json", *vocabulary.options, *options]
    done = subprocess.run(arguments, input="".join(line + "\n" for line in lines).encode(), capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.decode()}")
    return done.stdout.decode().removesuffix("\n").split("\n")


def compare(program, vocabulary, count, decoded, seed):
    """Differences in ids and in decoded text; the first few are kept. `program` works beside the reference."""
    started = time.time()
    source = texts.Texts(seed, vocabulary.specials, vocabulary.pieces, vocabulary.excluded)
    strings = source.list(count)
    result = {"vocabulary": vocabulary.name, "reference": vocabulary.reference, "strings": 0, "differences": 0,
              "decoded": 0, "decodedDifferences": 0, "note": vocabulary.note, "examples": []}
    share = max(1, len(strings) // len(vocabulary.modes))
    parts = [strings[place * share:(place + 1) * share] for place in range(len(vocabulary.modes))]
    parts[0] += source.sweep() + source.long()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pending = [pool.submit(keyhold, program, "tokenize", vocabulary, [json.dumps(text) for text in part],
                               ["--parse-special"] if parse else []) for part, parse in zip(parts, vocabulary.modes)]
        wanted = [vocabulary.encode(part, parse) for part, parse in zip(parts, vocabulary.modes)]
        lists = [list(ids) for part in wanted for ids in part[:decoded // len(vocabulary.modes)]]
        lists = lists if vocabulary.decode else []
        pending.append(pool.submit(keyhold, program, "detokenize", vocabulary, [" ".join(map(str, ids)) for ids in lists]))
        decoded_texts = vocabulary.decode(lists) if lists else []
        *found, found_texts = [answers.result() for answers in pending]
    for part, parse, answers, expected in zip(parts, vocabulary.modes, found, wanted):
        _compare_ids(result, part, parse, answers, expected)
    for ids, answer, expected in zip(lists, found_texts, decoded_texts, strict=bool(lists)):
        if expected is None:
            continue
        result["decoded"] += 1
        if json.loads(answer) != expected:
            result["decodedDifferences"] += 1
            if len(result["examples"]) < 5:
                result["examples"].append({"ids": ids, "found": json.loads(answer), "expected": expected})
    result["seconds"] = round(time.time() - started, 1)
    return result


def _compare_ids(result, strings, parse, answers, wanted):
    if len(answers) != len(strings):
        raise RuntimeError(f"{result['vocabulary']}: {len(answers)} answers to {len(strings)} strings")
    for text, answer, expected in zip(strings, answers, wanted, strict=True):
        result["strings"] += 1
        if answer != " ".join(map(str, expected)):
            result["differences"] += 1
            if len(result["examples"]) < 5:
                result["examples"].append({"text": text, "parse": parse, "found": [int(word) for word in answer.split()],
                                           "expected": list(expected)})


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
