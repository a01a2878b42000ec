"""What a pair costs in counts that do not depend on how busy a machine is: instructions, allocations, system calls.

    python bench/counts.py [--write]     # compares with bench/budget.json, or writes it

Instructions and calls of Python's allocator by callgrind with a fixed hash seed over `inside.py`; system calls by
`strace -c` over a real replay. Each is taken at two sizes, so that start-up falls out. A test holds them to the budget.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.pair_cost import SERVER, answer, capture
from tests.servers.nginx import nginx

HERE = Path(__file__).resolve().parent
BUDGET = HERE / "budget.json"
FEW, MANY = 1_200, 2_400
ALLOCATORS = re.compile(r"\b_?PyObject_(?:Malloc|Calloc)\b|\b_?PyMem_(?:Malloc|RawMalloc)\b|\b_PyObject_GC_New\w*\b")


def callgrind(count: int) -> tuple[int, int]:
    """(instructions, allocations) of `count` pairs."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [
            "valgrind",
            "--tool=callgrind",
            f"--callgrind-out-file={out}",
            sys.executable,
            str(HERE / "inside.py"),
            str(count),
        ]
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=HERE.parent, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: {done.stderr[-800:]}")
        return _read(out)


def _read(path: Path) -> tuple[int, int]:
    """Totals of a callgrind file: names are given once with a number, and by the number after that."""
    names: dict[str, str] = {}
    instructions = allocations = 0
    called = ""
    for line in path.read_text("utf-8", "replace").splitlines():
        if line.startswith("cfn="):
            number, _, name = line[4:].partition(" ")
            if name:
                names[number] = name
            called = names.get(number, "")
        elif line.startswith("fn="):
            number, _, name = line[3:].partition(" ")
            if name:
                names[number] = name
        elif line.startswith("calls=") and ALLOCATORS.search(called):
            allocations += int(line[6:].split()[0])
        elif line.startswith(("summary:", "totals:")):
            instructions = int(line.split()[1])
    return instructions, allocations


def syscalls(counts: tuple[int, int]) -> dict[str, float]:
    """System calls a pair, by name, of a real replay against two nginx servers."""
    seen = []
    with nginx(SERVER) as blue, nginx(SERVER) as green, tempfile.TemporaryDirectory() as folder:
        for count in counts:
            log, out = Path(folder) / f"{count}.jsonl", Path(folder) / "calls"
            capture(log, count)
            command = [
                "strace", "-f", "-c", "-o", str(out), sys.executable, "-m", "shadowdiff", "replay", str(log), "--blue",
                f"http://127.0.0.1:{blue}", "--green", f"http://127.0.0.1:{green}", "--max-in-flight", "64", "--stop-on",
                "none", "--no-control", "-q", "-o", str(Path(folder) / "run"),
            ]  # fmt: skip
            subprocess.run(command, capture_output=True, check=True)
            rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+(\w+)$", out.read_text(), re.MULTILINE)
            seen.append({name: int(number) for number, name in rows if name != "total"})
    few, many = seen
    each = {name: (many[name] - few.get(name, 0)) / (counts[1] - counts[0]) for name in many}
    return {name: round(value, 3) for name, value in sorted(each.items(), key=lambda one: -one[1]) if value > 0.02}


def measure() -> dict[str, object]:
    """Everything, by name."""
    few, many = callgrind(FEW), callgrind(MANY)
    calls = syscalls((3_000, 9_000))
    return {
        "python": platform.python_version(),
        "instructions": round((many[0] - few[0]) / (MANY - FEW)),
        "allocations": round((many[1] - few[1]) / (MANY - FEW), 1),
        "syscalls": round(sum(calls.values()), 2),
        "by_name": calls,
    }


def over(found: dict[str, object], budget: dict[str, object]) -> list[str]:
    """What costs more than its budget and the tolerance, a line each."""
    allowed = 1 + float(budget["tolerance"])  # type: ignore[arg-type]
    return [
        f"{name}: {found[name]} a pair, {budget[name]} in bench/budget.json (and {budget['tolerance']:.0%})"
        for name in ("instructions", "allocations", "syscalls")
        if float(found[name]) > allowed * float(budget[name])  # type: ignore[arg-type]
    ]


def main() -> int:
    """Print what a pair costs; 1 when it is over budget."""
    found = measure()
    if "--write" in sys.argv:
        BUDGET.write_text(json.dumps({**found, "tolerance": 0.08}, indent=2) + "\n")
    budget = json.loads(BUDGET.read_text())
    print(f"Python {found['python']}; a pair of equal {len(answer())}-byte answers costs")
    for name in ("instructions", "allocations", "syscalls"):
        print(f"  {name:13} {found[name]:>10,}   budget {budget[name]:>10,}")
    print("  system calls: " + ", ".join(f"{name} {value}" for name, value in found["by_name"].items()))  # type: ignore[attr-defined]
    problems = over(found, budget)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
