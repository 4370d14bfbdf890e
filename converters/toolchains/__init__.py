"""Sealed environments for toolkits that cannot live with the others: made from a lock, kept by its hash."""
