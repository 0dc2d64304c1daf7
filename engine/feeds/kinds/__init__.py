"""Bars of every kind: by time, by activity (ticks, volume, dollars, imbalance, runs) and by price (range, Renko)."""
