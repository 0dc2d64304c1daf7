"""`python -m tests.bench`. The files here import each other as plain scripts: a peer's environment knows no package."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from run import main

sys.exit(main())
