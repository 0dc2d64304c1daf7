"""Everything that can go wrong, as one tree; the exit code belongs to the class.

    OnetapeError            1  something failed; the message says what to do next
    ├── ConfigError         2  config key, argument, parameter or name that cannot be meant
    ├── NotFound            6  file, dataset, run or trade that is not there
    ├── DataError           1  data that must not be traded on: columns, order, NaN, empty range
    ├── JournalError        1  a journal that is damaged or is not the one it claims to be
    ├── OutputError         1  a result that could not be written whole (disk full, size limit)
    ├── Refused             4  a guard said no: data grade, expectation, parity
    ├── NotRunning          3  there is no engine to talk to
    └── TimedOut            5  the outside did not answer in time

A user's mistake is always one of these and is printed as one line, never as a traceback.
"""

from __future__ import annotations

import errno


class OnetapeError(Exception):
    exit_code = 1


class ConfigError(OnetapeError):
    exit_code = 2


class NotFound(OnetapeError):
    exit_code = 6


class DataError(OnetapeError):
    pass


class JournalError(OnetapeError):
    pass


class OutputError(OnetapeError):
    pass


class Refused(OnetapeError):
    exit_code = 4


class NotRunning(OnetapeError):
    exit_code = 3


class TimedOut(OnetapeError):
    exit_code = 5


def unwritten(error: OSError) -> str:
    """Why something could not be written, in words.

    >>> unwritten(OSError(errno.ENOSPC, "No space left on device"))
    'the disk is full'
    """
    known = {
        errno.ENOSPC: "the disk is full",
        errno.EFBIG: "a file-size limit was reached",
        errno.EDQUOT: "the quota is used up",
    }
    return known.get(error.errno or 0, error.strerror or str(error))
