"""The first call on everything pasted or raised: takes secrets out and says how many of which kind.

In: any text. Out: ``Redacted``, the same text with each secret replaced by a marker such as
``[removed: AWS secret key]``, and the count by kind. Nothing is stored or logged; the value is never kept.

What goes: keys, tokens, passwords, private keys, signatures, cookies, e-mail addresses. What stays, because the
diagnosis needs it: account ids, ARNs, key ids, tenant and organization ids, external ids, request ids, hashes,
ciphertext, and Google service-account names (they look like e-mail addresses and are identifiers).

How: one RE2 set over the heads of all rules decides which rules run at all, so that a text without secrets costs
microseconds. Rules find spans; a span's end is found by a scanner that never goes back, so time is linear in the text.
A secret's shape is taken from the issuer's own format where it has one; else its name (``client_secret``) decides.
All work is on UTF-8 bytes, so that broken characters of a paste do no harm.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import re2

from ekm_core import normalise

# No real message holds so many secrets of one kind; beyond them the rest is removed unread, which keeps time bounded.
MOST = 4000
# Each round only shortens what is not yet a marker; real texts are stable after the first.
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text without its secrets.

    counts: removals by kind, in the words of the markers, such as ``{"AWS secret key": 1}``. Markers that already
        stood in the text are not counted again.
    """

    text: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Rule:
    """One way of finding secrets.

    gate: RE2, without case: must match wherever ``find`` could yield something; decides whether ``find`` runs.
    find: yields (start, end, kind) in order, without overlap.
    """

    gate: bytes
    find: Callable[[bytes], Iterator[tuple[int, int, str]]]


# The kinds, as people read them. The e-mail marker has no blank, so that the ARN of a session named after a person
# (arn:aws:sts::123456789012:assumed-role/Role/user@example.com) stays one word.
_EMAIL = "e-mail"
_REST = "the rest, which holds too many secrets"
KINDS = (
    "AWS access key id",
    "AWS secret key",
    "AWS session token",
    "private key",
    "private key id",
    "JWT",
    "bearer token",
    "authorization header",
    "client secret",
    "OpenAI key",
    "OpenAI admin key",
    "API key",
    "account key",
    "shared access signature",
    "request signature",
    "password",
    "password in a URL",
    "Google token",
    "GitHub token",
    "Slack token",
    "token",
    "plaintext",
    "cookie",
    _EMAIL,
    _REST,
)


def _marker(kind: str) -> bytes:
    return f"[removed:{kind}]".encode() if kind == _EMAIL else f"[removed: {kind}]".encode()


_MARKERS = {kind: _marker(kind) for kind in KINDS}
_MARKER = re.compile(b"|".join(re.escape(marker) for marker in _MARKERS.values()))


def _options(case: bool) -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = case
    options.max_mem = 64 << 20
    options.log_errors = False
    return options


def _re2(pattern: bytes, *, case: bool = True) -> re2._Regexp:
    return re2.compile(pattern, _options(case))


# ---------------------------------------------------------------------------------------------- names and their values
# A quote at any depth of escaping: \" \\\" &quot; %22 %2522 \u0022.
_QUOTES = rb"(?:[\"'`\\\]]|\xe2\x80[\x98-\x9f]|&quot;|&#3[49];|%(?:25)*(?:22|27|5C)|\\u002[27])*"
_EQUALS = (
    rb"(?:\s|%(?:25)*20)*(?:\[[^\]\n]{0,40}\])?\s*(?::=|=>|[=:]|&gt;|%(?:25)*3[AD]|\\+u003[ade])"
    # ">" at the beginning of a line quotes that line, as in mail and Markdown.
    rb"|(?:[ \t]|%(?:25)*20)*(?:\[[^\]\n]{0,40}\][ \t]*)?>"
    # {"name": "DB_PASSWORD", "value": "…"} and the same in YAML
    rb"|\s*,\s*" + _QUOTES + rb"value" + _QUOTES + rb"\s*[:=]|\s+value:"
)
_BEFORE_PARAMETER = rb"(?:^|[?&;,{\s\"'\\]|&amp;|\\+u0026|%(?:25)*26)"

