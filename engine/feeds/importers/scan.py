"""Kernels of the text importers: a block of a table to numbers, stamps and texts in one pass.

A number of at most 15 digits is its digits divided by a power of ten: both are exact, so the quotient is the nearest
double (Clinger, PLDI 1990). What is written otherwise (exponents, quotes, words, more digits) is left to Arrow.
"""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import jit

SKIP, NUMBER, TEXT, STAMP = 0, 1, 2, 3
NEWLINE, RETURN, DOT, MINUS, QUOTE, ZERO = 10, 13, 46, 45, 34, 48
POWERS = 10.0 ** np.arange(16)
YEAR, MONTH, DAY, HOURS, MINUTES, SECONDS, FRACTION, LITERAL = range(8)
LONGEST = 40
"""Letters of a stamp at most."""
MISREAD = np.iinfo(np.int64).min
FORM = np.dtype(
    [("fields", "i1", LONGEST), ("model", "u1", LONGEST), ("length", "i8"), ("scale", "i8"), ("dated", "?")]
)
"""How the stamps of a column are written: what each letter belongs to, the letters that belong to nothing, what one
unit of the fraction is in ns, whether there is a date."""


@jit
def scan(block, separator, kinds, slots, forms, most, numbers, stamps, starts, ends):  # type: ignore[no-untyped-def]
    """Rows of a block of whole lines, each column into its slot: a number, ns of a stamp, or where a text lies.

    Returns how many rows, -1 where one of them is not of the plain kind, -2 where there are more than `most`.
    """
    fields, models, lengths = forms["fields"], forms["model"], forms["length"]
    scales, dated = forms["scale"], forms["dated"]
    at, row, size, count = 0, 0, len(block), len(kinds)
    while at < size:
        if block[at] == NEWLINE:
            at += 1
            continue
        if block[at] == RETURN and at + 1 < size and block[at + 1] == NEWLINE:
            at += 2
            continue
        if row == most:
            return -2
        for column in range(count):
            kind, slot = kinds[column], slots[column]
            if kind == NUMBER:
                at, numbers[slot, row], fine = number(block, at)
                if not fine:
                    return -1
            elif kind == STAMP:
                length = lengths[slot]
                if at + length > size:
                    return -1
                ns = stamp(block, at, fields[slot], models[slot], length, scales[slot], dated[slot])
                if ns == MISREAD:
                    return -1
                stamps[slot, row] = ns
                at += length
            else:
                begin = at
                while at < size and block[at] != separator and block[at] != NEWLINE and block[at] != RETURN:
                    if block[at] == QUOTE:
                        return -1
                    at += 1
                if kind == TEXT:
                    starts[slot, row], ends[slot, row] = begin, at
            if column < count - 1:
                if at >= size or block[at] != separator:
                    return -1
                at += 1
        if at < size and block[at] == RETURN:
            at += 1
        if at < size:
            if block[at] != NEWLINE:
                return -1
            at += 1
        row += 1
    return row


@jit
def number(block, at):  # type: ignore[no-untyped-def]
    """(place after it, float64, whether it is a plain number); nothing at all is NaN."""
    begin, size = at, len(block)
    whole, digits, decimals = 0, 0, 0
    negative, point = False, False
    if at < size and block[at] == MINUS:
        negative = True
        at += 1
    while at < size:
        letter = block[at]
        if ZERO <= letter <= ZERO + 9:
            whole = whole * 10 + (letter - ZERO)
            digits += 1
            decimals += point
            if digits > 15:
                return at, 0.0, False
        elif letter == DOT and not point:
            point = True
        else:
            break
        at += 1
    if digits == 0:
        return at, np.nan, at == begin
    value = whole / POWERS[decimals]
    return at, -value if negative else value, True


@jit
def stamp(block, at, fields, model, length, scale, dated):  # type: ignore[no-untyped-def]
    """ns of the wall of a stamp of a known form, MISREAD where it is none."""
    year, month, day, hours, minutes, seconds, fraction = 0, 0, 0, 0, 0, 0, 0
    for k in range(length):
        field = fields[k]
        if field == LITERAL:
            if block[at + k] != model[k]:
                return MISREAD
            continue
        digit = np.int64(block[at + k]) - ZERO
        if digit < 0 or digit > 9:
            return MISREAD
        if field == FRACTION:
            fraction = fraction * 10 + digit
        elif field == SECONDS:
            seconds = seconds * 10 + digit
        elif field == MINUTES:
            minutes = minutes * 10 + digit
        elif field == HOURS:
            hours = hours * 10 + digit
        elif field == DAY:
            day = day * 10 + digit
        elif field == MONTH:
            month = month * 10 + digit
        else:
            year = year * 10 + digit
    if hours > 23 or minutes > 59 or seconds > 59:
        return MISREAD
    ns = (hours * 3600 + minutes * 60 + seconds) * 1_000_000_000 + fraction * scale
    if dated:
        if month < 1 or month > 12 or day < 1 or day > days_in(year, month):
            return MISREAD
        ns += days_since_1970(year, month, day) * 86_400_000_000_000
    return ns


@jit
def gather(block, starts, ends, letters, offsets):  # type: ignore[no-untyped-def]
    """Texts at starts[i]:ends[i] of a block one after the other into `letters`; `offsets` as Arrow has them."""
    total = 0
    for i in range(len(starts)):
        offsets[i] = total
        for at in range(starts[i], ends[i]):
            letters[total] = block[at]
            total += 1
    offsets[len(starts)] = total
    return total


@jit
def days_in(year, month):  # type: ignore[no-untyped-def]
    if month == 2:
        return 29 if (year % 4 == 0 and year % 100 != 0) or year % 400 == 0 else 28
    return 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31


@jit
def days_since_1970(year, month, day):  # type: ignore[no-untyped-def]
    """Days of the proleptic Gregorian calendar, counted from the first of March of year 0."""
    y = year - 1 if month <= 2 else year
    era = y // 400
    within = y - era * 400
    shifted = month - 3 if month > 2 else month + 9
    return era * 146_097 + within * 365 + within // 4 - within // 100 + (153 * shifted + 2) // 5 + day - 1 - 719_468
