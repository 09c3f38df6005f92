"""Reads what compare.sh's tools wrote and prints their figures: markdown on stdout, JSON in figures.json."""

import json
import pathlib
import re
import sys
from collections import Counter


def lynis(out):
    text = (out / "lynis.txt").read_text(errors="replace")
    report = text.split("=== report\n")[1]
    return {
        "score": int(re.search(r"^hardening_index=(\d+)$", report, re.M)[1]),
        "warnings": len(re.findall(r"^warning\[\]=", report, re.M)),
        "suggestions": len(re.findall(r"^suggestion\[\]=", report, re.M)),
    }


def scap(out, name):
    """Score: share of passed rules among those that were evaluated. A rule that broke was not passed."""
    lines = (out / f"{name}.txt").read_text().splitlines()
    results = Counter(line.rsplit(":", 1)[1] for line in lines if line.startswith("xccdf_"))
    evaluated = sum(results[kind] for kind in ("pass", "fixed", "fail", "error", "unknown"))
    if not evaluated:
        sys.exit(f"figures.py: {name}: no rule was evaluated")
    return {"score": round(100 * results["pass"] / evaluated, 1), "evaluated": evaluated, **results}


def ssh_audit(out):
    status = int((out / "ssh-audit.status").read_text())
    return {
        "score": {0: "clean", 2: "warnings", 3: "failures"}[status],
        "policy_passed": (out / "ssh-audit-policy.status").read_text().strip() == "0",
    }


def main():
    out = pathlib.Path(sys.argv[1])
    figures = {}
    # A tool that was not run has no time, and no row: never a figure of an earlier run.
    for seconds in sorted(out.glob("*.seconds")):
        name = seconds.stem
        read = {"lynis": lynis, "ssh-audit": ssh_audit}.get(name, lambda out: scap(out, name))
        figures[name] = {**read(out), "seconds": float(seconds.read_text())}
    (out / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")

    print("| tool | score | details | seconds |\n|---|---|---|---|")
    for name, figure in figures.items():
        details = ", ".join(f"{key} {value}" for key, value in figure.items() if key not in ("score", "seconds"))
        print(f"| {name} | {figure['score']} | {details} | {figure['seconds']} |")


main()
