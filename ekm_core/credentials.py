"""The credentials of a live probe: their kinds, and the reading of what a person pastes as one.

In: texts of a form, or an environment. Out: ``Given``: the credentials, or sentences that say why they cannot be used.
The repr of every kind shows nothing, and no sentence holds a part of a value, so that no log, traceback or page can
show a secret. Standard library only; nothing here calls anything.

Facts, read on 2026-11-27: AWS IAM "unique identifiers" (prefixes of ids) and "temporary security credentials"; Google
Cloud "types of tokens"; Microsoft identity platform "access tokens"; OpenAI "Administration API".
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import ipaddress
import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ekm_core.model import Provider


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """Keys of an AWS identity; session_token is "" for long-lived keys."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AwsProfile:
    """AMBIENT. A profile of this machine's AWS configuration; "" is the default chain of the SDK."""

    name: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class GcpToken:
    """A Google access token."""

    access_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GcpFile:
    """A Google credential file of a user or a service account, as JSON; ``guard.google_file`` has passed it."""

    document: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class GcpDefault:
    """AMBIENT. This machine's application-default credentials."""


@dataclass(frozen=True, slots=True)
class AzureTokens:
    """Azure access tokens, one an audience; "" where none was given."""

    arm: str = field(default="", repr=False)
    graph: str = field(default="", repr=False)
    vault: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AzureDeviceCode:
    """A person signs in while the probe runs: ``probing.step.ask`` shows the address and the code."""


@dataclass(frozen=True, slots=True)
class AzureDefault:
    """AMBIENT. What azure-identity finds on this machine: environment, managed identity, Azure CLI."""


@dataclass(frozen=True, slots=True)
class OpenAIKey:
    """A key of the OpenAI API."""

    key: str = field(repr=False)


Credentials = (
    AwsKeys | AwsProfile | GcpToken | GcpFile | GcpDefault | AzureTokens | AzureDeviceCode | AzureDefault | OpenAIKey
)

_KINDS: Mapping[str, tuple[type[Credentials], Provider]] = {
    "aws-keys": (AwsKeys, Provider.AWS),
    "aws-profile": (AwsProfile, Provider.AWS),
    "gcp-token": (GcpToken, Provider.GCP),
    "gcp-file": (GcpFile, Provider.GCP),
    "gcp-default": (GcpDefault, Provider.GCP),
    "azure-tokens": (AzureTokens, Provider.AZURE),
    "azure-device-code": (AzureDeviceCode, Provider.AZURE),
    "azure-default": (AzureDefault, Provider.AZURE),
    "openai-key": (OpenAIKey, Provider.OPENAI),
}
_AMBIENT = (AwsProfile, GcpDefault, AzureDefault)


def provider_of(credentials: Credentials) -> Provider:
    """Whose credentials they are."""
    return next(provider for kind, provider in _KINDS.values() if isinstance(credentials, kind))


def is_ambient(credentials: Credentials | None) -> bool:
    """Whether they are an identity of the machine that this program runs on, not one that the user gave."""
    return isinstance(credentials, _AMBIENT)


def dump(credentials: Credentials | None) -> dict[str, str] | None:
    """The credentials for the pipe to the child process, and for nothing else."""
    if credentials is None:
        return None
    name = next(name for name, (kind, _) in _KINDS.items() if isinstance(credentials, kind))
    return {"kind": name} | {item.name: getattr(credentials, item.name) for item in dataclasses.fields(credentials)}


def load(plain: Mapping[str, str] | None) -> Credentials | None:
    """What ``dump`` made. Raises KeyError or TypeError for anything else."""
    if plain is None:
        return None
    kind, _ = _KINDS[plain["kind"]]
    return kind(**{name: value for name, value in plain.items() if name != "kind"})


_SHORTEST_SECRET = 8


def secrets(*credentials: Credentials | None) -> tuple[str, ...]:
    """Every text in credentials that must not come back from a probe, the longest first.

    A hostile server may send back what it was sent, in a form that no redaction knows by its shape.
    """
    found: set[str] = set()
    for item in credentials:
        if item is None or isinstance(item, AwsProfile):
            continue
        values = [getattr(item, part.name) for part in dataclasses.fields(item)]
        if isinstance(item, GcpFile):
            document = json.loads(item.document)
            values += [document.get(name, "") for name in ("private_key", "refresh_token", "client_secret")]
        found.update(value for value in values if len(value) >= _SHORTEST_SECRET)
    return tuple(sorted(found, key=len, reverse=True))


