"""A service perimeter of the customer's organization stops the request."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.gcp import causes, checks, sources
from ekm_core.gcp import snippets as gcp
from ekm_core.gcp.wordings import CODE
from ekm_core.model import Cause, Fix, KnownError, Link, Look, NearMiss, Provider, Sample, Signature, Values
from ekm_core.openai import snippets as openai
from ekm_core.rulings import undecided
from ekm_core.snippets import told


def _look(values: Values) -> Look:
    return Look(
        (
            "In the Google Cloud console, open Security, then VPC Service Controls, and choose Troubleshoot.",
            "Paste the vpcServiceControlsUniqueIdentifier of the message. It shows the perimeter, the caller and the "
            "rule that is missing.",
        ),
        (
            gcp.audit_log(
                "Show what the perimeter refused",
                'protoPayload.metadata.@type="type.googleapis.com/google.cloud.audit.VpcServiceControlAuditMetadata"',
                gcp.own(values, "project_id"),
            ),
        ),
    )


def _fix(values: Values) -> Fix:
    return Fix(
        "Let OpenAI's principal through the perimeter to Cloud KMS, by an ingress rule and nothing wider.",
        console=(
            "In the Google Cloud console, open Security, then VPC Service Controls, and edit the perimeter.",
            f"Under Ingress policy, add a rule with {gcp.principal(values)} as the identity and all sources.",
            f"As the target choose the project {told('', gcp.own(values, 'project_id'), 'of the key')} and the service "
            "Cloud Key Management Service (KMS) API, with all methods or with Encrypt and Decrypt only, and save.",
            "If the message names the Security Token Service, the pool's project is inside a perimeter too: add a rule "
            "for sts.googleapis.com there.",
        ),
        verify=openai.validate(values),
    )


ERROR = KnownError(
    id="gcp-vpc-service-controls",
    provider=Provider.GCP,
    title="A VPC Service Controls perimeter stops the request",
    summary=(
        "Your Google organization has a service perimeter round the project. Requests from outside are refused, "
        "whatever roles the caller has. OpenAI's requests come from outside your perimeter."
    ),
    link=Link.NETWORK,
    signatures=(
        Signature("sentence", r"request is prohibited by (?:the |your )?organi[sz]ation.{0,3}s? policy", unless=CODE),
        Signature("older", r"request violates vpc service controls", 0.9),
        Signature("identifier", r"vpcservicecontrolsuniqueid(?:entifier)?", 0.9, unless=CODE),
        Signature("violation-type", r"type['\"]?: ?['\"]?vpc_service_controls\b", 0.8, unless=CODE),
        Signature("reason", r"\bsecurity_policy_violated\b", 0.8, needs=(r"google|\bvpc\b|perimeter",), unless=CODE),
        Signature(
            "violation",
            r"\b(?:no_matching_access_level|network_not_in_same_service_perimeter|resources_not_in_same_service_perimeter|service_not_allowed_from_vpc)\b",
            0.8,
            unless=CODE,
        ),
    ),
    causes=(
        Cause(
            id="no-ingress-rule",
            title="The perimeter has no ingress rule for OpenAI",
            why="A perimeter refuses everything from outside that no rule lets in.",
            check=undecided("The text does not show the perimeter's rules. The unique identifier in it leads to them."),
            look=_look,
            fix=_fix,
            who=causes.PERIMETER_ADMIN,
        ),
        Cause(
            id="own-test",
            title="The refused call was your own or another service's, not OpenAI's",
            why="Perimeters stop storage, BigQuery and build tools with the same sentence.",
            check=checks.another_federation,
            look=_look,
            fix=causes.fix_elsewhere("Mend the perimeter for the caller that the troubleshooter shows."),
            who=causes.PERIMETER_ADMIN,
        ),
    ),
    references=(sources.VPC_SC, vendor.GCP_GUIDE),
    samples=(
        Sample(
            "google.api_core.exceptions.PermissionDenied: 403 Request is prohibited by organization's policy. "
            "vpcServiceControlsUniqueIdentifier: abcDEF123"
        ),
        Sample(
            '{"error": {"code": 403, "message": "Request is prohibited by organization\'s policy", "status": '
            '"PERMISSION_DENIED"}}'
        ),
        Sample('"violations": [{ "type": "VPC_SERVICE_CONTROLS", "description": "abcDEF123" }]'),
    ),
    near_misses=(
        NearMiss(
            'FAILED_PRECONDITION: Precondition check failed. violations: - description: "Org Policy violated for '
            "value: '{PROVIDER}'.\" type: constraints/iam.workloadIdentityPoolProviders",
            why="an organization policy on providers, not a perimeter",
        ),
        NearMiss(
            ".field public static final enum SECURITY_POLICY_VIOLATED:Lcom/google/api/ErrorReason;",
            why="the declaration of a name in a program",
        ),
    ),
)
