"""What a probe may call: no address comes from a user, no name that is not of legal form, no private network.

A value that may not be used raises CallError (FORBIDDEN_TARGET) with a sentence. ``watch`` is the second line: in the
child process it refuses connections that the checks of names should never have let come about.

Facts, read on 2026-11-27: Azure's sovereign clouds (learn.microsoft.com, "Azure Government developer guide", "Azure
China developer guide", Key Vault "vaults, keys and secrets overview"); AWS partitions (botocore's partitions.json);
credential files (google-auth 2.63, AIP-4110 and AIP-4117).
"""

from __future__ import annotations

import ipaddress
import re
import socket
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ekm_core.model import Configuration
from ekm_core.probing.step import CallError, Trouble
from ekm_core.strictjson import placeholders
from ekm_core.values import FIELDS


def _refuse(sentence: str) -> CallError:
    return CallError(Trouble.FORBIDDEN_TARGET, sentence)


# --------------------------------------------------------------------------------------------------------------- Azure
@dataclass(frozen=True, slots=True)
class AzureCloud:
    """The hosts of one of Azure's clouds. vaults: the suffix of its vaults' hosts, with its leading dot."""

    vaults: str
    login: str
    arm: str
    graph: str


PUBLIC_AZURE = AzureCloud(
    ".vault.azure.net", "login.microsoftonline.com", "management.azure.com", "graph.microsoft.com"
)
AZURE_CLOUDS = (
    PUBLIC_AZURE,
    AzureCloud(
        ".vault.azure.cn", "login.chinacloudapi.cn", "management.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn"
    ),
    AzureCloud(
        ".vault.usgovcloudapi.net", "login.microsoftonline.us", "management.usgovcloudapi.net", "graph.microsoft.us"
    ),
)

_GUID = FIELDS["tenant_id"].pattern
_VAULT_NAME = FIELDS["vault"].pattern
_AZURE_KEY = re.compile(r"[0-9A-Za-z-]{1,127}")


@dataclass(frozen=True, slots=True)
class Vault:
    """A vault that may be called. host: ``<name>.vault.azure.net`` or its like in a sovereign cloud."""

    name: str
    host: str
    cloud: AzureCloud


def vault(configuration: Configuration) -> Vault:
    """The registered vault. Raises CallError for every host that is not a vault of one of Azure's own clouds."""
    given = configuration.get("vault_uri")
    try:
        uri = urlsplit(given if "://" in given else f"https://{given}")
        host, plain = (uri.hostname or "").lower(), not (uri.port or "@" in uri.netloc) and uri.scheme == "https"
    except ValueError:
        host, plain = "", False
    for cloud in AZURE_CLOUDS:
        name = host.removesuffix(cloud.vaults)
        if plain and name != host and _VAULT_NAME.fullmatch(name):
            return Vault(name, host, cloud)
    raise _refuse(
        "vault_uri is not the address of a key vault (https://<vault>.vault.azure.net/), so it is not called."
    )


def tenant(text: str) -> str:
    """A tenant's ID. Raises CallError for anything else."""
    if not _GUID.fullmatch(text):
        raise _refuse("The tenant is not given by its ID (32 hexadecimal digits in five groups), so it is not called.")
    return text.lower()


def azure_key_name(configuration: Configuration) -> str:
    """The registered key's name. Raises CallError where no vault can hold a key of that name."""
    name = configuration.get("key_name")
    if not _AZURE_KEY.fullmatch(name):
        raise _refuse("key_name holds signs that no key's name in a vault can have, so it is not asked for.")
    return name


_SIGN_IN = frozenset(
    {
        *("https://microsoft.com/devicelogin", "https://www.microsoft.com/devicelogin"),
        *("https://login.microsoft.com/device", "https://www.microsoft.com/link"),
        *("https://microsoft.com/deviceloginchina", "https://microsoft.com/deviceloginus"),
    }
)
_CODE = re.compile(r"[A-Z0-9-]{4,24}")


def is_sign_in(url: str, code: str) -> bool:
    """Whether a person may be sent to that address with that code: Microsoft's own pages for it alone."""
    return url in _SIGN_IN and _CODE.fullmatch(code) is not None


