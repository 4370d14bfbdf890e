"""`make mutation`: faults planted into honest files must be found, honest changes must not be taken for faults."""