# Each kind with the names that carry it and what its value must look like (see _is_value).
_ANY, _GIVEN, _RANDOM, _LONG = "any", "given", "random", "long"
_NAMES: tuple[tuple[str, str, bytes], ...] = (
    ("", "", rb"(?:request|next|page|continuation|idempotency|cancellation)[_ .-]?token|token[_ .-]?request[_ .-]?id"),
    ("password", _ANY, rb"pass(?:word|wd|phrase|code)|pwd|[\"'_.-]pass"),
    ("AWS session token", _GIVEN, rb"(?:session|security)[_ .-]?token"),
    ("AWS secret key", _GIVEN, rb"secret[_ .-]?access[_ .-]?key"),
    (
        "client secret",
        _GIVEN,
        rb"(?:client|app|application|consumer|webhook|signing|shared)[_ .-]?secret(?:[_ .-]?value)?"
        rb"|secret[_ .-]?(?:text|string|value|key)",
    ),
    ("API key", _GIVEN, rb"(?:api|subscription|access|admin|openai|functions)[_ .-]?key"),
    ("account key", _GIVEN, rb"(?:account|shared[_ -]?access|primary|secondary)[_ .-]?key"),
    ("private key id", _GIVEN, rb"private[_ .-]?key[_ .-]?id"),
    ("private key", _GIVEN, rb"private[_ .-]?key"),
    ("plaintext", _RANDOM, rb"plaintext"),
    ("request signature", _GIVEN, rb"x-amz-(?:signature|credential)"),
    ("request signature", _LONG, rb"signature"),
    ("shared access signature", _RANDOM, _BEFORE_PARAMETER + rb"sig"),
    ("token", _RANDOM, rb"(?:[?&]|&amp;|\\+u0026|%(?:25)*26)code"),
    ("token", _RANDOM, rb"token|assertion|saml_?response"),
    ("client secret", _RANDOM, rb"secret"),
    ("cookie", "", rb"(?:set-)?cookie"),
    ("authorization header", "", rb"authorization"),
)
_NAME = b"|".join(b"(" + names + b")" for _, _, names in _NAMES)
_NAMED_GATE = rb"(?:" + b"|".join(names for _, _, names in _NAMES) + rb")" + _QUOTES + rb"(?:" + _EQUALS + rb")"
_NAMED = _re2(rb"(?:" + _NAME + rb")" + _QUOTES + rb"(?:" + _EQUALS + rb")(?:[ \t]|%(?:25)*20)*", case=False)
_FLAG_NAMES = rb"(?:password|secret|secret-access-key|token|api-key|account-key|sas-token)"
_FLAG = _re2(rb"--(?:[a-z]+-)*" + _FLAG_NAMES + rb"[ \t]+([^\s-])", case=False)