# ----------------------------------------------------------------------------------------------------------------- AWS
_PARTITIONS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(regions)
    for name, regions in {
        "aws": r"(?:us|eu|ap|sa|ca|me|af|il|mx)-[a-z]{4,9}-[0-9]{1,2}",
        "aws-cn": r"cn-[a-z]{4,9}-[0-9]{1,2}",
        "aws-us-gov": r"us-gov-[a-z]{4,9}-[0-9]{1,2}",
        "aws-iso": r"us-iso-[a-z]{4,9}-[0-9]{1,2}",
        "aws-iso-b": r"us-isob-[a-z]{4,9}-[0-9]{1,2}",
        "aws-iso-e": r"eu-isoe-[a-z]{4,9}-[0-9]{1,2}",
        "aws-iso-f": r"us-isof-[a-z]{4,9}-[0-9]{1,2}",
        "aws-eusc": r"eusc-[a-z]{2}-[a-z]{4,9}-[0-9]{1,2}",
    }.items()
}
_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]{0,12}):(?P<service>iam|kms):(?P<region>[a-z0-9-]{0,30}):(?P<account>[0-9]{12}):"
    r"(?P<rest>role/[\w+=,.@/-]{1,600}|key/(?:mrk-)?[0-9a-fA-F-]{32,40}|alias/[A-Za-z0-9_/-]{1,256})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Arn:
    """An ARN that may be asked for. region: "" for a role. rest: what stands behind the account ("role/x")."""

    text: str
    partition: str
    region: str
    account: str
    rest: str


def arn(text: str, service: str) -> Arn:
    """A role's ARN (service "iam") or a key's ("kms"). Raises CallError where it is none of a known partition."""
    found = _ARN.fullmatch(text)
    kind = "role" if service == "iam" else "key"
    if found is None or found["service"] != service or (kind == "role") != found["rest"].startswith("role/"):
        raise _refuse(f"This is not the ARN of a {kind}, so it is not asked for.")
    regions = _PARTITIONS.get(found["partition"])
    if regions is None:
        raise _refuse(f"The partition in the {kind}'s ARN is not one of AWS's, so it is not asked for.")
    region = found["region"]
    if (region and kind == "role") or (kind == "key" and not regions.fullmatch(region)):
        raise _refuse(f"The region in the {kind}'s ARN is not one of its partition, so it is not asked for.")
    return Arn(text, found["partition"], region, found["account"], found["rest"])


# -------------------------------------------------------------------------------------------------------- Google Cloud
_GCP = {
    "project_number": "workload_identity_project_number",
    "pool_id": "workload_identity_pool_id",
    "provider_id": "workload_identity_provider_id",
    "project_id": "kms_project_id",
    "location": "kms_key_location",
    "key_ring": "kms_key_ring_name",
    "key_name": "kms_key_name",
}


def gcp(configuration: Configuration, *names: str) -> dict[str, str]:
    """The registered values by the core's names (project_number, pool_id …), each of the form that Google allows.

    Raises CallError for the first that is missing or of another form: it would become a part of an address.
    """
    found = {}
    for name in names:
        value = configuration.get(_GCP[name])
        if not value:
            raise _refuse(f"{_GCP[name]} is not given, so this cannot be read.")
        if FIELDS[name].check(value) or placeholders(value):
            raise _refuse(f"{_GCP[name]} has a form that no such name can have, so it is not asked for.")
        found[name] = value
    return found


_GOOGLE_ADDRESSES: Mapping[str, frozenset[str]] = {
    "token_uri": frozenset({"https://oauth2.googleapis.com/token", "https://accounts.google.com/o/oauth2/token"}),
    "auth_uri": frozenset({"https://accounts.google.com/o/oauth2/auth"}),
    "auth_provider_x509_cert_url": frozenset({"https://www.googleapis.com/oauth2/v1/certs"}),
}
_CERTIFICATE = "https://www.googleapis.com/robot/v1/metadata/x509/"
_INSTEAD = "Paste an access token instead: gcloud auth print-access-token prints one."


