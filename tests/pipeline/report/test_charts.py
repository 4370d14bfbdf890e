from __future__ import annotations

import sample_report

from pipeline.report.charts import charts


def test_the_four_plots() -> None:
    found = {chart.key: chart for chart in charts(sample_report.report())}
    assert list(found) == ["accuracy", "latency", "size", "snr"]
    assert found["accuracy"].rows[0].value == "−3.1 pt"
    assert found["accuracy"].rows[0].detail == "−4 to −2.2"
    assert found["latency"].rows[0].value == "28.9 ms"
    assert found["latency"].rows[0].detail == "p90 34.9 · ×3.67 (3.56 to 3.81) slower"
    assert "logarithmic" in found["latency"].note
    assert found["size"].rows[0].value == "144 kB"


def test_no_number_is_lost() -> None:
    report = sample_report.report()
    found = {chart.key: chart for chart in charts(report)}
    with_snr = [cell.id for cell in report.cells if "parity.snr_db" in cell.metrics]
    assert sorted(row.cell for row in found["snr"].rows) == sorted(with_snr)
    values = [row.value for row in found["snr"].rows]
    assert (values[0], values[-1]) == ("NaN dB", "∞ dB (equal)")


def test_the_worst_come_first() -> None:
    found = {chart.key: chart for chart in charts(sample_report.passed())}
    assert [row.value for row in found["snr"].rows] == ["26.8 dB", "27.3 dB", "38.9 dB", "71.2 dB", "118.4 dB"]


def test_nothing_to_plot() -> None:
    assert charts(sample_report.empty()) == ()