_OPEN = re.compile(
    rb"[ubrf@$]?(?P<slashes>\\*+)(?P<quote>[\"'`]|\xe2\x80[\x98\x9c]|&quot;|&#3[49];|%(?:25){0,3}2[27]|u002[27])", re.I
)
_OPEN_BEFORE = re.compile(rb"(?P<slashes>\\*+)(?P<quote>[\"'])\Z")
_CURLY = re.compile(rb"\xe2\x80[\x99\x9d]|[\"'\n]")
_PLAIN = {
    quote: re.compile(rb"[^\\\n" + quote + rb"]*+(?>\\[^\n][^\\\n" + quote + rb"]*+)*+") for quote in (b'"', b"'", b"`")
}
# An unquoted value: up to a blank or quote; & ; , end it only where the next parameter or a blank follows.
_BARE = re.compile(
    rb"(?>[^\s\"'`<>&;,\\\x00-\x1f%]++"
    rb"|[&;,](?!\s|$|amp;|quot;|gt;|lt;|#3[49];|[\"'\\}\]]|[\w.%-]{1,40}+[\"']?[=:])"
    rb"|%(?!(?:25){0,3}(?:26|22|27|0[AD]))|\\(?![nrtu\"'`\\/]))++",
    re.I,
)
# In a form body that is itself percent-encoded (%3D) the next parameter begins at %26, in a plain one at &.
_BARE_PLAIN = re.compile(_BARE.pattern.replace(rb"(?:26|22|27|0[AD])", rb"(?:22|27|0[AD])"), re.I)
_TAG = re.compile(rb"[^<&\r\n]*+")
_LINE = re.compile(rb"[^\r\n]*+")
# A cookie header in a log runs to the end of its line, or to the quote that closes the string it stands in.
_COOKIES = re.compile(
    rb"(?>[^\r\n\\\"']++|\\++(?![nr\"'])|(?:\\*+[\"'])(?!\s{0,9}+(?:[,}\])]|$|\n|-))|\\+\\(?=[nr]))*+", re.I
)
# "password: NoCredentialProviders: no valid …", "token: expired at …": a plain word that more words or a colon follow.
_SENTENCE = re.compile(rb"[A-Za-z]++(?::|[,.]?[ \t]{1,9}+(?![\w.-]{1,40}+[=:])[A-Za-z])")
_PLACEHOLDER = re.compile(
    rb"[*x.\xe2\x80\xa6-]++|<[^<>]{0,80}>|\$\{[^{}]*\}|\$\{\{[^{}]*\}\}|\$\([^()]*\)?|\$[A-Z_][A-Z0-9_]*+|%[A-Z_]+%"
    rb"|\{\{[^{}]*\}{0,2}|null|none|nil|undefined|true|false|redacted|hidden|\((?:sensitive|known|hidden)\b[^()]{0,40}\)?"
    rb"|\[(?:redacted|removed|masked|hidden|filtered)\b[^\[\]]{0,40}\]?|your[_-][a-z_-]*"
    rb"|(?:var|process\.env|os\.environ|secrets)\.[a-z_.]++",
    re.I,
)
# What has digits and letters and is no secret: a GUID, an ARN, a URL, a resource name, a path, StatusCode=403.
_IDENTIFIER = re.compile(
    rb"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
    rb"|(?:arn:|https?:|projects/|organizations/|\[?//[a-z]{2,20}\.googleapis\.com/).*|[~.]{0,2}(?>/[a-z0-9._-]++){2,}+/?|[A-Za-z]++=[A-Za-z0-9]++",
    re.S,
)
_SCHEME = re.compile(
    rb"(?:bearer|basic|token|negotiate|ntlm|apikey|api-key|sharedkey(?:lite)?)(?>\s|\+|%20){1,9}+", re.I
)


def _is_random(value: bytes, least: int) -> bool:
    """Whether the value looks made by a machine: one word with digits and letters, no identifier that must stay."""
    return (
        len(value) >= least
        and not re.search(rb"\s", value)
        and re.search(rb"[0-9]", value) is not None
        and re.search(rb"[A-Za-z]", value) is not None
        and b"..." not in value
        and not _IDENTIFIER.fullmatch(value)
    )


def _is_value(value: bytes, rule: str, explicit: bool) -> bool:
    """Whether this is the secret itself, not a placeholder, a word of a sentence or the start of a structure."""
    if not value or _PLACEHOLDER.fullmatch(value):
        return False
    if rule == _ANY:
        return True
    if rule == _GIVEN:
        return _is_random(value, 8) or (explicit and len(value) >= 4) or len(value) >= 32
    if rule == _LONG:
        return _is_random(value, 28)
    return _is_random(value, 12)