# -------------------------------------------------------------------------------------------------------- what is local
LOCAL = "EKM_LOCAL_CREDENTIALS"
"""The switch: an environment variable of the server; 1 lets it use the credentials of its own machine."""

_PASSED_ON = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def ambient_allowed(environment: Mapping[str, str], address: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a visitor of the server may use the machine's own credentials: only who sits at it.

    environment: the server's. address: the one that it listens on; None or "" means all of them. headers: of the
    visitor's request. True only with the switch on, on a loopback address, for a request whose Host is loopback, too (a
    page elsewhere may point its own name at 127.0.0.1), and that no proxy passed on.
    """
    if environment.get(LOCAL) != "1" or not address or not _is_loopback(address):
        return False
    named = {name.lower(): value for name, value in headers.items()}
    if any(name in named for name in _PASSED_ON):
        return False
    host = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\[\]]+))(?::\d{1,5})?", named.get("host", ""))
    return host is not None and _is_loopback(host[1] or host[2])


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# ------------------------------------------------------------------------------------------------------ reading a paste
@dataclass(frozen=True, slots=True)
class Given:
    """What a person gave. credentials: None where they cannot be used. problems: why. advice: usable, but unwise."""

    credentials: Credentials | None
    problems: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


LONGEST = 64 * 1024
"""Characters of one field that are read; a service account's file has some three thousand."""

_QUOTES = "\"'`“”‘’„ \t\r\n\u00a0\u200b\ufeff"
_ASSIGNED = re.compile(
    r"(?:export\s+|set\s+|setx\s+|\$env:|-e\s+|\"?)(?P<name>[A-Za-z][A-Za-z_]{2,40})\"?\s*[=:]\s*"
    r"(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',;}]+)",
    re.IGNORECASE,
)


def _clean(text: str) -> str:
    """A pasted value without what stands around it, and without the line breaks of a narrow window."""
    text = text[:LONGEST].strip(_QUOTES)
    text = re.sub(r"^(?:authorization:\s*)?bearer\s+", "", text, flags=re.IGNORECASE)
    return re.sub(r"\s+", "", text)


def _assigned(text: str) -> dict[str, str]:
    """The values by name in pasted lines (``export AWS_…=``, ini, PowerShell, JSON), names in lower case, no dashes."""
    return {
        found["name"].lower().replace("_", ""): found["value"].strip(_QUOTES)
        for found in _ASSIGNED.finditer(text[:LONGEST])
    }


_AWS_NAMES: Mapping[str, str] = {
    "awsaccesskeyid": "access_key_id",
    "accesskeyid": "access_key_id",
    "awssecretaccesskey": "secret_access_key",
    "secretaccesskey": "secret_access_key",
    "awssessiontoken": "session_token",
    "sessiontoken": "session_token",
    "awssecuritytoken": "session_token",
}
_OTHER_IDS = {
    "AIDA": "a user's ID",
    "AROA": "a role's ID",
    "AGPA": "a group's ID",
    "ANPA": "a policy's ID",
    "ABIA": "a bearer token's ID",
    "ACCA": "the ID of a credential of another kind",
}
_TEMPORARY = "aws configure export-credentials --format env prints those of a role that you have assumed."


