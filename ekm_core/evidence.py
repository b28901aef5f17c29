"""Reads whatever a person pastes or uploads as evidence, of any cloud, into ``Exhibit``s.

In: any text. Out: ``Gathered``: one exhibit for each command's output, in the order of the text, and a sentence for
each thing that could not be read. Nothing here knows what an output means: that is each cloud's own evidence module.

Read are: a bundle (a JSON list of {"command", "output"}), one command's JSON, several JSON documents one after another
with or without prose between them, a terminal transcript (prompt, command, output), the same inside Markdown fences,
error texts of the clouds' CLIs, and Terraform. Secrets are removed before anything else. Time is linear in the text.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ekm_core import redact, strictjson
from ekm_core.model import Exhibit

MOST = 1000
"""How many exhibits one text may hold; a whole account's evidence is some fifty. It bounds time and memory."""

NOT_READ = "Not read by the live probe: "
"""What stands before a sentence of ours where a live call brought no answer of the cloud, not even an error."""

_MOST_PROBLEMS = 20
_LONGEST_COMMAND = 8_000
_LONGEST_ERROR = 20_000


class State(StrEnum):
    """What is known about one thing in the customer's cloud."""

    SEEN = "seen"
    ABSENT = "absent"  # the cloud itself said that it does not exist
    REFUSED = "refused"  # a permission was missing: could not check
    FAILED = "failed"  # no answer of the cloud about it, for another reason: could not check
    CONFLICTING = "conflicting"  # two pieces of evidence contradict each other
    NOT_GIVEN = "not_given"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended.

    state: SEEN, ABSENT, REFUSED or FAILED. sentence: says it to a person, "" for SEEN. permission: the one that was
    missing (``iam:GetRole``), or "" where the text does not name it.
    """

    state: State
    sentence: str = ""
    permission: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, read.

    service: the words before the verb, joined by blanks ("iam", "kms keys versions", "role assignment"). verb: the
    first word that reads ("get-role", "describe", "show"), else "". arguments: the plain words behind the verb.
    options: by name without dashes ("role-name"); "" where an option has no value.
    """

    program: str = ""
    service: str = ""
    verb: str = ""
    arguments: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    def option(self, *names: str) -> str:
        """The value of the first of these options that is given, or ""."""
        return next((self.options[name] for name in names if self.options.get(name)), "")


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a text held. problems: plain sentences. redactions: secrets removed, by kind."""

    exhibits: tuple[Exhibit, ...]
    problems: tuple[str, ...] = ()
    redactions: Mapping[str, int] = field(default_factory=dict)


# ------------------------------------------------------------------------------------------------- prompts and commands
# Every gap ends at a character that it cannot hold, so no line is tried in more than one way.
_PROMPT = (
    r"(?:\([^()\n]{1,60}\)[ ]?)?"  # (venv)
    r"(?:"
    r"(?:\[[^\[\]\n]{1,100}\]"  # [cloudshell-user@ip-10-0-0-1 ~]$
    r"|PS(?:[ ][^>\n]{1,200})?"  # PS C:\Users\me>
    r"|[A-Za-z]:\\[^>\n\"]{0,200}"  # C:\Users\me>
    r"|[\w.+-]{1,64}@[^$%#>\n\"{}]{1,200}"  # me@host:~/dir (project)$
    r"|[\w.-]{1,64}[ ]\[[^\[\]\n]{1,100}\]"  # me [ ~ ]$
    r"|[\w.-]{1,64}:[^$%#>\n\"{}\s]{0,100}[ ][\w.-]{1,64}"  # mac:dir me$
    r"|(?:ba|z)?sh-[\d.]{1,8}"
    r"|~[^$%#>\n\"{}]{0,100}"  # ~ $
    r")[ ]?[$%#>]|[$%❯➜›»])(?![^\s])"
)
_WORDS = r"(?:[A-Za-z_]\w{0,60}=[^\s]{0,200}[ ]){0,4}(?:sudo[ ])?"
# Without a prompt only what is plainly a command: "aws" also begins sentences.
_BARE = r"(?:aws[ ]+(?:--|iam[ ]|kms[ ]|sts[ ]|organizations[ ])|gcloud[ ]+[a-z-]+[ ]+[a-z-]|az[ ]+[a-z]+[ ]+[a-z-])"
_ANY = r"(?:aws|gcloud|az)(?:\.exe|\.cmd)?[ ]+[a-z-]"
# A known program is looked for first, since it begins the command behind any prompt, also one that we do not know.
_COMMAND = re.compile(
    rf"^(?:[^\n\"{{}}]{{0,160}}?[$%#>❯➜›»✗\])~][ \t]{{0,4}}(?={_WORDS}{_ANY})|(?={_WORDS}{_BARE})|{_PROMPT}[ \t]*)"
    r"(?P<command>[^\n]*)",
    re.MULTILINE,
)
# The line goes on behind a backslash (POSIX shells), a backtick (PowerShell) or a caret (cmd).
_GOES_ON = re.compile(r"(?:(?<=\s)|^)[\\`^][ \t]*\r?$")
_SECOND_PROMPT = re.compile(r"(?:>|>>|quote>|dquote>)[ ]")
_LOGIN = re.compile(r"\blogin\b")
# Commands that print nothing, and change who or where the following ones ask.
_PROFILE_SET = re.compile(
    r"""(?:export[ ]+|set[ ]+|\$env:)AWS_(?:DEFAULT_)?PROFILE[ ]?=[ ]?["']?(?P<set>[\w.@+-]{1,100})"""
    r"""|unset[ ]+AWS_(?:DEFAULT_)?PROFILE\b""",
    re.IGNORECASE,
)
_ACCOUNT_SET = re.compile(r"az[ ]+account[ ]+set\b")
_YAML_LINE = re.compile(r"^[ -]*[A-Za-z][A-Za-z0-9_.]{1,40}:(?: [^\n]*)?$", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[^\n]*$", re.MULTILINE)


def _sections(text: str) -> Iterator[tuple[str, int, int]]:
    """(command, start, end) of each piece of the text: first what stands before any command, with ""."""
    command, start, past = "", 0, 0
    for found in _COMMAND.finditer(text):
        if found.start() < past:
            continue  # a line that belongs to the command before it
        yield command, start, found.start()
        command, start = _whole_command(text, found.group("command"), found.end())
        past = start
    yield command, start, len(text)


def _whole_command(text: str, line: str, end: int) -> tuple[str, int]:
    """The command with its continuation lines, as one line, and where its output begins."""
    parts = []
    while _GOES_ON.search(line) and end < len(text):
        parts.append(_GOES_ON.sub("", line).strip())
        begin = end + 1
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end
        line = _SECOND_PROMPT.sub("", text[begin:end], count=1)
    parts.append(line.strip())
    return " ".join(part for part in parts if part), end


_READING_VERB = re.compile(r"(?:get|list|describe|show|lookup|search|version)(?:-[a-z-]+)?")
# Options that take no value and may stand before the words that matter.
_FLAGS = frozenset({"debug", "quiet", "q", "all", "verbose", "only-show-errors", "include-inherited", "include-groups"})
_ENDS = frozenset("|;&<>")


def command_of(exhibit: Exhibit) -> Command:
    """The exhibit's command line in its parts. Never raises; what cannot be read is left out."""
    words: list[str] = []
    options: dict[str, str] = {}
    tokens = _tokens(exhibit.command[:_LONGEST_COMMAND])
    while tokens and ("=" in tokens[0] or tokens[0] == "sudo"):
        del tokens[0]
    if not tokens:
        return Command()
    program = re.sub(r"\.(?:exe|cmd)$", "", re.split(r"[/\\]", tokens[0])[-1].lower())
    name = ""
    for token in tokens[1:]:
        if token.startswith("-") and len(token) > 1:
            name, equals, value = token.lstrip("-").partition("=")
            options[name] = value
            if equals or name in _FLAGS or name.startswith("no-"):
                name = ""
        elif name:
            options[name] = token
            name = ""
        else:
            words.append(token)
    at = next((place for place, word in enumerate(words) if _READING_VERB.fullmatch(word)), len(words))
    verb = words[at] if at < len(words) else ""
    return Command(program, " ".join(words[:at]), verb, tuple(words[at + 1 :]), options)


def _tokens(line: str) -> list[str]:
    """The shell words of the first simple command in the line."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="".join(sorted(_ENDS)))
    lexer.whitespace_split = True
    lexer.commenters = ""
    tokens: list[str] = []
    try:
        for token in lexer:
            if token and set(token) <= _ENDS:
                break
            tokens.append(token)
    except ValueError:  # a quote that is never closed
        return line.split()
    # Before a $ within double quotes a shell takes the backslash away (PowerShell its backtick), and shlex leaves it.
    return [token.replace("\\$", "$").replace("`$", "$") for token in tokens]


# ---------------------------------------------------------------------------------------------------------- documents
_OPENING = r"(?=\{|\[[ \t]*(?:[\[{\"\]\r\n]|$))"  # not the brackets of [INFO] or of our own [removed: …]
_DOCUMENT = re.compile(rf"^[ \t]*{_OPENING}", re.MULTILINE)
_NEXT_DOCUMENT = re.compile(rf"[\s,;]*{_OPENING}", re.MULTILINE)
# A string ends at its quote or, where that is missing, at the end of the line: no valid one holds a line break.
_BRACKET = re.compile(r'"(?:[^"\\\n]|\\.)*"?|[{}\[\]]')
_TERRAFORM = re.compile(
    r"^[ \t]*(?:(?:resource|data)[ \t]+\"[\w-]+\"[ \t]+\"[\w-]+\"|(?:variable|module|provider|output)[ \t]+\"[\w-]+\""
    r"|locals|terraform)[ \t]*\{",
    re.MULTILINE,
)


def _closed(text: str, start: int, end: int) -> int:
    """Where the brackets that open at ``start`` are closed; ``end`` where they never are."""
    depth = 0
    for found in _BRACKET.finditer(text, start, end):
        sign = found.group()
        if sign in "{[":
            depth += 1
        elif sign in "}]":
            depth -= 1
            if depth == 0:
                return found.end()
    return end


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a section: JSON text, Terraform, or (both false) prose."""

    start: int
    end: int
    document: bool = False
    terraform: bool = False


def _pieces(text: str, start: int, end: int) -> Iterator[_Piece]:
    done = start
    terraform = _TERRAFORM.search(text, start, end)
    document = _DOCUMENT.search(text, start, end)
    while terraform or document:
        if terraform and (document is None or terraform.start() <= document.start()):
            past = _terraform_end(text, terraform.end() - 1, end)
            piece = _Piece(terraform.start(), past, terraform=True)
        else:
            place = document.end() if document else end
            past = _closed(text, place, end)
            piece = _Piece(place, past, document=True)
        if piece.start > done:
            yield _Piece(done, piece.start)
        yield piece
        done = past
        if terraform and terraform.start() < done:
            terraform = _TERRAFORM.search(text, done, end)
        document = _NEXT_DOCUMENT.match(text, done, end) or _DOCUMENT.search(text, done, end)
    if end > done:
        yield _Piece(done, end)


def _terraform_end(text: str, brace: int, end: int) -> int:
    """Behind the last of the Terraform blocks that follow one another, comments and blanks between them included."""
    while True:
        past = _closed(text, brace, end)
        following = _TERRAFORM.search(text, past, end)
        if following is None or _DOCUMENT.search(text, past, following.start()):
            return past
        brace = following.end() - 1


# --------------------------------------------------------------------------------------------------------- the reading
def _nothing_found(text: str) -> str:
    """Why a text gave no exhibit, and what to paste in its place."""
    if not text.strip():
        return "There is nothing to read. Paste the command and all that it printed."
    if len(_YAML_LINE.findall(text[:10_000])) > 1:
        return (
            "This looks like YAML without the command that printed it, so we cannot tell what it shows. Paste the "
            "command's line above it, or run the command again with --format=json."
        )
    return "We found no output of a command in this text. Paste the command and all that it printed, as JSON."


def read(text: str, origin: str = "paste") -> Gathered:
    """Every exhibit in a text.

    text: anything; secrets are removed first. origin: where it comes from, in words, for the exhibits. Never raises.
    """
    redacted = redact.redact(text.removeprefix("\ufeff"))
    reader = _Reader(redacted.text, origin)
    for command, start, end in _sections(redacted.text):
        if len(reader.exhibits) > MOST:
            break
        reader.section(command, start, end)
    if len(reader.exhibits) > MOST:
        reader.problem(f"Only the first {MOST} outputs were read. Paste the commands of one role and one key alone.")
    elif not reader.exhibits and not reader.problems:
        reader.problem(_nothing_found(redacted.text))
    return Gathered(tuple(reader.exhibits[:MOST]), tuple(reader.problems), redacted.counts)


class _Reader:
    """Collects exhibits and problems of one text."""

    def __init__(self, text: str, origin: str) -> None:
        self.text = text
        self.origin = origin
        self.profile = ""  # of the AWS CLI, as the shell has it
        self.exhibits: list[Exhibit] = []
        self.problems: list[str] = []

    def problem(self, sentence: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(sentence)

    def add(self, command: str, output: object, text: str) -> None:
        self.exhibits.append(Exhibit(command, output, text, self.origin))

    def section(self, command: str, start: int, end: int) -> None:
        """The exhibits of one command's output (or of what stands before any command)."""
        if found := _PROFILE_SET.match(command):
            self.profile = found["set"] or ""
        elif self.profile and command.startswith("aws "):
            command = f"AWS_PROFILE={self.profile} {command}"
        prose: list[str] = []
        several = False
        for piece in _pieces(self.text, start, end):
            raw = self.text[piece.start : piece.end]
            if piece.terraform or piece.document:
                several = True
                if piece.terraform:
                    self.add(command, None, raw)
                else:
                    self.document(raw, piece.start, command)
            else:
                prose.append(_FENCE.sub("", raw).strip())
            if len(self.exhibits) > MOST:
                return
        words = "\n".join(part for part in prose if part)
        if _LOGIN.search(command):
            return  # the advice in an error text: "Please run: $ gcloud auth login"
        if not several and (inside := _inside_quotes(words)):
            self.document(inside, start, command)
        elif words and (_known_error(words) or (command and not several)):
            self.add(command, None, words)
        elif not words and not several and _ACCOUNT_SET.match(command):
            self.add(command, None, "")
        elif not words and not several and command_of(Exhibit(command, None, "")).program in ("aws", "gcloud", "az"):
            # Others, such as export, print nothing.
            self.problem(f"There is no output below the command “{_short(command)}”. Paste what it printed.")

    def document(self, raw: str, place: int, command: str) -> None:
        """One JSON document that begins at ``place``: a bundle of outputs, or one output."""
        parsed = strictjson.parse(raw)
        if parsed.valid and _is_bundle(parsed.value):
            self.bundle(parsed.value)
            return
        self.add(command, parsed.value, raw)
        if not parsed.valid and len(self.problems) < _MOST_PROBLEMS:
            # Blanks before the document make the places those of the whole paste.
            lines, column = self.text.count("\n", 0, place), place - self.text.rfind("\n", 0, place) - 1
            again = strictjson.parse("\n" * lines + " " * column + raw)
            for problem in again.problems:
                self.problem(problem.sentence)

    def bundle(self, items: list[Any]) -> None:
        for number, item in enumerate(items, 1):
            command = item.get("command") if isinstance(item, dict) else None
            if not isinstance(command, str) or "output" not in item:
                self.problem(f"Entry {number} of the bundle was not read: it needs a command and its output.")
                continue
            output = item["output"]
            if not isinstance(output, str):
                self.add(command, output, json.dumps(output, indent=2, ensure_ascii=False))
                continue
            if output.strip()[:1] not in ("{", "["):
                self.add(command, None, output)
                continue
            parsed = strictjson.parse(output)
            self.add(command, parsed.value, output)
            for problem in parsed.problems:
                self.problem(f"The output of entry {number} of the bundle cannot be read. {problem.sentence}")


def _inside_quotes(words: str) -> str:
    """The JSON inside a JSON string, as ``--query Policy`` prints it, or ""."""
    inside = strictjson.parse(words).value if words.startswith('"{') and words.endswith('"') else ""
    return inside if isinstance(inside, str) else ""


def _is_bundle(value: object) -> bool:
    """Whether it is a list in which anything has a command and an output."""
    return isinstance(value, list) and any(
        isinstance(item, dict) and {"command", "output"} <= set(item) for item in value
    )


def _short(words: str) -> str:
    return words if len(words) <= 100 else f"{words[:99]}…"


# ---------------------------------------------------------------------------------------------------- how it turned out
_NO_LOGIN = "The command line was not signed in, or its sign-in had expired. Sign in and run the command again."
_NETWORK = "The command could not reach the cloud. Check the network or the proxy and run it again."
_THROTTLED = "The cloud asked to slow down. Wait a minute and run the command again."
_WRONG_CALL = "The command itself was not accepted, so it shows nothing. Compare it with the one that we give."

# In this order: the first that matches decides. Each is a wording of the CLIs themselves or of the cloud's error code.
# Sources, read on 2026-11-23: awscli and botocore (exceptions.py, errorfactory), the AWS IAM, KMS and Organizations API
# references, google.rpc.Code, azure-core and the Azure Resource Manager error codes.
_FAILED_FIRST: tuple[tuple[str, str], ...] = (
    (
        r"ExpiredToken|InvalidClientTokenId|UnrecognizedClientException|SignatureDoesNotMatch|RequestExpired"
        r"|InvalidSignatureException|IncompleteSignature|MissingAuthenticationToken"
        r"|Unable to locate credentials|Partial credentials found|The config profile \(|session has expired"
        r"|Error (?:when retrieving|loading SSO) token|Token has expired and refresh failed"
        r"|There was a problem refreshing your current auth tokens|Reauthentication (?:failed|required)"
        r"|do not currently have an active account|UNAUTHENTICATED|invalid_grant"
        r"|Please run:? ['\"]?az login|Run the command below to authenticate|AADSTS\d{5,7}|InvalidAuthenticationToken"
        r"|ExpiredAuthenticationToken|No subscription found",
        _NO_LOGIN,
    ),
    (
        r"Could not connect to the endpoint URL|timed? ?out|timeout on endpoint|Connection was closed before"
        r"|Failed to connect to proxy|SSL validation failed|CERTIFICATE_VERIFY_FAILED|DEADLINE_EXCEEDED"
        r"|Name or service not known|Failed to resolve|getaddrinfo|Temporary failure in name resolution"
        r"|Max retries exceeded|Connection (?:refused|reset|aborted)|ProxyError|Network is unreachable",
        _NETWORK,
    ),
    (
        r"Throttl(?:ing|ed)|TooManyRequests|RequestLimitExceeded|Rate exceeded|RESOURCE_EXHAUSTED"
        r"|RATE_LIMIT_EXCEEDED|Quota exceeded",
        _THROTTLED,
    ),
    (
        r"ForbiddenByFirewall|ForbiddenByConnection|Public network access is disabled"
        r"|Client address is not authorized|VPC Service Controls|SECURITY_POLICY_VIOLATED",
        "A firewall or a network rule of the resource refused the place from which the command was run. "
        "Run it from a network that is allowed.",
    ),
    (r"is not allowed on a disabled key", "The key is disabled, so the vault does not show it."),
    (
        r"SERVICE_DISABLED|has not been used in project|API \[[\w.]+\] not enabled",
        "The cloud's API is not enabled in the project that was asked, so the command shows nothing else.",
    ),
    (
        r"SubscriptionNotFound|ResourceGroupNotFound|not found within subscription"
        r"|AWSOrganizationsNotInUseException",
        "The place that was searched does not exist or does not hold it. "
        "Check the account or the subscription and run the command again.",
    ),
)
_REFUSED = (
    r"AccessDenied|UnauthorizedOperation|AuthorizationError|not authorized to perform"
    r"|PERMISSION_DENIED|does not have permission to access|[Pp]ermission '?[\w.]+'? denied|IAM_PERMISSION_DENIED"
    r"|AuthorizationFailed|ForbiddenByRbac|ForbiddenByPolicy|\(Forbidden\)|Authorization_RequestDenied"
    r"|Insufficient privileges|does not have secrets|does not have keys|LinkedAuthorizationFailed"
    r"|insufficient permissions for this operation"
)
_ABSENT = (
    r"NoSuchEntity|NotFoundException|PolicyNotFound|\bNOT_FOUND\b|ResourceNotFound|KeyNotFound|SecretNotFound"
    r"|VaultNotFound|\(NotFound\)|Request_ResourceNotFound|does not exist or one of its queried reference-property"
)
_FAILED_LAST: tuple[tuple[str, str], ...] = (
    (
        r"^usage: |aws: error|\[ERROR\]|An error occurred|^ERROR: |INVALID_ARGUMENT|FAILED_PRECONDITION"
        r"|You must specify a region|Parameter validation failed|command not found|is not recognized as"
        r"|argument [^\n]{1,80}: |unrecognized arguments",
        _WRONG_CALL,
    ),
    (
        r"HTTP 50\d|ServiceUnavailable|InternalFailure|InternalError|\bUNAVAILABLE\b",
        "The cloud answered with an error of its own. Run the command again later.",
    ),
)
_ERRORS: tuple[tuple[re.Pattern[str], State, str], ...] = (
    *((re.compile(pattern), State.FAILED, sentence) for pattern, sentence in _FAILED_FIRST),
    (re.compile(_REFUSED), State.REFUSED, ""),
    (re.compile(_ABSENT), State.ABSENT, "The cloud said that it does not exist."),
    *((re.compile(pattern, re.MULTILINE), State.FAILED, sentence) for pattern, sentence in reversed(_FAILED_LAST)),
)
# The permission in the words of each cloud: "perform: iam:GetRole", "Permission 'cloudkms.cryptoKeys.get' denied",
# "perform action 'Microsoft.KeyVault/vaults/read'", "Action: 'Microsoft.KeyVault/vaults/keys/read'"; of OpenAI's API
# "Missing scopes: api.external_keys.read".
_PERMISSION = re.compile(
    r"to perform: (?P<aws>[\w-]+:\w+)|[Pp]ermission[ '\"\[]{1,3}(?P<gcp>[a-z]\w*\.\w+(?:\.\w+)?)"
    r"|action:? '(?P<azure>[\w.]+/[\w./*]+)'|Missing scopes?: (?P<openai>[a-z_]+(?:\.[a-z_]+)+)",
    re.IGNORECASE,
)


def _known_error(text: str) -> Outcome | None:
    """What an error text says, or None where it is none that we know."""
    text = text[:_LONGEST_ERROR]
    for pattern, state, sentence in _ERRORS:
        if pattern.search(text):
            if state is not State.REFUSED:
                return Outcome(state, sentence)
            found = _PERMISSION.search(text)
            permission = found.group(str(found.lastgroup)) if found else ""
            what = f"the permission {permission}" if permission else "a permission"
            return Outcome(state, f"The command was refused: whoever ran it lacks {what}.", permission)
    return None


# Entra's public description of a tenant. Of any other command these words mean that it was not signed in.
_DISCOVERY, _NO_TENANT = "/.well-known/openid-configuration", re.compile(r"AADSTS90002\b")
_GOOGLE_STS = "https://sts.googleapis.com/v1/token"


def outcome(exhibit: Exhibit) -> Outcome:
    """Whether the command found its resource, was told that there is none, was refused, or failed for another reason.

    Only the error texts of the clouds' own command lines count as ABSENT; where a cloud hides absence behind a denial
    (Google's "or it may not exist"), it is REFUSED.
    """
    output = exhibit.output
    if output is not None and (not _is_error_body(output) or _asks_token_service(exhibit)):
        return Outcome(State.SEEN)
    if output is None and exhibit.text.startswith(NOT_READ):
        return Outcome(State.FAILED, exhibit.text.removeprefix(NOT_READ))
    if _DISCOVERY in exhibit.command and _NO_TENANT.search(exhibit.text):
        return Outcome(State.ABSENT, "Microsoft Entra knows no tenant of this ID.")
    if known := _known_error(exhibit.text):
        return known
    if output is None and exhibit.text.lstrip()[:1] in ("{", "["):
        return Outcome(State.FAILED, "This output is not valid JSON, so it was not read.")
    return Outcome(State.FAILED, "This output is no JSON. Run the command again with its JSON output switched on.")


def _asks_token_service(exhibit: Exhibit) -> bool:
    """Whether Google's token service was asked, without credentials: there the refusal is what was to be seen."""
    return _GOOGLE_STS in exhibit.command and isinstance(exhibit.output.get("error"), str)


def is_terraform(exhibit: Exhibit) -> bool:
    """Whether the exhibit's text is Terraform."""
    return exhibit.output is None and _TERRAFORM.search(exhibit.text) is not None


def _is_error_body(output: object) -> bool:
    """Whether it is the JSON body of an error: {"error": {…}}, {"Error": {…}}, {"__type": …}, or one of OAuth's."""
    if not isinstance(output, dict):
        return False
    named = len(output) <= 3 and any(name in output for name in ("error", "Error", "__type"))
    return named or ("error" in output and "error_description" in output)