def _quoted_end(text: bytes, start: int, slashes: int, quote: bytes) -> int:
    """Where the string that opened before ``start`` ends; the end of the line where it is not closed there.

    A quote closes a string that opened with k backslashes if it has k itself, after pairs of escaped backslashes.
    """
    if quote in _PLAIN and not slashes:
        found = _PLAIN[quote].match(text, start)
        return found.end() if found else start
    if quote.startswith(b"\xe2"):
        closing = _CURLY.search(text, start)
        return closing.start() if closing else len(text)
    newline = text.find(b"\n", start)
    limit = len(text) if newline < 0 else newline
    if quote not in _PLAIN:
        # &quot; or %22 or \u0022: the same spelling closes it
        end = text.find(quote, start, limit)
        return limit if end < 0 else end - (slashes if quote.startswith(b"u") else 0)
    position = start
    for _ in range(MOST):
        at = text.find(quote, position, limit)
        if at < 0:
            return limit
        before = at
        while before > start and text[before - 1] == 0x5C:
            before -= 1
        if (at - before) % (2 * slashes + 2) == slashes:
            return at - slashes
        position = at + 1
    return limit


def _bare_end(text: bytes, start: int, pattern: re.Pattern[bytes]) -> int:
    """Where an unquoted value ends; markers inside it belong to it as a whole."""
    end = start
    while found := pattern.match(text, end):
        at = text.find(b"[removed:", end, found.end())
        marker = _MARKER.match(text, at) if at >= 0 else None
        if not marker:
            return found.end()
        end = marker.end()
    return end


def _value(text: bytes, start: int, *, tag: bool, encoded: bool) -> tuple[int, int, bool]:
    """The span of the value that begins at ``start``, and whether it was quoted. Markers before it are stepped over."""
    opened = _OPEN.match(text, start)
    if opened:
        start = opened.end()
    while marker := _MARKER.match(text, start):
        start = marker.end()
    if opened:
        return start, _quoted_end(text, start, len(opened["slashes"]), opened["quote"]), True
    if tag:
        found = _TAG.match(text, start)
        return start, found.end() if found else start, True
    end = _bare_end(text, start, _BARE if encoded else _BARE_PLAIN)
    while end > start and text[end - 1] in b")}],.;:":
        end -= 1
    return start, end, False


def _cookie(text: bytes, name: int, start: int) -> tuple[int, int]:
    """The span of the value of a cookie header: a header without ``=`` is a sentence about cookies.

    The header may be one string ('Cookie: a=b'): then the quote before its name, at ``name``, closes it.
    """
    opened = _OPEN.match(text, start)
    before = _OPEN_BEFORE.search(text, max(0, name - 24), name)
    if opened:
        start = opened.end()
    while marker := _MARKER.match(text, start):
        start = marker.end()
    if opened:
        end = _quoted_end(text, start, len(opened["slashes"]), opened["quote"])
    elif before:
        end = _quoted_end(text, start, len(before["slashes"]), before["quote"])
    else:
        found = _COOKIES.match(text, start)
        end = found.end() if found else start
    return (start, end) if b"=" in text[start:end] else (start, start)


def _authorization(text: bytes, start: int) -> tuple[int, int, str]:
    """The credential behind an Authorization header's scheme (the scheme stays), and its kind."""
    opened = _OPEN.match(text, start)
    begin = opened.end() if opened else start
    scheme = _SCHEME.match(text, begin)
    if scheme:
        begin = scheme.end()
    while marker := _MARKER.match(text, begin):
        begin = marker.end()
    end = _bare_end(text, begin, _BARE_PLAIN)
    value = text[begin:end]
    if _PLACEHOLDER.fullmatch(value) or not (scheme or _is_random(value, 16)):
        return begin, begin, ""
    # WWW-Authenticate style: Bearer authorization="https://…" names an address, not a token
    if value.endswith(b"=") and text[end : end + 1] in (b'"', b"\\"):
        return begin, begin, ""
    bearer = scheme is not None and scheme.group().lower().startswith(b"bearer")
    return begin, end, "bearer token" if bearer else "authorization header"


