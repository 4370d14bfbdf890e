"""`make mutation`: plants faults, makes honest changes, asks `drift`, and writes docs/mutation.md."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.mutation.catalogue import SUFFIXES
from benchmarks.mutation.page import PAIRINGS, page, totals
from benchmarks.mutation.subjects import NETS, Subject, in_folder, made
from benchmarks.mutation.sweep import planned, run, sampled
from pipeline.lone import toolbox

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "mutation.md"


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 where every fault was caught and no honest file failed, else 1; 2 for a wrong option."""
    options = _options(arguments)
    home, code = options.workspace.resolve(), commit()
    with toolbox() as (pool, limits):
        subjects: list[Subject] = []
        for name in options.net or NETS:
            _say(f"making the files of {name}")
            subjects += made(NETS[name], home / "nets", pool, limits)
        subjects += in_folder(options.files) if options.files else []
        subjects = [s for s in subjects if not options.format or s.path.suffix[1:] in options.format]
        subjects = [s for s in subjects if options.subject in s.name]
        trials = list(planned(subjects, range(1, options.seeds + 1), tuple(options.kind), tuple(options.against)))
        chosen = sampled((trial for trial in trials if trial.fault), options.every)
        chosen += sampled((trial for trial in trials if not trial.fault), options.every_honest or options.every)
        rows = run(chosen[: options.limit], home, pool, options.processes, _say)
    found = totals(rows)
    document = {"schema_version": 1, "totals": found, "rows": rows}
    (home / "mutation.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    filtered = options.kind or options.format or options.subject or options.net or options.against or options.limit
    if not filtered or options.page != PAGE:
        public = " --files FOLDER" if options.files else ""
        nets = "".join(f" --net {name}" for name in options.net or ())
        honest = f" --every-honest {options.every_honest}" if options.every_honest else ""
        command = f'make mutation ARGS="--seeds {options.seeds} --every {options.every}{honest}{nets}{public}"'
        options.page.write_text(page(rows, command, code), encoding="utf-8")
    sys.stdout.write(json.dumps(found, indent=1) + "\n" if options.json else _text(found))
    return 0 if found["caught"] == found["faults"] > 0 and not found["false_alarms"] else 1


def commit() -> str:
    """What git calls the code as it is; nothing where git does not know it."""
    call = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        return subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _text(found: dict[str, int]) -> str:
    layers = f"{found['layer_first']} of {found['with_a_layer']} in their layer"
    honest = f"{found['false_alarms']} of {found['honest']} honest files taken for faulty"
    return f"{found['caught']} of {found['faults']} faults caught, {layers}; {honest}\n"


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutation", description=__doc__)
    parser.add_argument(
        "--kind", action="append", default=[], help="only kinds whose name has this in it; may be repeated"
    )
    parser.add_argument(
        "--format", action="append", choices=[s[1:] for s in SUFFIXES], help="only files of this format"
    )
    parser.add_argument("--against", action="append", default=[], choices=PAIRINGS, help="only held against this")
    parser.add_argument("--net", action="append", choices=NETS, help="only files of this network of ours")
    parser.add_argument("--subject", default="", help="only files whose name has this in it")
    parser.add_argument("--files", type=Path, help="also the model files of this folder")
    parser.add_argument("--seeds", type=int, default=1, help="how often each kind is planted into each file")
    parser.add_argument("--every", type=int, default=10, help="about one of so many trials; 1 for all")
    parser.add_argument("--every-honest", type=int, help="of the honest changes, which are fewer; else as --every")
    parser.add_argument("--limit", type=int, help="at most so many trials")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--workspace", type=Path, default=ROOT / "build" / "bench" / "mutation", help="where rows are kept"
    )
    parser.add_argument("--page", type=Path, default=PAGE, help="where the page goes (a filtered sweep writes none)")
    parser.add_argument("--json", action="store_true", help="the totals as JSON on stdout")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    sys.stderr.write(f"... {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
