"""One file into a fresh catalogue, timed after a small one that loads the kernels."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from engine.feeds.data import import_file
from engine.feeds.importers.options import Options


def main() -> None:
    path, root = Path(sys.argv[1]), Path(sys.argv[2])
    few = path.with_name("EURUSD_few.csv")
    with path.open("rb") as file:
        few.write_bytes(b"".join(file.readline() for _ in range(1_000)))
    import_file(few, Options(source="few", zone="UTC"), root=root)
    few.unlink()
    began, before = time.perf_counter(), time.process_time()
    report = import_file(path, Options(zone="UTC"), root=root)
    seconds, cpu = time.perf_counter() - began, time.process_time() - before
    print(json.dumps({"records": report.added, "seconds": seconds, "cpu": cpu}))


if __name__ == "__main__":
    main()