def _find_named(text: bytes) -> Iterator[tuple[int, int, str]]:
    """Values that stand behind a telling name: JSON, YAML, environment, forms, URLs, headers, XML."""
    position = 0
    while found := _NAMED.search(text, position):
        start = found.end()
        which = next(number for number in range(1, len(_NAMES) + 1) if found.start(number) >= 0)
        kind, rule, _ = _NAMES[which - 1]
        name_end = found.end(which)
        separator = text[name_end:start].strip().lower()
        position = start
        within = text.rfind(b"[removed:", max(0, found.start() - 60), name_end)
        if within >= 0 and (marker := _MARKER.match(text, within)) and marker.end() >= name_end:
            # the word of one of our own markers
            position = marker.end()
            continue
        if kind == "cookie":
            begin, end = _cookie(text, found.start(which), start)
        elif kind == "authorization header":
            begin, end, kind = _authorization(text, start)
        elif not kind:
            continue
        else:
            encoded = b"%" in separator
            begin, end, quoted = _value(text, start, tag=separator.endswith((b">", b"&gt;", b"003e")), encoded=encoded)
            value = text[begin:end]
            explicit = quoted or encoded or separator.endswith(b"=")
            # arn:aws:secretsmanager:eu-west-1:123456789012:secret:name
            part = separator == b":" and text[found.start() - 1 : found.start()] == b":"
            opening = not quoted and value[:1] in (b"{", b"[") and not separator.endswith(b"=")
            directory = found.group(which).lower().endswith(b"pwd") and value[:1] in (b"/", b"~")
            blank = text[start - 1 : start] in (b" ", b"\t")
            prose = blank and not explicit and _SENTENCE.match(text, begin) is not None
            if part or opening or directory or prose or not _is_value(value, rule, explicit):
                continue
        if end > begin:
            position = end
            yield begin, end, kind


def _find_flags(text: bytes) -> Iterator[tuple[int, int, str]]:
    """``--client-secret X`` and its like, where a blank stands between name and value."""
    for found in _FLAG.finditer(text):
        begin, end, _ = _value(text, found.start(1), tag=False, encoded=False)
        if end > begin and not _PLACEHOLDER.fullmatch(text[begin:end]):
            yield begin, end, "client secret" if b"secret" in found.group().lower() else "password"


_LOGIN = _re2(rb"\b(?:az|docker|podman|oc|helm registry)\s+login\b[^\n]*", case=False)
_SHORT_FLAG = re.compile(rb"\s-p[ =]{0,3}+(?=[^\s-])")


def _find_logins(text: bytes) -> Iterator[tuple[int, int, str]]:
    """``az login … -p X``: a short flag that only there means a password."""
    for line in _LOGIN.finditer(text):
        flag = _SHORT_FLAG.search(text, line.start(), line.end())
        if flag:
            begin, end, _ = _value(text, flag.end(), tag=False, encoded=False)
            if end > begin and not _PLACEHOLDER.fullmatch(text[begin:end]):
                yield begin, end, "password"


# ------------------------------------------------------------------------------------------------------------- shapes
# What may stand right before a token: no letter or digit, or the tail of an escape (\n, \u003d, %3D).
_EDGE = rb"(?:^|[^A-Za-z0-9]|\\[nrtbf]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2})"
_Accept = Callable[[bytes, "re2._Match"], bool]


def _always(text: bytes, found: re2._Match) -> bool:
    return True


def _shape(kind: str, gate: bytes, pattern: bytes, accept: _Accept = _always, *, case: bool = True) -> _Rule:
    """A rule for secrets that show by their form; the pattern's group 1 is the secret."""
    compiled = _re2(pattern, case=case)

    def find(text: bytes) -> Iterator[tuple[int, int, str]]:
        for found in compiled.finditer(text):
            if accept(text, found):
                yield *found.span(1), kind

    return _Rule(gate, find)


def _is_bearer(text: bytes, found: re2._Match) -> bool:
    value, end = found.group(1), found.end(1)
    if value.endswith(b"=") and text[end : end + 1] in (b'"', b"\\"):
        return False
    return re.search(rb"[0-9]", value) is not None


