"""Writes Sources/Tokenization/Normalization/CompatibilityTable.swift: the compatibility decompositions of Unicode.

    python3 deploy/parity/compatibility.py

The standard library composes and decomposes canonically (NFC, NFD) but has no compatibility mappings (NFKC, NFKD).
They are taken from Python's unicodedata and are stable: Unicode never changes the mapping of an assigned character.
"""

import pathlib
import unicodedata

TARGET = pathlib.Path(__file__).parents[2] / "Sources/Tokenization/Normalization/CompatibilityTable.swift"


def entries():
    """(character, its full compatibility decomposition) where that differs from the canonical one."""
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000 or 0xAC00 <= code < 0xD7A4:
            continue
        text = chr(code)
        mapped = unicodedata.normalize("NFKD", text)
        if mapped != unicodedata.normalize("NFD", text):
            yield code, [ord(character) for character in mapped]


def records():
    """`first+more>target` for a run of neighbours that map to neighbours, `code>target.target` for the rest."""
    found = []
    for code, mapped in entries():
        if found and len(mapped) == 1:
            first, more, target = found[-1]
            if len(target) == 1 and code == first + more + 1 and mapped[0] == target[0] + more + 1:
                found[-1] = (first, more + 1, target)
                continue
        found.append((code, 0, mapped))
    for first, more, target in found:
        yield f"{first:X}" + (f"+{more}" if more else "") + ">" + ".".join(f"{code:X}" for code in target)


def main():
    lines, line = [], ""
    for record in records():
        if len(line) + len(record) + 1 > 112:
            lines.append(line)
            line = ""
        line += (" " if line else "") + record
    lines.append(line)
    body = "\n".join(f"        {line}" for line in lines)
    TARGET.write_text(f'''// Written by deploy/parity/compatibility.py from Unicode {unicodedata.unidata_version}.

/// The compatibility decompositions of Unicode's characters, where they differ from the canonical ones.
enum CompatibilityTable {{
    /// Records with blanks between: `first>target`, `first>target.target` and, for runs of neighbours that map to
    /// neighbours, `first+more>target`; all in hexadecimal but the number of more characters.
    static let text = """
{body}
        """
}}
''')


if __name__ == "__main__":
    main()