def aws_keys(access_key_id: str, secret_access_key: str = "", session_token: str = "") -> Given:
    """The keys in three fields; lines with all three, pasted whole into any of them, are understood."""
    fields = {"access_key_id": access_key_id, "secret_access_key": secret_access_key, "session_token": session_token}
    values: dict[str, str] = {}
    lines: dict[str, str] = {}
    for name, text in fields.items():
        # Only these names: the signs = at the end of a token look like an assignment, too.
        named = {_AWS_NAMES[found]: value for found, value in _assigned(text).items() if found in _AWS_NAMES}
        lines.update(named)
        values[name] = "" if named else _clean(text)
    values = {name: value or _clean(lines.get(name, "")) for name, value in values.items()}
    problems = [*_aws_id(values), *_aws_secret(values)]
    id, token = values["access_key_id"], values["session_token"]
    if not problems and id.startswith("ASIA") and not token:
        problems.append("These are temporary keys (ASIA…), which count only with their session token. Paste it, too.")
    if not problems and id.startswith("AKIA") and token:
        problems.append(
            "A session token belongs to temporary keys (ASIA…), but this access key ID is long-lived (AKIA…). Leave "
            "the token away, or paste the three values of one answer."
        )
    if token and not re.fullmatch(r"[A-Za-z0-9+/=_%-]{16,}", token):
        problems.append("The session token holds signs that none has. Copy it whole, without anything around it.")
    if problems:
        return Given(None, tuple(problems))
    advice: tuple[str, ...] = ()
    if not token:
        advice = (
            "These keys are long-lived: whoever gets hold of them can use them until you delete them. Better use "
            f"temporary ones: {_TEMPORARY}",
        )
    return Given(AwsKeys(**values), advice=advice)


def _aws_id(values: Mapping[str, str]) -> list[str]:
    id = values["access_key_id"]
    if not id:
        return ["The access key ID is missing. It begins with ASIA or AKIA."]
    if id[:4] in _OTHER_IDS:
        return [f"This is {_OTHER_IDS[id[:4]]}, not an access key ID. One begins with ASIA (temporary) or AKIA."]
    if id.startswith("arn:"):
        return ["This is an ARN, not an access key ID. One begins with ASIA (temporary) or AKIA."]
    if re.fullmatch(r"[0-9]{12}", id):
        return ["This is an account's number, not an access key ID. One begins with ASIA (temporary) or AKIA."]
    if re.fullmatch(r"(?:IQoJ|FwoG|FQoG).*", id):
        return ["The session token stands where the access key ID (ASIA…) belongs."]
    if not re.fullmatch(r"A[KS]IA[A-Z0-9]{12,124}", id):
        if re.fullmatch(r"[A-Za-z0-9/+=]{40}", id):
            return ["A secret access key stands where the access key ID (ASIA… or AKIA…) belongs."]
        return ["This is no access key ID. One begins with ASIA (temporary) or AKIA, then capital letters and digits."]
    return []


def _aws_secret(values: Mapping[str, str]) -> list[str]:
    secret = values["secret_access_key"]
    if not secret:
        return ["The secret access key is missing. It stands beside the access key ID in the same answer."]
    if re.match(r"A[KS]IA[A-Z0-9]{12}", secret):
        return ["An access key ID stands where the secret access key belongs."]
    if not re.fullmatch(r"[A-Za-z0-9/+=]{40}", secret):
        return ["This is no secret access key: one has exactly 40 letters, digits and the signs + and /."]
    return []


def aws_profile(name: str) -> Given:
    """A profile of this machine by its name; "" is the default chain."""
    name = name.strip()
    if len(name) > 128 or not name.isprintable():
        return Given(None, ("This is no profile's name. aws configure list-profiles prints those of this machine.",))
    return Given(AwsProfile(name))


_GCLOUD = "gcloud auth print-access-token prints one that is good for an hour."


def gcp(text: str) -> Given:
    """An access token, or a whole credential file of a user or a service account."""
    if text.strip(_QUOTES).startswith("{"):
        return _gcp_json(text)
    named = _assigned(text)
    assigned = next((value for name, value in named.items() if name.endswith("accesstoken")), "")
    token = _clean(assigned or text)
    problem = ""
    if not token:
        problem = f"There is no access token. {_GCLOUD}"
    elif token.startswith("eyJ"):
        problem = f"This is an ID token or another signed token, not an access token (ya29.…). {_GCLOUD}"
    elif token.startswith("AIza"):
        problem = f"This is an API key, which names a project and no person. An access token is needed. {_GCLOUD}"
    elif token.startswith("1//"):
        problem = f"This is a refresh token. We take only an access token (ya29.…), which ends by itself. {_GCLOUD}"
    elif token.startswith("GOCSPX-"):
        problem = f"This is the secret of an OAuth client, not an access token (ya29.…). {_GCLOUD}"
    elif "PRIVATEKEY" in token:
        problem = "This is a private key alone. Paste the whole JSON file of the service account, or an access token."
    elif not re.fullmatch(r"[A-Za-z0-9._~+/=-]{16,8192}", token):
        problem = f"This is no access token: one begins with ya29. and has no blanks. {_GCLOUD}"
    if problem:
        return Given(None, (problem,))
    unusual = () if token.startswith("ya29.") else ("Google's access tokens begin with ya29.; this one does not.",)
    return Given(GcpToken(token), advice=unusual)


