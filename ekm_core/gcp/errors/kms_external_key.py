"""The key's material is outside of Google, and its key manager refuses or cannot be reached."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.gcp import causes, checks, sources
from ekm_core.gcp import snippets as gcp
from ekm_core.model import Cause, Fix, KnownError, Link, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai

_THING = r"(?:the |an? )?(?:ekm|key uri|key path|external|crypto ?space|key\b)"
# AWS has external key stores too, with errors of their own.
_NOT_AWS = (r"\bxks|external key store|\baws\b|amazon",)
_CONTEXT = (
    r"external_|unreachable_network|overloaded_ekm|\bekm(?:\b|_)|external key|key uri|cloud ?kms|crypto ?space"
    r"|precondition",
)


def _fix(values: Values) -> Fix:
    return Fix(
        "Mend it in the external key manager. OpenAI and your roles in Google Cloud are not the cause.",
        console=(
            causes.key_console(values),
            "Read the key URI or the EKM connection of the version, and check in your key manager that the key exists, "
            "that Google's service account may use it, and that it can be reached.",
            "If the key manager disabled the version, rotate the key in Cloud KMS after the cause is mended.",
        ),
        cli=(gcp.list_versions(values),),
        verify=openai.validate(values),
    )


ERROR = KnownError(
    id="gcp-kms-external-key",
    provider=Provider.GCP,
    title="The external key manager behind the Cloud KMS key refuses or is out of reach",
    summary=(
        "The key's protection level is EXTERNAL: its material is with a key manager outside of Google, and Cloud KMS "
        "asks that one for every operation. That request failed."
    ),
    link=Link.KEY,
    signatures=(
        Signature("uri", r"key uri (?:has invalid format|has an invalid format|host is not supported)"),
        Signature(
            "request",
            r"could not (?:find|query|reach|resolve the domain name (?:for|of)"
            rf"|validate the tls server certificate (?:for|of)) {_THING}",
            0.9,
            needs=_CONTEXT,
            unless=_NOT_AWS,
        ),
        Signature(
            "answer",
            r"(?:throttled|timed out|garbled or unusable response|external server error|unexpected error)"
            rf" when trying to access {_THING}",
            0.9,
            needs=_CONTEXT,
            unless=_NOT_AWS,
        ),
        Signature("denied", rf"permission was denied when accessing {_THING}", 0.9, needs=_CONTEXT, unless=_NOT_AWS),
        Signature("decryption", r"ekm reports that decryption failed"),
        Signature(
            "manager",
            r"external key manager (?:reports|reported|indicated|returned|responded|timed out|refused"
            r"|is (?:overloaded|unreachable|unavailable))",
            0.9,
            unless=_NOT_AWS,
        ),
        Signature("domain", r"\bexternal_ ?key_ ?(?:uri_ ?invalid|host_ ?not_ ?(?:whitelisted|allowlisted))", 0.9),
        Signature(
            "domain-in-context",
            r"\b(?:external_ ?(?:permission_ ?denied|not_ ?found|resource_ ?exhausted|server_ ?error|not_ ?implemented)"
            r"|unreachable_ ?network|overloaded_ ?ekm)\b",
            0.8,
            needs=(r"\bekm\b|external key|key uri|cloud ?kms|crypto ?space",),
            unless=_NOT_AWS,
        ),
    ),
    causes=(
        Cause(
            id="access-withdrawn",
            title="The external key manager refuses Google's service account",
            why="The key manager's owner must let Google's service account for Cloud EKM use the key.",
            check=checks.says(
                r"permission was denied when accessing|external_ ?permission_ ?denied",
                "The external key manager refused access.",
                "The text does not say that access was refused. Read the whole message.",
            ),
            look=causes.look_at_key("Read the protection level, the key URI and the state of the versions."),
            fix=_fix,
            who="Administrator of the external key manager",
            proof=causes.proof("key", "not_external"),
        ),
        Cause(
            id="key-uri-wrong",
            title="The key URI, key path or host name is wrong",
            why="Google asks the address that was given when the version was made.",
            check=checks.says(
                r"key uri (?:has an? ?invalid format|has invalid format|host is not supported)"
                r"|could not resolve the domain name|external_ ?key_ ?uri_ ?invalid|external_ ?not_ ?found",
                "Google says that the address or the key behind it is not right.",
                "The text does not say that the address is wrong. Compare the key URI with your key manager.",
            ),
            look=causes.look_at_key("Compare the key URI or key path with the external key manager."),
            fix=_fix,
            who=causes.KMS_ADMIN,
            proof=causes.proof("key", "not_external"),
        ),
        Cause(
            id="unreachable",
            title="The external key manager is out of reach, overloaded or answers wrongly",
            why="Networks, certificates and overload between Google and the key manager stop every use of the key.",
            check=checks.says(
                r"could not reach|timed out when trying|overloaded|tls server certificate|garbled or unusable response"
                r"|external server error|unreachable_ ?network",
                "Google says that the key manager did not give a usable answer.",
                "The text does not say whether the key manager could be reached. Ask who runs it.",
            ),
            look=causes.look_at_key("Read the protection level: EXTERNAL or EXTERNAL_VPC."),
            fix=_fix,
            who="Administrator of the external key manager",
            proof=causes.proof("key", "not_external"),
        ),
        causes.OWN_CALL,
    ),
    references=(sources.EKM_ERRORS, vendor.GCP_GUIDE),
    samples=(
        Sample("FAILED_PRECONDITION: Key URI has invalid format.", sources.EKM_ERRORS.url),
        Sample(
            "Could not reach the key due to an external networking error. violations { type: "
            "UNREACHABLE_NETWORK } Cloud EKM",
            sources.EKM_ERRORS.url,
        ),
        Sample("INVALID_ARGUMENT: Decryption failed: The EKM reports that decryption failed.", sources.EKM_ERRORS.url),
    ),
    near_misses=(
        NearMiss(
            "An EKM connection organizes VPC connections to your on-premises external key managers in a Google Cloud "
            "location.",
            why="documentation",
        ),
    ),
    proves=(Link.IDENTITY, Link.TRUST, Link.PERMISSION),
)
