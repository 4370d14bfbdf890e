"""Whether a file asks for no newer runtime than it says, and than the apps have that it is made for."""

from __future__ import annotations

from converters.inspection import Inspection
from pipeline.checks.gates import RequirementsGate
from pipeline.checks.outcome import Check, Metric, Outcome


def check_requirements(inspection: Inspection, gate: RequirementsGate | None) -> Check:
    """The check `requirements`: the oldest runtime that opens the file, computed from what is in it.

    FAILED where the file claims that an older one will do, or where the gate says that apps have no newer one. NOT_RUN,
    and not required, where no table tells what versions such a file needs.
    """
    needs = inspection.needs
    if needs is None or not needs.version:
        told = f"nobody says which versions of a runtime open {inspection.format} files"
        reason = f"what is in it came after the releases that the table of {needs.runtime} lists" if needs else told
        return Check("requirements", Outcome.NOT_RUN, (reason,), required=False)
    metrics: dict[str, Metric] = {"runtime": needs.runtime, "least_version": needs.version, "because": needs.because}
    metrics |= {"claimed": needs.claimed} if needs.claimed else {}
    reasons = []
    if needs.understated:
        reasons.append(f"it claims {needs.runtime} {needs.claimed}, and needs {needs.version} for {needs.because}")
    if gate is not None and needs.more_than(gate.newest):
        least = f"{needs.runtime} {needs.version} for {needs.because}"
        reasons.append(f"it needs {least}; apps are promised to need no more than {gate.newest}")
    return Check("requirements", Outcome.FAILED if reasons else Outcome.PASSED, tuple(reasons), metrics)
