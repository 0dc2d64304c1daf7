"""Strategies: those that come with the project, and those in the folder of this name where one works."""

from pathlib import Path

if (own := str(Path.cwd() / "strategies")) not in __path__:
    __path__.append(own)
