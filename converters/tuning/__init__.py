"""How a float file is made fit for 8 bits: what stays in float, which ranges, equalization, bias correction."""

KEYS = ("keep", "keep_ops", "ranges", "equalize", "bias_correction")
"""Of a recipe, that quantizers understand; `options.Tuning` says what they mean."""
