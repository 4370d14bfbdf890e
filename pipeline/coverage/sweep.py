"""Many cases by many routes, several at a time; what the same code and versions were tried on is not tried again."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from converters.contract import Precision
from converters.devices import cache
from converters.errors import UnavailableError
from converters.worker import WorkerPool
from pipeline.checks.gates import Gates
from pipeline.coverage.cases import Case, Corpus, key_of
from pipeline.coverage.trial import Trial, attempt
from pipeline.coverage.ways import Way
from pipeline.store import digest, write_atomic

CHUNK = 16
"""Cases that one start of the toolkits is given before the next route may have its turn."""
RESTART = 256
"""Cases after which the toolkits start afresh: TensorFlow keeps every graph that it ever made."""

Told = Callable[[Way, Trial, bool], None]


@dataclass(frozen=True)
class Sheet:
    """Where the results of one route lie: one file a case, whole or not there."""

    folder: Path

    def find(self, case: Case) -> Trial | None:
        """What was found before; None where it was not tried, or the file is damaged."""
        try:
            return Trial.from_json(json.loads(self._file(case).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, case: Case, trial: Trial) -> None:
        """Stores a result."""
        write_atomic(self._file(case), json.dumps(trial.to_json()).encode())

    def _file(self, case: Case) -> Path:
        return self.folder / f"{case.name}.json"


def basis(corpus: Corpus, gates: Gates) -> str:
    """What results of every route depend on: the cases, and the gate that judges them."""
    return digest([key_of(corpus), asdict(gates.parity[Precision.FP32])])


def sheet_of(way: Way, basis: str) -> Sheet:
    """The results of a route on a corpus, by all that they depend on."""
    name = f"{way.corpus}-{way.name}-{digest([basis, way.key()])[:12]}"
    return Sheet(cache.root() / "coverage" / "results" / name)


def stored(cases: Sequence[Case], ways: Sequence[Way], basis: str) -> dict[str, dict[str, Trial]]:
    """What is known already, by route and case."""
    sheets = {way.name: sheet_of(way, basis) for way in ways}
    return {name: {case.name: trial for case in cases if (trial := sheet.find(case))} for name, sheet in sheets.items()}


class Sweep:
    """Tries cases by routes in `jobs` threads, each with worker processes of its own."""

    def __init__(self, gates: Gates, memory_limit_bytes: int, jobs: int) -> None:
        self.gates, self.memory_limit_bytes, self.jobs = gates, memory_limit_bytes, jobs
        self._pools: dict[int, _Lane] = {}
        self._lock = threading.Lock()

    def run(self, cases: Sequence[Case], ways: Sequence[Way], basis: str, told: Told) -> dict[str, dict[str, Trial]]:
        """Every result by route and case; each is stored as soon as it is there, and said to `told`."""
        results = stored(cases, ways, basis)
        for way in ways:
            for trial in results[way.name].values():
                told(way, trial, True)
        with tempfile.TemporaryDirectory(prefix="edge-export-") as logs, ThreadPoolExecutor(self.jobs) as threads:
            running: set[Future[None]] = set()
            try:
                for way, chunk in _chunks(cases, ways, results):
                    sheet = sheet_of(way, basis)
                    running.add(threads.submit(self._chunk, way, chunk, sheet, results[way.name], told, Path(logs)))
                while running:
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
            finally:
                for future in running:
                    future.cancel()
                for lane in self._pools.values():
                    lane.close()
                self._pools.clear()
        return results

    def _chunk(
        self, way: Way, cases: Sequence[Case], sheet: Sheet, results: dict[str, Trial], told: Told, logs: Path
    ) -> None:
        with self._lock:
            lane = self._pools.setdefault(threading.get_ident(), _Lane(logs, self.memory_limit_bytes))
        for case in cases:
            trial = attempt(case, way, lane.pool(), self.gates)
            sheet.keep(case, trial)
            with self._lock:
                results[case.name] = trial
                told(way, trial, False)


class _Lane:
    """The worker processes of one thread, started afresh now and then."""

    def __init__(self, logs: Path, memory_limit_bytes: int) -> None:
        self._logs, self._limit, self._used = logs, memory_limit_bytes, 0
        self._pool = WorkerPool(logs / str(threading.get_ident()), memory_limit_bytes)

    def pool(self) -> WorkerPool:
        self._used += 1
        if self._used % RESTART == 0:
            self._pool.close()
            self._pool = WorkerPool(self._logs / str(threading.get_ident()), self._limit)
        return self._pool

    def close(self) -> None:
        self._pool.close()


def _chunks(
    cases: Sequence[Case], ways: Sequence[Way], results: Mapping[str, Mapping[str, Trial]]
) -> Iterator[tuple[Way, Sequence[Case]]]:
    for way in ways:
        missing = [case for case in cases if case.name not in results[way.name]]
        for start in range(0, len(missing), CHUNK):
            yield way, missing[start : start + CHUNK]


def require_ready(ways: Sequence[Way]) -> None:
    """Raises UnavailableError where a converter's packages are not installed."""
    from converters import registry

    for way in ways:
        for edge in way.edges:
            if lacking := registry.lacking(edge):
                raise UnavailableError(f"route {way.name} needs {', '.join(lacking)}; `edge-export doctor` says how")


def to_json(results: Mapping[str, Mapping[str, Trial]]) -> dict[str, Any]:
    """Results as a JSON-able dict."""
    return {name: [trial.to_json() for trial in trials.values()] for name, trials in results.items()}
