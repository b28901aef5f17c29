"""Undoes wrappers and escapes, so that a signature meets the sentence as its author wrote it.

What people paste went through terminals, loggers, JSON in JSON, Markdown and HTML on its way. One pass with one regular
expression undoes all of it and remembers where every piece came from, so that a match can be shown in the user's own
text. All quantifiers are possessive or bounded: the pass is linear on any input. (Why a group that is repeated
possessively is atomic as well stands in tests/test_patterns.py.)
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby, pairwise

# One character for one: offsets stay as they are.
_REPLACED: dict[int, str] = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}  # full-width forms
_REPLACED.update(dict.fromkeys(range(0xD800, 0xE000), "\ufffd"))  # halves of a character
for _plain, _fancy in (
    ("'", "‘’‚‛′´ʼ"),
    ('"', "“”„‟″«»「」『』"),
    (" ", "\u00a0\u2007\u202f\u3000\u2002\u2003\u2009"),
    ("-", "‐‑‒–—−"),
):
    _REPLACED.update(dict.fromkeys(map(ord, _fancy), _plain))

_FANCY = re.compile(f"[{re.escape(''.join(map(chr, _REPLACED)))}]")

_TIMESTAMP = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?>[.,]\d{1,9})?+(?>Z|[+-]\d\d:?\d\d)?+[ \t|:-]*+"
# What journals, container tools and build servers write before every line.
_JOURNAL = r"[A-Z][a-z]{2}\ {1,2}\d{1,2}\ \d\d:\d\d:\d\d\ [\w.-]{1,60}+\ [\w./-]{1,40}+(?>\[\d{1,7}+\])?+:\ "
_CONTAINER = r"[\w.-]{1,40}+(?<=[_-]\d)\ {1,20}+\|\ "
_LOGGED = rf"{_TIMESTAMP}|{_JOURNAL}|{_CONTAINER}|\#\#\[\w{{1,10}}+\]"
_GUTTER = rf"(?:(?:[│┃║╷╵|#!*•❱→;%~$+-]{{1,3}}+|=>)(?=\s)|[│┃║]|>{{1,3}}+|/{{2,3}}+(?=\s)|\\(?=\ )|{_LOGGED})"
_BLANK = r"(?>\s|\\++[nrt\n\r])"
_AFTER_LINE = rf"{_BLANK}*+(?>{_GUTTER}{_BLANK}*+)*+"
_IN_LINE = r"(?>[^\S\n\r]|\\++t)*+"
# Two bars side by side are where one line of a frame ended and the next began.
_TO_NEXT_LINE = rf"{_IN_LINE}(?>[│┃║|]{_IN_LINE})?+(?:[\n\r]|\\++[nr\n\r]|(?<=│)│){_AFTER_LINE}"
_INVISIBLE = r"\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u00ad"
_COLOUR = r"\[\d{0,3}(?>;\d{1,3}){0,5}+m"
# The sign before a colour's codes, as loggers and programs for the terminal spell it.
_ESCAPE_SIGN = r"(?:u001[bB]|x1[bB]|033|e)"
_TAGS = (
    r"code|pre|em|strong|span|tt|div|br|td|tr|li|p|b|i|u|th|ul|ol|dd|dt|hr|h[1-6]|font|mark|kbd|samp|wbr|table|tbody|thead"
    r"|blockquote"
)
_NAMED_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">", "nbsp": " ", "ndash": "-", "mdash": "-"}
_NAMED_CHARACTERS.update({"quot": '"', "ldquo": '"', "rdquo": '"', "apos": "'", "lsquo": "'", "rsquo": "'"})

# Gutters at the very beginning, where no line break announces them.
_LEAD = re.compile(rf"\s*+(?>{_GUTTER}\s*+)++")

# All noise begins with one of a few characters, taken first: ``re`` skips everything else at full speed. A look-behind
# at that character then leads each alternative; no group captures, which would cost more than the alternatives do.
_ASCII_MARKS = r"\\&%<\x1b\[`*^#"
_MARKS = rf"{_ASCII_MARKS}âÂ␛\ufffd{_INVISIBLE}"
_MARKED = rf"""
        (?<=[\n\r]){_AFTER_LINE}
        | (?<=[^\S\ \n\r])(?:{_TO_NEXT_LINE}|{_BLANK}*+)
        | (?<=\\)\\*+(?:
            [nr\n\r]{_AFTER_LINE} | t(?:{_TO_NEXT_LINE}|{_BLANK}*+) | {_ESCAPE_SIGN}{_COLOUR}
            | u(?:00[0-9a-fA-F]|20[0-6])[0-9a-fA-F] | x(?:[2-5][0-9a-fA-F]|60) | ["'/`&<>{{}}\[\]_*\#+=~-]?+
        )
        | (?<=&)(?:amp;){{0,3}}(?:{"|".join(_NAMED_CHARACTERS)}|\#\d{{2,5}}|\#[xX][0-9a-fA-F]{{2,4}});
        | (?<=%)(?:25){{0,3}}(?:
            (?:20|0[aAdD])(?>%(?:25){{0,3}}(?:20|0[aAdD]))*+ | 2[1-9a-fA-F]|3[a-fA-F]|40|5[b-dB-D]|60|7[b-dB-D]
        )
        | (?<=<)(?:/?+(?:{_TAGS})(?>\s[^<>\n]{{0,200}}+)?+/?+|a\s[^<>\n]{{0,200}}+|/a)>
        | (?<=\x1b)(?:\[[0-9;?]*+[A-Za-z]|\][^\x07\x1b\n]{{0,400}}+(?:\x07|\x1b\\))
        | (?<=\[)\d{{1,3}}(?>;\d{{1,3}}){{0,5}}+m
        | (?<=\^)\[{_COLOUR}
        | (?<=\#)033{_COLOUR}
        | (?<=[␛\ufffd]){_COLOUR}
        | (?<=Â)\ | (?<=â)€[™˜œ"\x9d\ufffd]
        | (?<=[{_INVISIBLE}])[{_INVISIBLE}]*+
        | (?<=`)`*+
        | (?<=\*)(?<!\*\*)\*(?!\*)
"""
_PREFIX = r"[$@bBfFrRuU]?"
_OPENS_PIECE = rf"{_PREFIX}[\"'](?=[\w/<(*&]|['\"][\w/<*])"
_NEXT_PIECE = rf"(?>\ \\|[\ \r\\])?+\n\s{{0,40}}+{_PREFIX}[\"'](?=[\w/<(*&\ ]|['\"][\w/<*])"


def _noise(marks: str = _MARKS, more: str = "") -> re.Pattern[str]:
    """All noise, and more that begins with other marks.

    A blank between two words, the most frequent of the marks, is dismissed before any alternative is tried.
    """
    return re.compile(
        rf"""
        [\s│┃║|"'{marks}](?<!\ (?![\s\\│┃║|]))
        (?:
            (?<=\ )(?=[\s\\│┃║|])(?:{_TO_NEXT_LINE}|{_BLANK}++)
            | (?<=[│┃║|]){_IN_LINE}(?:[\n\r]|\\++[nr\n\r]){_AFTER_LINE}
            | (?<=["'])\s{{0,40}}+\+\s{{0,40}}+{_OPENS_PIECE}
            | (?<=\s["']){_NEXT_PIECE} | (?<=["']){_NEXT_PIECE}(?=\ )
            | (?<=')'(?=[\w/<*.\[]) | (?<=")"(?=[\w/<*.\[]) | (?<=[\w/>*\]]')' | (?<=[\w/>*\]]")"
            | {_MARKED}{more}
        )
        """,
        re.VERBOSE,
    )


_NOISE = _noise()
# Mail breaks its lines at 76 characters, behind an equals sign, and spells others than plain letters by their bytes.
_MAIL_BREAK = re.compile(r"(?m)^[^\n]{50,75}=\r?\n")
_BROKEN = r"(?:\r?\n=)?"  # a break within a character
_MAIL_NOISE = _noise(
    f"{_MARKS}=",
    rf" | (?<==)(?:\r?\n|2[0-9A-F]|3[A-F]|5[B-D]|0[9AD]|C2={_BROKEN}A0|E2={_BROKEN}80={_BROKEN}9[1-489CD])",
)
_MAIL_QUOTES = {"98": "'", "99": "'", "9C": '"', "9D": '"', "A0": " "}
# Most texts have none of these, and no other characters than those of ASCII. Then no noise begins with a quote, a bar
# or, if there is but one between two words, with a blank: what is left is found in half the time.
_CONCATENATED = re.compile(rf"\+\s*{_PREFIX}[\"']")
# From the line break on, which is rarer than quotes are.
_NEXT_LITERAL = re.compile(rf"\n(?:(?<=[\"']\n)|(?<=[\"'][ \r\\]\n)|(?<=[\"'] \\\n))\s*+{_PREFIX}[\"']")
_BAR_AT_END = re.compile(r"\|\s*[\n\r\\]")
_LONG_RUN = " " * 20
_UNSEEN = re.compile(f"[{_INVISIBLE}]")
_EASY_NOISE = re.compile(rf"[\t-\r\x1c-\x1f{_ASCII_MARKS}](?:{_MARKED})", re.VERBOSE)
# A form's field, as it stands in the address that a browser was sent back to, or as libraries for phones log it.
_FORMS = (
    re.compile(r"error_description=[^\s&\"<>]{1,4000}"),
    re.compile(r"AADSTS\d{4,8}(?::|%3[aA])(?=\+)[^\s&\"<>]{1,4000}"),
)
# The same without a name: words joined by plus signs, and signs that are escaped.
_FORM = re.compile(r"[^\s&\"<>=]{20,4000}+")
_FORM_SIGN = re.compile(r"%[0235][0-9a-fA-F]")
_FORM_BLANK = re.compile(r"[\w.:,;'%)\]]\+[A-Za-z(\[%]")
_FORM_BLANKS = 3

# What shows that a window's edge, and no writer, broke the lines: see ``_cuts``. In characters.
_NARROWEST = 60
_RAGGED = 10
_USUAL_WIDTHS = (80, 100, 120, 132)
_FRAME = re.compile(r"(?<=(\S))( +)│(?:\r?\n)?│( +)(?=(\S))")
_LEADS = re.compile(r"(?>[\s│┃║|]|>\s|#\s)*+")
_INSIDE = re.compile(r"[\w:/.,'\"*=@(){}\[\]-][\w:/.,'\"=@(){}\[\]]")

# What a logger writes before every line: words that the line above has too, but for the digits of times and numbers.
_MOST_BEFORE = 100
_LEVELS = r"trace|debug|info|notice|warn|warning|error|err|fatal|critical|severe|stderr|stdout|[DEIW]"
_LIKE_LOGGED = re.compile(
    rf"\n[ \t]*+(?:[\[(<#|]|\d|[A-Z]\d|(?i:{_LEVELS})(?!\w)|(?:[^\s\"'{{}}]{{1,60}}+[ \t]++){{1,2}}[\[(|\d])"
)
_LOG_WORD = re.compile(r"\s*+(\S++)(\s++)")
_LEVEL = re.compile(rf"\[?(?:{_LEVELS})\]?:?", re.IGNORECASE)
_ENDS_LOGGED = re.compile(r"[\[(<].*[\])>]:?|.*[]|│:]|[→-]++|AM|PM|UTC|[A-Z]")
_SAID = re.compile(r"['\"=]|://|arn:|AADSTS|(?<![\w-])\d{12}")
_DIGITS = re.compile(r"\d++")
_ZEROS = {ord(digit): "0" for digit in "123456789"}

_WORDS_WITHIN = frozenset(
    ("code", "em", "strong", "span", "tt", "b", "i", "u", "font", "mark", "kbd", "samp", "wbr", "a")
)
# Quotes of UTF-8 that were read as Windows-1252; those for a dash end in what is a curly quote by itself.
_MISREAD = {"™": "'", "˜": "'", "œ": '"', "\x9d": '"', "\ufffd": '"', '"': "-"}


def _character(code: int) -> str:
    """The character in normal form; nothing for one that is not seen."""
    character = chr(code)
    if code < 0x20 or character.isspace():
        return " "
    character = character.translate(_REPLACED)
    return "" if _UNSEEN.match(character) else character


def _unescaped(escaped: str) -> str:
    """What is to stand in place of an escape, of which the backslashes are off."""
    if not escaped:
        return "\\"
    if escaped.endswith("m") and "[" in escaped:  # a colour
        return ""
    if escaped[0] in "ux":
        return _character(int(escaped[1:], 16))
    return " " if escaped[0] in "nrt\n\r" else escaped


def _replacement(match: re.Match[str]) -> str:
    found = match.group()
    first = found[0]
    if first == "\\":
        return _unescaped(found.lstrip("\\"))
    if first in " \n\r\t│┃║|" or first.isspace():
        return " "
    if first == "%":
        return _character(int(found[-2:], 16))
    if first == "&":
        name = found[1:-1].rpartition(";")[2]
        if name[0] != "#":
            return _NAMED_CHARACTERS[name]
        return _character(int(name[2:], 16) if name[1] in "xX" else int(name[1:]))
    if first == "<":
        return "" if re.split(r"[\s/>]", found.lstrip("</"), maxsplit=1)[0].lower() in _WORDS_WITHIN else " "
    if found in ("''", '""'):
        return first
    if first == "=":
        if found[-1] == "\n":
            return ""
        return _character(int(found[1:], 16)) if len(found) == 3 else _MAIL_QUOTES.get(found[-2:], "-")
    if first in "âÂ":
        return _MISREAD.get(found[-1], " ")
    return ""


def _easy_replacement(match: re.Match[str]) -> str:
    """As ``_replacement``; a blank before a line break or the like is not part of the match, and stays in its place."""
    start = match.start()
    if start and match.string[start - 1] == " ":
        found = match.group()
        if found[0].isspace() or (found[0] == "\\" and found.lstrip("\\")[:1] in ("n", "r", "t", "\n", "\r")):
            return ""
    return _replacement(match)


@dataclass(frozen=True, slots=True)
class Normalised:
    """Text in normal form. ``starts`` and ``origins`` say where each piece of it begins, here and in the source."""

    text: str
    starts: tuple[int, ...] = (0,)
    origins: tuple[int, ...] = (0,)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the source of the non-empty slice ``text[start:end]``."""
        return self._origin(start), self._origin(max(end - 1, start)) + 1

    def _origin(self, offset: int) -> int:
        piece = bisect_right(self.starts, offset) - 1
        return self.origins[piece] + offset - self.starts[piece]


def whole_characters(text: str) -> str:
    """The text with two halves of a character joined, and U+FFFD for a half that stands alone.

    Such halves come from JSON escapes ("\\ud800"); no file can hold one and RE2 takes none.
    """
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _cuts(text: str) -> frozenset[int]:
    """The line breaks that a terminal made in the midst of words, because its window ended there.

    Such lines are all of one width, and that the greatest (or one less, where a blank at the end was lost). A writer
    who breaks between words leaves ragged lines.
    """
    if text.count("\n") < 2:
        return frozenset()
    lines = text.split("\n")
    width = max(map(len, lines))
    if width < _NARROWEST:
        return frozenset()
    running = max(len(list(run)) for full, run in groupby(lines, lambda line: len(line) == width) if full)
    if running < (2 if width in _USUAL_WIDTHS else 3):
        return frozenset()
    if any(width - _RAGGED <= len(line) < width - 1 for line in lines[:-1]):
        return frozenset()
    found = []
    at = -1
    lead = _common_lead([line for line in lines[1:] if line])
    for line, following in pairwise(lines):
        at += len(line) + 1
        if len(line) == width and _INSIDE.match(line[-1] + following[lead : lead + 1]):
            found.append(at)
    return frozenset(found)


def _logged(line: str, above: str) -> int:
    """How many characters a logger wrote before the line as it did before the one above; 0 where that is unclear."""
    end = at = at_above = 0
    logged = False
    while at < _MOST_BEFORE and (word := _LOG_WORD.match(line, at)) and (other := _LOG_WORD.match(above, at_above)):
        read, read_above = word[1], other[1]
        if _SAID.search(read):
            break
        counts = sum(map(str.isalpha, read)) <= 2 and _DIGITS.search(read) is not None
        # At the very beginning of a line it is somebody who tells their story.
        level = _LEVEL.fullmatch(read) is not None and (at > 0 or read != "I")
        if counts:
            same = _DIGITS.sub("0", read) == _DIGITS.sub("0", read_above)
        else:
            same = read == read_above or (level and _LEVEL.fullmatch(read_above) is not None)
        if not same:
            break
        at, at_above = word.end(), other.end()
        logged = logged or counts or level or read[0] in "[(<|"
        if counts or level or "\t" in word[2] or _ENDS_LOGGED.fullmatch(read):
            end = at
    return end if logged else 0


def _without_logged(text: str) -> str:
    """The text with tabs in place of what stands before a line as before the line above it.

    The first of such lines keeps it: what is no logger's after all is not lost.
    """
    pieces: list[str] = []
    done = last = 0
    head = ""
    for match in _LIKE_LOGGED.finditer(text):
        start = match.start() + 1
        begin = text.rfind("\n", 0, start - 1) + 1
        first = text[begin]
        if first != text[start] and not (first.isdigit() and text[start].isdigit()):
            continue
        line = text[start : start + 2 * _MOST_BEFORE].partition("\n")[0]
        if not head or begin != last or line[: len(head)].translate(_ZEROS) != head:
            above = text[begin : min(start - 1, begin + 2 * _MOST_BEFORE)]
            head = line[: _logged(line, above)].translate(_ZEROS)
        last = start
        if head:
            pieces += (text[done:start], "\t" * len(head))
            done = start + len(head)
    return "".join([*pieces, text[done:]]) if pieces else text


def _common_lead(lines: list[str]) -> int:
    """How many blanks and gutters every one of the lines has before it."""
    least, most = min(lines), max(lines)
    same = next((at for at, pair in enumerate(zip(least, most, strict=False)) if pair[0] != pair[1]), len(least))
    lead = _LEADS.match(least, 0, same)
    return lead.end() if lead else 0


def _frame_cuts(text: str) -> frozenset[int]:
    """The breaks that a framed view in a terminal made in the midst of words, by the blank before the frame's bar.

    Such a view fills its lines: beside the blank at the bar there is at most one more, from between two words. A frame
    around lines that were broken between words has lines that end shortly before the bar.
    """
    found = []
    begin = 0
    for match in _FRAME.finditer(text):
        before, after = len(match[2]), len(match[3])
        if 2 < before <= _RAGGED:
            return frozenset()
        if before == after == 1 and match.start() - begin >= _NARROWEST and _INSIDE.match(match[1] + match[4]):
            found.append(match.start())
        begin = match.end()
    return frozenset(found)


def _replacing(text: str, shift: int = 0) -> Callable[[re.Match[str]], str]:
    """What is to stand in place of each piece of noise in the text, of which ``shift`` characters are left out."""
    cuts = _cuts(text) | _frame_cuts(text) if "│" in text else _cuts(text)
    if not cuts:
        return _replacement
    return lambda match: "" if match.start() + shift in cuts else _replacement(match)


def _form_words(match: re.Match[str]) -> str:
    found = match.group()
    if _FORM_SIGN.search(found) and len(_FORM_BLANK.findall(found)) >= _FORM_BLANKS:
        return found.replace("+", " ")
    return found


def _readable(text: str) -> str:
    """The text with one character for one: plain quotes and blanks, and blanks for the plus signs of a form."""
    if not text.isascii() and _FANCY.search(text):
        text = text.translate(_REPLACED)
    if "\n" in text:
        text = _without_logged(text)
    if "+" in text:
        for form in _FORMS:
            text = form.sub(lambda match: match.group().replace("+", " "), text)
        if _FORM_SIGN.search(text):
            text = _FORM.sub(_form_words, text)
    return text


def single_blanks(text: str) -> str:
    """The text with one blank for each run of them."""
    first, *others = text.split("  ")
    if not others:
        return first
    parts = [part.lstrip(" ") for part in others]  # the odd blank of a run leads the part behind it
    return " ".join([first, *filter(None, parts[:-1]), parts[-1]])


def _noise_of(text: str) -> re.Pattern[str]:
    """What to undo in the text: in what mail has broken, its own escapes too."""
    return _MAIL_NOISE if "=" in text and _MAIL_BREAK.search(text) else _NOISE


def _is_easy(text: str) -> bool:
    return (
        text.isascii()
        and _LONG_RUN not in text
        and "''" not in text
        and '""' not in text
        and not _BAR_AT_END.search(text)
        and not ("+" in text and _CONCATENATED.search(text))
        and not ("\n" in text and ("=\n" in text or "=\r" in text or _NEXT_LITERAL.search(text)))
    )


def plain(text: str) -> str:
    """The normal form alone, where nobody will ask for places (triage)."""
    text = _readable(text)
    easy = _is_easy(text) and not _cuts(text)
    if easy:
        text = single_blanks(text)
    lead = _LEAD.match(text)
    shift = lead.end() if lead else 0
    noise, replacing = (_EASY_NOISE, _easy_replacement) if easy else (_noise_of(text), _replacing(text, shift))
    return (" " if lead else "") + noise.sub(replacing, text[shift:])


def normalise(text: str) -> Normalised:
    """Any pasted text in normal form: single blanks, straight quotes, no escapes, gutters or markup.

    The result's ``text`` equals ``plain(text)``.
    """
    text = _readable(text)
    pieces: list[str] = []
    starts: list[int] = [0]
    origins: list[int] = [0]
    length = done = 0
    lead = _LEAD.match(text)
    shift = lead.end() if lead else 0
    if lead:
        pieces.append(" ")
        length, done = 1, shift
        starts.append(length)
        origins.append(done)
    replacement = _replacing(text, shift)
    # Without what leads it, so that no look-behind sees that: it is not in the normal form either.
    for match in _noise_of(text).finditer(text[shift:] if lead else text):
        start, end = match.start() + shift, match.end() + shift
        new = replacement(match)
        length += start - done
        pieces.append(text[done:start])
        pieces.append(new)
        done = end
        if new and end - start == 1:  # one character for one: the piece goes on
            length += 1
            continue
        if new:
            starts.append(length)
            origins.append(start)
            length += 1
        starts.append(length)
        origins.append(end)
    if not pieces:
        return Normalised(text)
    pieces.append(text[done:])
    return Normalised("".join(pieces), tuple(starts), tuple(origins))
