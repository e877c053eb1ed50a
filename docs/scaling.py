"""Draws docs/scaling.svg from what `cargo bench -- scaling` left in target/criterion.

usage: python3 docs/scaling.py target/criterion > docs/scaling.svg
"""

import json
import math
import pathlib
import sys

WIDTH, HEIGHT, MARGIN = 420, 320, 60
COLOURS = {"1": "#0969da", "2": "#bc4c00"}


def points(folder):
    """Median seconds by number of jobs and by size."""
    found = {}
    for place in folder.glob("*-jobs"):
        size, jobs, _ = place.name.split("-")
        estimates = json.loads((place / "new" / "estimates.json").read_text())
        found.setdefault(jobs, []).append((int(size), estimates["median"]["point_estimate"] / 1e9))
    return {jobs: sorted(line) for jobs, line in sorted(found.items())}


def panel(lines, left, title, unit):
    """One chart with logarithmic axes; a straight line of slope one is linear time."""
    sizes = [size for line in lines.values() for size, _ in line]
    times = [time for line in lines.values() for _, time in line]
    x0, x1 = math.log10(min(sizes)), math.log10(max(sizes))
    y0, y1 = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))

    def place(size, time):
        x = left + MARGIN + (math.log10(size) - x0) / (x1 - x0) * (WIDTH - 2 * MARGIN)
        y = HEIGHT - MARGIN - (math.log10(time) - y0) / (y1 - y0) * (HEIGHT - 2 * MARGIN)
        return x, y

    yield f'<text x="{left + WIDTH / 2}" y="24" text-anchor="middle" font-weight="bold">{title}</text>'
    for size in sorted(set(sizes)):
        x, _ = place(size, 10**y0)
        yield f'<line x1="{x:.1f}" y1="{MARGIN}" x2="{x:.1f}" y2="{HEIGHT - MARGIN}" stroke="#d0d7de"/>'
        yield f'<text x="{x:.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{size:,}</text>'
    for power in range(y0, y1 + 1):
        _, y = place(min(sizes), 10**power)
        label = f"{10**power:g} s" if power >= 0 else f"{10**(power + 3):g} ms"
        yield f'<line x1="{left + MARGIN}" y1="{y:.1f}" x2="{left + WIDTH - MARGIN}" y2="{y:.1f}" stroke="#d0d7de"/>'
        yield f'<text x="{left + MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    yield f'<text x="{left + WIDTH / 2}" y="{HEIGHT - MARGIN + 38}" text-anchor="middle">{unit}</text>'
    for number, (jobs, line) in enumerate(lines.items()):
        places = [place(size, time) for size, time in line]
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{text}" fill="none" stroke="{COLOURS[jobs]}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOURS[jobs]}"/>' for x, y in places)
        word = "job" if jobs == "1" else "jobs"
        yield f'<text x="{left + MARGIN + 8}" y="{MARGIN + 16 + 16 * number}" fill="{COLOURS[jobs]}">{jobs} {word}</text>'


def main():
    folder = pathlib.Path(sys.argv[1])
    total = 2 * WIDTH
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {HEIGHT}" font-family="sans-serif" font-size="12">')
    print(f'<rect width="{total}" height="{HEIGHT}" fill="white"/>')
    bytes_lines, files_lines = points(folder / "scaling-bytes"), points(folder / "scaling-files")
    for part in panel(bytes_lines, 0, "One program", "MiB of code"):
        print(part)
    for part in panel(files_lines, WIDTH, "One bundle, files of 1 KiB", "sealed files"):
        print(part)
    print("</svg>")


main()
