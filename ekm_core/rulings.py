"""The rulings of checks that read nothing but an error's text; the proofs from a set-up have their own."""

from __future__ import annotations

from ekm_core.model import Case, Check, Ruling, Verdict


def confirmed(because: str, *quotes: str) -> Ruling:
    """The cause holds, proven by the quoted words of the text."""
    return Ruling(Verdict.CONFIRMED, because, tuple(dict.fromkeys(quotes)))


def ruled_out(because: str, *quotes: str) -> Ruling:
    """The cause does not hold, proven by the quoted words of the text."""
    return Ruling(Verdict.RULED_OUT, because, tuple(dict.fromkeys(quotes)))


def cannot_tell(because: str) -> Ruling:
    """The text does not decide; ``because`` says what is missing and what to compare."""
    return Ruling(Verdict.CANNOT_TELL, because)


def undecided(because: str) -> Check:
    """The check of a cause that no error text can decide; ``because`` says what to compare."""

    def check(case: Case) -> Ruling:
        return cannot_tell(because)

    return check