def _is_basic(text: bytes, found: re2._Match) -> bool:
    """Whether the word behind ``Basic`` is base64 of ``user:password``."""
    value = found.group(1)
    try:
        return b":" in base64.b64decode(value[: len(value) // 4 * 4], validate=True)
    except binascii.Error:
        return False


def _is_stray_value(text: bytes, found: re2._Match) -> bool:
    return _is_random(found.group(1), 16)


def _find_emails(text: bytes) -> Iterator[tuple[int, int, str]]:
    """E-mail addresses of people; Google's service accounts and git@host stay."""
    for found in _ADDRESS.finditer(text):
        start, end = found.span()
        domain = found.group(1).lower()
        if domain.endswith((b"gserviceaccount.com", b".iam")) or b".iam." in domain:
            continue
        if start and text[start - 1] == 0x5C and text[start] in b"nrt":
            start += 1
        if text[start:end].startswith((b"git@", b"@")):
            continue
        yield start, end, _EMAIL


_ADDRESS = _re2(rb"[A-Za-z0-9._+-]+(?:@|%(?:25)*40)((?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24})")

# The line that shows a key id, and the next one, are where its secret half is pasted.
_KEY_CONTEXT = _re2(
    rb"(?:AKIA|ASIA)[A-Z0-9]{12}|(?i:secret[_ -]?access[_ -]?key)|"
    + re.escape(_MARKERS["AWS access key id"])
    + rb"|"
    + re.escape(_MARKERS["AWS secret key"])
)
_BASE64_40 = re.compile(rb"(?:(?<![A-Za-z0-9+/=])|(?<=\\[nrt]))[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=])")


def _find_stray_aws_secrets(text: bytes) -> Iterator[tuple[int, int, str]]:
    """40 characters of base64 that stand alone on the line of an AWS key id or on the line after it."""
    position = 0
    while found := _KEY_CONTEXT.search(text, position):
        begin = max(position, text.rfind(b"\n", position, found.start()) + 1)
        end = text.find(b"\n", found.end())
        position = len(text) if end < 0 else end + 1
        end = text.find(b"\n", position)
        end = len(text) if end < 0 else end
        for candidate in _BASE64_40.finditer(text, begin, end):
            value = candidate.group()
            if all(re.search(kind, value) for kind in (rb"[0-9]", rb"[a-z]", rb"[A-Z]")):
                yield *candidate.span(), "AWS secret key"
                position = max(position, candidate.end())


_PEM_BEGIN = _re2(
    rb"-{2,5}[ +]?BEGIN(?:[ +]|%20)(?:[A-Z0-9]+(?:[ +]|%20))*PRIVATE(?:[ +]|%20)KEY(?:[ +]BLOCK)?[ +]?-{2,5}"
)
_PEM_END = _re2(
    rb"-{2,5}[ +]?END(?:[ +]|%20)(?:[A-Z0-9]+(?:[ +]|%20))*PRIVATE(?:[ +]|%20)KEY(?:[ +]BLOCK)?(?:[ +]?-{1,5})?"
)
_PEM_GAP = rb"(?:\\+[nr]|[\s|>#\"'\\])*"
_PEM_HEADLESS = _re2(
    rb"((?:[A-Za-z0-9+/=]{16,}"
    + _PEM_GAP
    + rb")+[A-Za-z0-9+/=]{0,15}"
    + _PEM_GAP
    + rb")-{2,5}END [A-Z0-9 ]*PRIVATE KEY"
)
_PEM_BODY = re.compile(
    rb"(?>(?>[\s\\|>#\"'`+,.]|\xe2\x80\xa6)*+[A-Za-z0-9+/=%]{16,}+)*+"
    rb"(?:[\s\\|>#\"'`+,]{1,40}+[A-Za-z0-9+/=]{1,15}+(?=\s*+(?:$|\n|\\|\"|'|\.\.|\xe2\x80\xa6|-)))?"
)
_LONGEST_PEM = 32_768


def _find_private_keys(text: bytes) -> Iterator[tuple[int, int, str]]:
    """Private-key blocks: whole, cut off at either end, on one line or many, escaped to any depth."""
    position = 0
    end = _PEM_END.search(text)
    for begin in _PEM_BEGIN.finditer(text):
        if begin.start() < position:
            continue
        while end and end.start() < begin.end():
            end = _PEM_END.search(text, end.end())
        body = _PEM_BODY.match(text, begin.end())
        stop = body.end() if body else begin.end()
        if end and end.start() - begin.end() <= _LONGEST_PEM:
            following = _PEM_BEGIN.search(text, begin.end(), end.start())
            stop = following.start() if following else end.end()
        yield begin.start(), stop, "private key"
        position = stop


def _find_headless_keys(text: bytes) -> Iterator[tuple[int, int, str]]:
    """The tail of a private key whose first line was not copied."""
    for found in _PEM_HEADLESS.finditer(text):
        yield *found.span(1), "private key"


_OPENAI_KEY = _re2(_EDGE + rb"(sk-[A-Za-z0-9_*-]{12,})")


def _find_openai_keys(text: bytes) -> Iterator[tuple[int, int, str]]:
    """OpenAI's keys. Which kind it was decides what an error means that quotes one."""
    for found in _OPENAI_KEY.finditer(text):
        value = found.group(1)
        if re.match(rb"sk-admin[^a-z]", value):
            yield *found.span(1), "OpenAI admin key"
        # sk-learn-something is no key: keys hold digits, or are masked with stars
        elif re.search(rb"[0-9*]|^sk-(?:proj|svcacct)-", value):
            yield *found.span(1), "OpenAI key"


_B64 = rb"[A-Za-z0-9_+/=-]"
_SECRET_WORDS = (
    rb"(?:pass(?:word|wd|phrase)|secret|token|(?:api|access|account|secret)[_ -]?key)"
    rb"(?:[ \t]+(?:is|was))?[ \t]+[\"'\\]*"
)

_RULES: tuple[_Rule, ...] = (
    _Rule(rb"-{2}[ +]?BEGIN[ +%]", _find_private_keys),
    _Rule(rb"-{2}END [A-Z0-9 ]*PRIVATE KEY", _find_headless_keys),
    _shape(
        "password in a URL",
        rb"://[^\s/@\"']*:[^\s/]*@",
        rb"[A-Za-z][A-Za-z0-9+.-]*://[^\s/@:\"'<>]*:([^\s/\"'<>]+)@",
        lambda text, found: not _PLACEHOLDER.fullmatch(found.group(1)),
    ),
    _Rule(_NAMED_GATE, _find_named),
    _Rule(rb"--(?:[a-z]+-)*" + _FLAG_NAMES + rb"[ \t]+[^\s-]", _find_flags),
    _Rule(rb"login\b[^\n]*\s-p", _find_logins),
    _shape("JWT", rb"eyJ[a-z0-9_+/-]{5}", _EDGE + rb"(eyJ[A-Za-z0-9_+/-]{5,}=*(?:\.[A-Za-z0-9_+/=-]+)*)"),
    _shape(
        "bearer token",
        rb"bearer(?:\s|%20|\+)",
        rb"\bbearer(?:\s|%20|\+)+([A-Za-z0-9._~+/=-]{8,})",
        _is_bearer,
        case=False,
    ),
    _shape(
        "authorization header", rb"basic\s[a-z0-9+/]{8}", rb"\bbasic\s+([A-Za-z0-9+/]{8,}=*)", _is_basic, case=False
    ),
    _shape(
        "AWS session token",
        rb"IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz|AQoDYXdz",
        rb"((?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz|AQoDYXdz)(?:" + _B64 + rb"|%2[BF]|%3D)*)",
    ),
    _shape("AWS access key id", rb"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12}", rb"((?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,})"),
    _Rule(rb"(?:AKIA|ASIA)[A-Z0-9]{12}|secret[_ -]?access[_ -]?key|\[removed: AWS", _find_stray_aws_secrets),
    _Rule(rb"sk-[a-z0-9_*-]{12}", _find_openai_keys),
    _shape(
        "client secret",
        rb"[0-9]Q(?:~|%7E)|GOCSPX-",
        rb"([A-Za-z0-9_~.-]{3}[0-9]Q(?:~|%7E)(?:[A-Za-z0-9_~.-]|%7E){12,}|GOCSPX-[A-Za-z0-9_-]{10,})",
    ),
    _shape(
        "Google token",
        rb"ya29\.|1(?:/|%(?:25)*2F){2}0|AIza",
        rb"(ya29\.[A-Za-z0-9_.-]{8,}|AIza[A-Za-z0-9_-]{20,}|1(?:/|%(?:25)*2F){2}0[A-Za-z0-9_-]{20,})",
    ),
    _shape(
        "GitHub token",
        rb"gh[pousr]_|github_pat_|glpat-",
        _EDGE + rb"(gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|glpat-[A-Za-z0-9_-]{16,})",
    ),
    _shape(
        "Slack token",
        rb"xox[a-z]-|xapp-|hooks\.slack\.com",
        _EDGE + rb"((?:xox[a-z]|xapp)-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/[A-Za-z0-9/]{10,})",
    ),
    # "… your API key 1234abcd…": a name, a blank and a value that only a machine writes
    _shape(
        "token",
        _SECRET_WORDS + rb"[a-z0-9+/=_~.-]{16}",
        _SECRET_WORDS + rb"([A-Za-z0-9+/=_~.-]{16,})",
        _is_stray_value,
        case=False,
    ),
    _Rule(rb"(?:@|%(?:25)*40)[a-z0-9-]+\.[a-z0-9]", _find_emails),
)


def _gates() -> re2.Set:
    gates = re2.Set.SearchSet(_options(case=False))
    for rule in _RULES:
        gates.Add(rule.gate)
    gates.Compile()
    return gates


_GATES = _gates()
GATE = b"|".join(b"(?:" + rule.gate + b")" for rule in _RULES)
"""RE2 over UTF-8 bytes as LATIN1, without case: where it matches nowhere, ``redact`` changes nothing."""


def _apply(text: bytes, rule: _Rule, counts: dict[str, int]) -> bytes:
    """The text with the rule's spans replaced; adds to ``counts``."""
    pieces: list[bytes] = []
    done = 0
    for number, (start, end, kind) in enumerate(rule.find(text)):
        if number == MOST:
            if not text.endswith(_MARKERS[_REST]):
                counts[_REST] = counts.get(_REST, 0) + 1
            pieces += (text[done:start], _MARKERS[_REST])
            return b"".join(pieces)
        counts[kind] = counts.get(kind, 0) + 1
        pieces += (text[done:start], _MARKERS[kind])
        done = end
    if not pieces:
        return text
    pieces.append(text[done:])
    return b"".join(pieces)


_NOTHING: Mapping[str, int] = MappingProxyType({})


def redact(text: str) -> Redacted:
    """Takes every secret out of ``text``.

    Never raises. Redacting a redacted text changes nothing and counts nothing. Time is linear in the text's length.
    Lone halves of characters become U+FFFD, so that whoever reads the result may encode it.
    """
    text = normalise.whole_characters(text)
    data = text.encode()
    rules = _GATES.Match(data)
    if not rules:
        return Redacted(text, _NOTHING)
    counts: dict[str, int] = {}
    for _ in range(ROUNDS):
        before = data
        for number in sorted(rules):
            data = _apply(data, _RULES[number], counts)
        if data is before:
            break
        rules = _GATES.Match(data) or ()
    if not counts:
        return Redacted(text, _NOTHING)
    return Redacted(data.decode("utf-8", "replace"), MappingProxyType(counts))
