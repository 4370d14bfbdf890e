"""Runs trials in processes of their own, two at a time, and notes each: a sweep that was cut goes on where it was."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.mutation import catalogue
from benchmarks.mutation.subjects import Subject
from benchmarks.mutation.trial import AS_CONVERTED, Row, Sort, Trial
from converters.errors import EdgeExportError
from converters.worker import WorkerPool

ROOT = Path(__file__).resolve().parent.parent.parent
TRIAL_S = 180.0
JUDGES = ("benchmarks/mutation", "pipeline/drift", "pipeline/checks/drift", "converters")
"""What a verdict depends on: where it changes, the trials are done again."""


def planned(
    subjects: Iterable[Subject], seeds: range, kinds: tuple[str, ...] = (), pairings: tuple[str, ...] = ()
) -> Iterator[Trial]:
    """Every kind in every file, held against everything that the file can be held against.

    Against another file or the source, honest files also stand as they were converted. `kinds` are parts of names.
    """
    for subject in subjects:
        suffix = subject.path.suffix
        for pairing, reference in subject.references.items():
            if pairings and pairing not in pairings:
                continue

            rows = [(name, found.family, True) for name, found in catalogue.faults(suffix).items()]
            if pairing != "same":
                honest = (
                    *catalogue.RECALIBRATED,
                    *catalogue.BOUND_BY_NAME,
                    *(catalogue.FINER_THAN_FLOAT16 if "fp16" in subject.name else ()),
                )
                rows = [row for row in rows if row[0] not in honest]
                rows.append((AS_CONVERTED, "honest", False))
            rows += [(name, "honest", False) for name in catalogue.changes(suffix)]
            for name, family, fault in rows:
                if kinds and not any(part in name for part in kinds):
                    continue
                for seed in seeds if fault else seeds[:1]:
                    yield Trial(subject.name, reference, subject.path, pairing, family, name, seed, fault)


def sampled(trials: Iterable[Trial], every: int) -> list[Trial]:
    """About one in `every` of them, chosen by their keys: the same ones from run to run, of every kind and file."""
    return [t for t in trials if int.from_bytes(hashlib.sha256(t.key.encode()).digest()[:4]) % max(every, 1) == 0]


def run(
    trials: Iterable[Trial], home: Path, pool: WorkerPool, processes: int, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """The rows of all trials, by key; those noted in `home` with the same code are not done again."""
    home.mkdir(parents=True, exist_ok=True)
    notes = home / f"rows-{_code()}.jsonl"
    done: dict[str, dict[str, Any]] = {}
    if notes.is_file():
        for line in notes.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            done[entry["key"]] = entry["row"]
    wanted = list(trials)
    waiting = [trial for trial in wanted if trial.key not in done]
    say(f"{len(wanted)} trials, {len(wanted) - len(waiting)} of them known")
    free = [f"mutation-{number}" for number in range(processes)]
    lock = threading.Lock()

    def one(trial: Trial) -> dict[str, Any]:
        with lock:
            worker = free.pop()
        try:
            row = _tried(trial, home / worker, worker, pool)
        finally:
            with lock:
                free.append(worker)
        with lock, notes.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": trial.key, "row": row}) + "\n")
            done[trial.key] = row
        return row

    with ThreadPoolExecutor(processes) as executor:
        for number, future in enumerate(as_completed([executor.submit(one, trial) for trial in waiting]), 1):
            row = future.result()
            if row["sort"] == Sort.FAULT and not row["caught"]:
                say(f"missed: {row['kind']} in {row['subject']} ({row['pairing']}), effect {row['effect']}")
            if row["sort"] == Sort.HONEST and row["caught"]:
                say(f"false alarm: {row['kind']} in {row['subject']} ({row['pairing']}): {row['said']}")
            if number % 100 == 0:
                say(f"{number} of {len(waiting)} done")
    return [done[trial.key] for trial in wanted]


def _tried(trial: Trial, folder: Path, worker: str, pool: WorkerPool) -> dict[str, Any]:
    """The row of a trial; where the process ends or `drift` refuses, the file was not passed, and that is said."""
    try:
        row: Row = pool.call(worker, "benchmarks.mutation.trial:attempt", TRIAL_S, trial=trial, folder=folder)
    except EdgeExportError as error:
        where = (trial.subject, trial.pairing, trial.honest.suffix[1:], trial.family, trial.kind, trial.seed)
        sort = Sort.FAULT if trial.fault else Sort.HONEST
        return asdict(Row(*where, sort, caught=not trial.fault, said=f"{type(error).__name__}: {error}"[:240]))
    return row.to_json()


def _code() -> str:
    """A digest of the sources that a verdict depends on."""
    found = hashlib.sha256()
    for folder in JUDGES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            found.update(path.read_bytes())
    return found.hexdigest()[:12]
