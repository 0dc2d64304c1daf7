"""Strategies without code: rules in a TOML file, read by a small parser of our own. See docs/guides/rules.md."""
