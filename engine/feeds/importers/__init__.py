"""Market data from files of other programs; see `formats`."""
