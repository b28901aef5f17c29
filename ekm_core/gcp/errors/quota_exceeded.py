"""Too many requests to Cloud KMS, IAM or the token service."""

from __future__ import annotations

from ekm_core.gcp import causes, sources
from ekm_core.gcp import snippets as gcp
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai
from ekm_core.rulings import undecided

_SERVICE = r"(?:cloudkms|iam|iamcredentials|sts)\.googleapis\.com"
_OF_SERVICE = rf"(?:service|metric)s?.{{0,3}}['\": =\[]{{1,4}}{_SERVICE}"


def _look(values: Values) -> Look:
    return Look(
        (
            "In the Google Cloud console, open IAM & Admin, then Quotas & System Limits, in the project of "
            "the message.",
            "Filter by the service and the limit that the message names, and read the current use.",
        ),
        (
            gcp.audit_log(
                "Show who uses the keys",
                'protoPayload.serviceName="cloudkms.googleapis.com"',
                gcp.own(values, "project_id"),
            ),
        ),
    )


def _fix(values: Values) -> Fix:
    return Fix(
        "Wait a minute and try again: these limits count by the second or by the minute. If it comes back, ask for a "
        "higher limit.",
        console=(
            "In the Google Cloud console, open IAM & Admin, then Quotas & System Limits.",
            "Select the limit that the message names, choose Edit and ask for a higher value.",
            "If other systems use keys in the same project, move OpenAI's key to a project of its own.",
        ),
        verify=openai.validate(values),
    )


ERROR = KnownError(
    id="gcp-quota-exceeded",
    provider=Provider.GCP,
    title="Too many requests to Cloud KMS, IAM or the token service",
    summary=(
        "The project has used up a limit of Google Cloud for now. Most of these limits count by project, over all "
        "callers. The console shows those of Cloud KMS by the minute; some are enforced by the second."
    ),
    link=Link.REQUEST,
    signatures=(
        Signature("sentence", r"quota exceeded for quota (?:metric|group|limit)", needs=(_OF_SERVICE,)),
        Signature("tokens", r"insufficient tokens for quota\b", needs=(_OF_SERVICE,)),
        Signature("metric", r"resource_?exhausted|quota exceeded|rate_limit_exceeded", 0.9, needs=(_OF_SERVICE,)),
        Signature("documented", r"quota exceeded for limit\b", 0.8, needs=(r"cloud ?kms",)),
        Signature(
            "too-many",
            r"\b429:? ?(?:error:? )?too many requests",
            0.8,
            needs=(r"securitytokenservice|sts\.googleapis\.com|cloudkms|cloud kms",),
        ),
    ),
    causes=(
        Cause(
            id="busy-project",
            title="Other systems in the project use up the limit",
            why="The limit counts all requests of the project, not OpenAI's alone.",
            check=undecided("The text does not show who made the requests. The audit log does."),
            look=_look,
            fix=_fix,
            who=causes.KMS_ADMIN,
        ),
        Cause(
            id="low-limit",
            title="The project's limit is lower than the need",
            why="Every project has limits of its own, and they may be lower than the need.",
            check=undecided("The text may name the limit, but not its size. Read it in the console."),
            look=_look,
            fix=_fix,
            who="Quota Administrator (roles/servicemanagement.quotaAdmin) of the project",
        ),
        causes.OWN_CALL,
    ),
    references=(sources.KMS_QUOTAS,),
    samples=(
        Sample(
            "429 Quota exceeded for quota metric 'Cryptographic requests' and limit 'Cryptographic requests per "
            "minute' of service 'cloudkms.googleapis.com' for consumer 'project_number:123456789012'."
        ),
        Sample(
            "rpc error: code = ResourceExhausted desc = Quota exceeded for quota metric "
            "'cloudkms.googleapis.com/write_requests' and limit 'WriteRequestsPerMinutePerProject'"
        ),
        Sample(
            "Insufficient tokens for quota 'CryptoGroup' and limit 'CLIENT_PROJECT-100s' of service "
            "'cloudkms.googleapis.com' for consumer 'project_number:123456789012'."
        ),
    ),
    near_misses=(
        NearMiss(
            "8 RESOURCE_EXHAUSTED: Quota exceeded for quota metric 'Read requests' and limit 'Read requests per "
            "minute per region' of service 'run.googleapis.com'",
            why="another service",
        ),
    ),
)
