"""Repair: a file in 8 bits that loses too much is made again: better ranges, then the fewest layers in float."""
