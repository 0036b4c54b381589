#!/usr/bin/env python3
"""Hyperscan on the patterns and texts of `cargo bench --bench rules`: messages a second for 100, 1,000 and 3,000 patterns.

Usage: hyperscan.py FOLDER, where patterns.txt and texts.txt stand. The package comes from PyPI into FOLDER/hyperscan-venv.
"""
import pathlib
import subprocess
import sys
import time
import venv

ROUNDS = 15


def database(hyperscan, patterns):
    flags = hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_SINGLEMATCH
    made = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    made.compile(
        expressions=[pattern.encode() for pattern in patterns],
        ids=list(range(len(patterns))),
        flags=[flags] * len(patterns),
    )
    return made


def measure(folder):
    import hyperscan

    patterns = (folder / "patterns.txt").read_text(encoding="utf-8").split("\n")
    texts = [line.encode() for line in (folder / "texts.txt").read_text(encoding="utf-8").split("\n")]
    for count in (100, 1000, 3000):
        chosen = database(hyperscan, patterns[:count])
        found = []

        def matched(pattern, start, end, flags, context):
            found.append(pattern)

        best = float("inf")
        for _ in range(ROUNDS):
            found.clear()
            # Processor time of this thread, as in the Rust bench.
            begin = time.thread_time()
            for text in texts:
                chosen.scan(text, match_event_handler=matched)
            best = min(best, time.thread_time() - begin)
        print(f"hyperscan, {count} patterns: {len(texts) / best:,.0f} messages/s, {len(found)} of them match")


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    home = folder / "hyperscan-venv"
    python = home / "bin" / "python"
    if pathlib.Path(sys.prefix).resolve() != home:
        if not python.exists():
            venv.create(home, with_pip=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", "hyperscan"], check=True)
        sys.exit(subprocess.run([python, __file__, folder]).returncode)
    # This file is called like the package: look for the package first.
    sys.path = [place for place in sys.path if pathlib.Path(place).resolve() != pathlib.Path(__file__).resolve().parent]
    measure(folder)


if __name__ == "__main__":
    main()