def google_file(document: Mapping[str, Any]) -> dict[str, Any]:
    """A Google credential file (of a user or a service account) without anything that decides what we call or run.

    Raises CallError, with the reason, for every other type, for executables and for addresses that are not Google's.
    """
    kind = document.get("type")
    if kind in ("external_account", "external_account_authorized_user"):
        source = document.get("credential_source")
        if isinstance(source, dict) and "executable" in source:
            raise _refuse(f"This credential file names a program to run. We run no programs of a file. {_INSTEAD}")
        raise _refuse(
            "This credential file names addresses or files of the machine it was made for, from which we would have to "
            f"fetch a token. We follow none of them. {_INSTEAD}"
        )
    if kind == "impersonated_service_account":
        raise _refuse(
            "This credential file names an address to fetch another account's token from. We follow none. Paste an "
            "access token instead: gcloud auth print-access-token --impersonate-service-account=<its address>."
        )
    if kind not in ("authorized_user", "service_account"):
        raise _refuse(f"This is no credential file of Google's that we know. {_INSTEAD}")
    if document.get("universe_domain", "googleapis.com") != "googleapis.com":
        raise _refuse(f"This credential file is for another universe than googleapis.com. {_INSTEAD}")
    for name, value in document.items():
        if not isinstance(value, str):
            raise _refuse(f"This credential file holds something else than texts. {_INSTEAD}")
        if "://" in value and value not in _GOOGLE_ADDRESSES.get(name, ()) and not _is_certificate(name, value):
            raise _refuse(f"This credential file names an address of its own. We follow none but Google's. {_INSTEAD}")
    wanted = ("type", "client_id", "client_secret", "refresh_token", "quota_project_id", "account")
    if kind == "service_account":
        wanted = ("type", "project_id", "private_key_id", "private_key", "client_email", "client_id")
    return {name: document[name] for name in wanted if name in document} | {
        "token_uri": "https://oauth2.googleapis.com/token"
    }


def _is_certificate(name: str, value: str) -> bool:
    return name == "client_x509_cert_url" and value.startswith(_CERTIFICATE) and "/" not in value[len(_CERTIFICATE) :]


# ------------------------------------------------------------------------------------------------------------- network
class ForbiddenError(OSError):
    """What ``watch`` refused."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the internet at large; what is no address does not."""
    try:
        found = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inside = found.ipv4_mapped or found.sixtofour
        if inside is None and found in _NAT64:
            inside = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inside is not None:
            return inside.is_global and not inside.is_multicast
    return found.is_global and not found.is_multicast


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def public(host: str) -> None:
    """Raises CallError where a host that a user chose is, here, on a private network.

    A proxy, where one is configured for it, resolves in our place, and its own rules count. A name that does not
    resolve is CallError (DNS): for a vault it means, as a rule, that there is none of that name.
    """
    if getproxies().get("https") and not proxy_bypass(host):
        return
    try:
        found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError as problem:
        sentence = "The name of the host does not resolve; check its spelling and the network."
        raise CallError(Trouble.DNS, sentence) from problem
    if not all(is_public(str(address[0])) for *_, address in found):
        raise _refuse(
            "From here this name resolves to an address of a private network (a private endpoint, as a rule), which "
            "we do not call."
        )


def refused(problem: BaseException | None) -> bool:
    """Whether an exception, of whatever SDK, goes back to something that ``watch`` refused."""
    seen: set[int] = set()
    queue = [problem]
    while queue:
        item = queue.pop()
        if item is None or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, ForbiddenError):
            return True
        inside = (getattr(item, "reason", None), *item.args)
        queue += [item.__cause__, item.__context__, *(part for part in inside if isinstance(part, BaseException))]
    return False


_PROGRAMS = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn"}
)


def watch(allowed: Collection[tuple[str, int]]) -> None:
    """From now on this process connects to public addresses alone and starts no program.

    allowed: (host or address, port) of the configured proxies. It cannot be undone: only the child process calls it,
    and only where the person's own local credentials, which may need both, are not in use.
    """
    proxies = {(address, port) for host, port in allowed for address in _addresses(host)}

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            address = arguments[1]
            if not isinstance(address, tuple) or len(address) < 2:
                raise ForbiddenError("only connections over the internet are made")
            if (address[0], address[1]) not in proxies and not is_public(str(address[0])):
                raise ForbiddenError("an address of a private network is not called")
        elif event in _PROGRAMS:
            raise ForbiddenError("a probe starts no program")

    sys.addaudithook(hook)


def _addresses(host: str) -> set[str]:
    try:
        return {host} | {str(address[0]) for *_, address in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return {host}


def proxies(environment: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    """(host, port) of each proxy that an environment names."""
    found = []
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        for spelling in (name, name.lower()):
            value = environment.get(spelling, "")
            try:
                uri = urlsplit(value if "://" in value else f"http://{value}")
                host, port = uri.hostname, uri.port
            except ValueError:
                continue
            if host:
                found.append((host, port or (443 if uri.scheme == "https" else 80)))
    return tuple(dict.fromkeys(found))
