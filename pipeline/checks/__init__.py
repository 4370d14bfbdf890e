"""Verdicts from numbers, by the rules of configs/gates.toml. numpy and scipy only; no toolkit, no file, no clock."""
