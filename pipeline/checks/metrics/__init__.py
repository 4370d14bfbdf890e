"""How far a tensor is from its reference: one pure function a file, described in `measure.py`."""