def _gcp_json(text: str) -> Given:
    from ekm_core.probing import guard
    from ekm_core.probing.step import CallError

    try:
        document = json.loads(text[:LONGEST].strip(_QUOTES))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return Given(None, ("This JSON is cut off or damaged. Paste the whole file, or an access token (ya29.…).",))
    token = document.get("access_token") or document.get("token")
    if isinstance(token, str) and "type" not in document:
        return gcp(token)
    if "web" in document or "installed" in document:
        return Given(None, (f"This file names an OAuth client, no person. An access token is needed. {_GCLOUD}",))
    try:
        clean = guard.google_file(document)
    except CallError as problem:
        return Given(None, (problem.sentence,))
    needed = ("client_email", "private_key") if clean["type"] == "service_account" else ("client_id", "refresh_token")
    if not all(clean.get(name) for name in needed):
        return Given(None, (f"This credential file lacks {' or '.join(needed)}. Paste the whole file.",))
    advice = "This file is good until somebody revokes it. Better paste an access token, which ends after an hour: "
    return Given(GcpFile(json.dumps(clean)), advice=(f"{advice}gcloud auth print-access-token.",))


_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*")
_AUDIENCES: Mapping[str, str] = {
    "https://management.azure.com": "arm",
    "https://management.core.windows.net": "arm",
    "https://management.usgovcloudapi.net": "arm",
    "https://management.chinacloudapi.cn": "arm",
    "https://graph.microsoft.com": "graph",
    "00000003-0000-0000-c000-000000000000": "graph",
    "https://graph.microsoft.us": "graph",
    "https://microsoftgraph.chinacloudapi.cn": "graph",
    "https://vault.azure.net": "vault",
    "cfa8b339-82a2-471a-a3c9-0fc0be7a4093": "vault",
    "https://vault.usgovcloudapi.net": "vault",
    "https://vault.azure.cn": "vault",
}
AZURE_TOKENS: Mapping[str, str] = {
    "arm": "az account get-access-token --resource=https://management.azure.com --query=accessToken --output=tsv",
    "graph": "az account get-access-token --resource=https://graph.microsoft.com --query=accessToken --output=tsv",
    "vault": "az account get-access-token --resource=https://vault.azure.net --query=accessToken --output=tsv",
}
"""The command that prints the token of each audience."""

_LATEST = 10**11
"""No token ends so late, in seconds since 1970."""

_LABELS = {"arm": "Azure Resource Manager", "graph": "Microsoft Graph", "vault": "Key Vault"}


