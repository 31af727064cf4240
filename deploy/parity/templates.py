#!/usr/bin/env python3
"""Chat templates: keyhold against jinja2, set up as transformers sets it up.

    pip install jinja2==3.1.6
    swift build -c release --product keyhold
    python3 deploy/parity/templates.py --keyhold .build/release/keyhold --shared ../shared --out parity

Renders every template of the shared folder and of Tests/TemplatesTests/Fixtures for every conversation of
conversations.py with both programs, and compares the texts, or that both refuse. Writes templates.json and templates.md
into --out. With --vectors it also writes the snippets and own templates with jinja2's answers to
Tests/TemplatesTests/Fixtures/vectors.json, which `swift test` checks. Exit status 1 if anything differs.
"""

import argparse
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from conversations import CONVERSATIONS, TOKENS
from snippets import SNIPPETS, VALUES

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests/TemplatesTests/Fixtures"
NOW = datetime.datetime(2026, 1, 31, 13, 5, 9)


class Generation(Extension):
    """`{% generation %}`: transformers marks the assistant's tokens with it; the text is that of its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def environment():
    """transformers' `_compile_jinja_template`, with a clock that stands still."""

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


def reference(source, variables):
    """The text, or None where jinja2 refuses."""
    try:
        return environment().from_string(source).render(**variables), None
    except Exception as error:  # noqa: BLE001: whatever it is, the template refuses
        return None, f"{type(error).__name__}: {error}"


def variables(conversation, tokens):
    return {
        **tokens, "documents": None, "tools": conversation.get("tools"),
        "add_generation_prompt": conversation.get("add_generation_prompt", True),
        **conversation.get("chat_template_kwargs", {}), "messages": conversation["messages"],
    }


def sources(shared):
    """Every template by name."""
    found = {}
    for path in sorted(FIXTURES.glob("*.jinja")):
        found[f"own/{path.stem}"] = path.read_text()
    for folder in ["templates", "mistral/templates"]:
        for path in sorted((shared / "tokenizers" / folder).glob("*.jinja")):
            found[f"{folder}/{path.stem}"] = path.read_text()
    for path in sorted((shared / "tokenizers/hf").glob("*/tokenizer_config.json")):
        stored = json.loads(path.read_text()).get("chat_template")
        entries = stored if isinstance(stored, list) else [{"name": "default", "template": stored}] if stored else []
        for entry in entries:
            found[f"hf/{path.parent.name}/{entry['name']}"] = entry["template"]
    return found


class Keyhold:
    def __init__(self, program, folder):
        self.program = program
        self.folder = pathlib.Path(folder)
        (self.folder / "tokenizer_config.json").write_text(json.dumps(TOKENS))

    def render(self, source, conversation):
        template = self.folder / "template.jinja"
        messages = self.folder / "messages.json"
        template.write_text(source, newline="")
        messages.write_text(json.dumps(conversation, ensure_ascii=False))
        command = [self.program, "render", "--model", str(self.folder), "--template", str(template)]
        command += ["--messages", str(messages), "--time", NOW.isoformat()]
        if not conversation.get("add_generation_prompt", True):
            command.append("--no-generation-prompt")
        done = subprocess.run(command, capture_output=True, timeout=120)
        if done.returncode == 0:
            return done.stdout.decode(), None
        if done.returncode < 0:
            return f"(ended by signal {-done.returncode})", None
        return None, done.stderr.decode().strip()


def compare(keyhold, shared):
    rows = []
    for name, source in sources(shared).items():
        row = {"template": name, "conversations": 0, "texts": 0, "refusals": 0, "differences": []}
        for title, conversation in CONVERSATIONS.items():
            expected, reason = reference(source, variables(conversation, TOKENS))
            text, given_reason = keyhold.render(source, conversation)
            row["conversations"] += 1
            if text != expected:
                row["differences"].append({
                    "conversation": title, "jinja2": expected, "jinja2_error": reason,
                    "keyhold": text, "keyhold_error": given_reason})
            elif text is None:
                row["refusals"] += 1
            else:
                row["texts"] += 1
        rows.append(row)
        print(f"{name}: {row['texts']} texts, {row['refusals']} refusals, {len(row['differences'])} differences",
              flush=True)
    return rows


def vectors():
    """Our own templates and snippets with jinja2's answers."""
    cases = []
    for source in SNIPPETS:
        cases.append({"template": source, "text": reference(source, {**TOKENS, **VALUES})[0]})
    chats = []
    for path in sorted(FIXTURES.glob("*.jinja")):
        for title, conversation in CONVERSATIONS.items():
            text = reference(path.read_text(), variables(conversation, TOKENS))[0]
            chats.append({"template": path.name, "conversation": title, "text": text})
    return {
        "made_by": f"deploy/parity/templates.py --vectors with jinja2 {jinja2.__version__}", "tokens": TOKENS,
        "time": NOW.isoformat(), "values": VALUES, "snippets": cases, "conversations": CONVERSATIONS, "chats": chats,
    }


def table(rows):
    lines = [
        f"jinja2 {jinja2.__version__} as transformers sets it up, {len(CONVERSATIONS)} conversations a template.", "",
        "| template | same text | both refuse | differ |", "|---|---:|---:|---:|",
    ]
    for row in rows:
        lines.append(f"| {row['template']} | {row['texts']} | {row['refusals']} | {len(row['differences'])} |")
    texts, refusals, differ = (
        sum(row["texts"] for row in rows), sum(row["refusals"] for row in rows),
        sum(len(row["differences"]) for row in rows))
    lines.append(f"| all {len(rows)} | {texts} | {refusals} | {differ} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keyhold", default=str(ROOT / ".build/release/keyhold"))
    parser.add_argument("--shared", type=pathlib.Path, default=ROOT.parent / "shared")
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--vectors", action="store_true")
    options = parser.parse_args()
    if options.vectors:
        text = json.dumps(vectors(), ensure_ascii=False, indent=1) + "\n"
        (FIXTURES / "vectors.json").write_text(text)
    if not options.out:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        rows = compare(Keyhold(options.keyhold, folder), options.shared)
    options.out.mkdir(parents=True, exist_ok=True)
    report = {"jinja2": jinja2.__version__, "conversations": len(CONVERSATIONS), "templates": rows}
    (options.out / "templates.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    (options.out / "templates.md").write_text(table(rows))
    return 1 if any(row["differences"] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