def claims(token: str) -> Mapping[str, Any]:
    """What a signed token says of itself, unproved; empty where it is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        found = json.loads(payload)
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def azure_tokens(*texts: str, now: float | None = None) -> Given:
    """Access tokens in any number of fields, in any order: each says by its audience what it is for.

    The whole JSON answer of ``az account get-access-token`` is understood, too. now: seconds since 1970, for tests.
    """
    moment = time.time() if now is None else now
    found: dict[str, str] = {}
    problems: list[str] = []
    for text in texts:
        unwrapped = re.sub(r"\s+", "", text[:LONGEST]) if text.count("eyJ") <= 2 else text[:LONGEST]
        tokens = _JWT.findall(unwrapped)
        if text.strip() and not tokens:
            problems.append(_no_azure_token(text.strip(_QUOTES)))
        for token in tokens:
            said = claims(token)
            place = _AUDIENCES.get(str(said.get("aud", "")).rstrip("/"))
            expires = _expires(said)
            if place is None:
                problems.append(_other_audience(said))
            elif expires <= moment:
                ago = _minutes(moment - expires)
                problems.append(
                    f"The token for {_LABELS[place]} expired {ago} ago. Get a new one: {AZURE_TOKENS[place]}"
                )
            else:
                found[place] = token
    if not problems and not found:
        problems.append(f"There is no access token. {AZURE_TOKENS['arm']} prints one.")
    if problems:
        return Given(None, tuple(dict.fromkeys(problems)))
    advice = [
        f"Without a token for {_LABELS[place]} a part cannot be read: {AZURE_TOKENS[place]}"
        for place in _LABELS
        if place not in found
    ]
    soon = [
        f"The token for {_LABELS[place]} expires in less than 5 minutes."
        for place, token in found.items()
        if _expires(claims(token)) - moment < 300
    ]
    return Given(AzureTokens(**found), advice=(*soon, *advice))


def _expires(said: Mapping[str, Any]) -> float:
    """When a token ends, in seconds since 1970; infinite where it names no moment."""
    found = said.get("exp")
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < _LATEST:
        return math.inf
    return found


def _minutes(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{max(1, minutes)} minute{'s' if minutes > 1 else ''}"
    return f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def _no_azure_token(text: str) -> str:
    if re.match(r"[01]\.A", text):
        return f"This is a refresh token. We take only access tokens (eyJ…). {AZURE_TOKENS['arm']} prints one."
    if re.search(r"[0-9]Q~", text):
        return f"This is a client's secret. We take only access tokens (eyJ…). {AZURE_TOKENS['arm']} prints one."
    if text.startswith("eyJ"):
        return "This token is cut off: an access token has three parts with a dot between them. Copy it whole."
    return f"This is no access token (eyJ…). {AZURE_TOKENS['arm']} prints one."


def _other_audience(said: Mapping[str, Any]) -> str:
    if "nonce" in said or ("name" in said and "scp" not in said and "roles" not in said and "appid" not in said):
        return f"This is an ID token, which says who you are and opens nothing. {AZURE_TOKENS['arm']} prints another."
    return (
        "This token is for another service than Azure Resource Manager, Microsoft Graph or Key Vault. "
        f"{AZURE_TOKENS['arm']} prints one for the first."
    )


def openai_key(text: str) -> Given:
    """An admin key of the OpenAI API."""
    named = _assigned(text)
    key = _clean(next((value for name, value in named.items() if name.startswith("openai")), "") or text)
    where = "Admin keys are made on platform.openai.com under Settings, Organization, Admin keys."
    if not key:
        return Given(None, (f"There is no key. {where}",))
    if re.fullmatch(r"sk-admin-[A-Za-z0-9_-]{16,512}", key):
        return Given(OpenAIKey(key))
    if "*" in key or "…" in key or "..." in key:
        return Given(None, ("This is a key's masked form, as a list shows it. Paste the key itself.",))
    if key.startswith("sk-admin"):
        return Given(None, ("This admin key is cut off or holds signs that none has. Copy it whole.",))
    if key.startswith("sk-"):
        kind = "service account's" if key.startswith("sk-svcacct-") else "project's"
        return Given(
            None, (f"This is a {kind} key. External keys are managed with an admin key (sk-admin-…). {where}",)
        )
    if key.startswith(("org-", "proj_")):
        return Given(None, (f"This is an ID, not a key. An admin key begins with sk-admin-. {where}",))
    return Given(None, (f"This is no key of the OpenAI API. An admin key begins with sk-admin-. {where}",))


def from_environment(provider: Provider, environment: Mapping[str, str]) -> Given:
    """What the usual environment variables of a person's own shell give for one provider, else what the machine has."""
    if provider is Provider.AWS:
        if environment.get("AWS_ACCESS_KEY_ID"):
            names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
            return aws_keys(*(environment.get(name, "") for name in names))
        return aws_profile(environment.get("AWS_PROFILE", ""))
    if provider is Provider.GCP:
        token = environment.get("CLOUDSDK_AUTH_ACCESS_TOKEN") or environment.get("GOOGLE_OAUTH_ACCESS_TOKEN")
        return gcp(token) if token else Given(GcpDefault())
    if provider is Provider.AZURE:
        return Given(AzureDefault())
    return openai_key(environment.get("OPENAI_ADMIN_KEY", ""))
