"""The provider's mapping makes no usable google.subject."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.gcp import causes, checks, sources
from ekm_core.gcp import snippets as gcp
from ekm_core.model import Cause, KnownError, Link, NearMiss, Provider, Sample, Signature

_STEP = "Under Attribute mapping, set google.subject to assertion.sub and remove what you do not need."
_FIX = causes.fix_provider("Map google.subject to assertion.sub, as OpenAI's guide says.", _STEP, gcp.update_mapping)

ERROR = KnownError(
    id="gcp-sts-attribute-mapping",
    provider=Provider.GCP,
    title="The provider's attribute mapping gives no usable google.subject",
    summary=(
        "Google accepted the token but could not make a name of it. The provider's mapping must set google.subject to "
        "assertion.sub, which in OpenAI's tokens is a short number."
    ),
    link=Link.TRUST,
    signatures=(
        Signature("too-long", r"size of (?:the )?mapped attribute"),
        Signature("limit", r"exceeds the 127[- ]bytes? limit", 0.9, needs=(r"mapped|google\.subject",)),
        Signature("wrong-type", r"mapped attribute .{0,2}(?:google|attribute)\.[a-z_]+.{0,2} must be"),
        Signature("no-value", r"could not obtain a value for .{0,2}(?:google|attribute)\.[a-z_]+"),
        Signature("cut-off", r"mapped attribute .{0,2}google\.[a-z_]+.{0,2} (?:exceeds|is (?:missing|empty|not))", 0.9),
    ),
    causes=(
        Cause(
            id="subject-not-mapped",
            title="google.subject is not mapped, or from a claim that the token lacks",
            why="Other claims may be missing from OpenAI's token. The subject is always there.",
            check=checks.about_openai(
                checks.says(
                    r"could not obtain a value for .{0,2}(?:google|attribute)\.[a-z_]+",
                    "Google says that it found no value for the mapped attribute.",
                    "The text does not say that the value is missing. Compare the provider's mapping.",
                )
            ),
            look=causes.look_at_provider("The mapping must be google.subject = assertion.sub."),
            fix=_FIX,
            who=causes.FEDERATION_ADMIN,
            proof=causes.proof("attributes", "subject_not_mapped"),
        ),
        Cause(
            id="subject-not-text",
            title="The mapping gives something else than text, such as true or false",
            why="A comparison such as assertion.sub == '…' belongs in the condition; in the mapping it gives "
            "true or false.",
            check=checks.about_openai(
                checks.says(
                    r"mapped attribute .{0,2}(?:google|attribute)\.[a-z_]+.{0,2} must be of type \w+",
                    "Google says which type the mapped attribute must have.",
                    "The text does not speak of the type. Compare the provider's mapping.",
                )
            ),
            look=causes.look_at_provider("The mapping must be google.subject = assertion.sub, without any comparison."),
            fix=_FIX,
            who=causes.FEDERATION_ADMIN,
            proof=causes.proof("attributes", "subject_not_text"),
        ),
        Cause(
            id="subject-too-long",
            title="The mapped subject is longer than 127 bytes",
            why="OpenAI's subject has 21 digits. A longer one comes from another mapping or another system.",
            check=checks.about_openai(
                checks.says(
                    r"exceeds the 127[- ]bytes? limit",
                    "Google says that the mapped subject is too long. OpenAI's is short, so the mapping adds to it "
                    "or the token is another system's.",
                    "The text does not say that the subject is too long.",
                )
            ),
            look=causes.look_at_provider("The mapping must be google.subject = assertion.sub."),
            fix=_FIX,
            who=causes.FEDERATION_ADMIN,
            proof=causes.proof("attributes", "subject_too_long"),
        ),
        causes.OWN_TEST,
    ),
    references=(vendor.GCP_GUIDE, sources.FEDERATION_TROUBLE, sources.PROVIDERS_API),
    samples=(
        Sample(
            '{"error":"unauthorized_client","error_description":"The mapped attribute \'google.subject\' must '
            'be of type STRING."}',
            "https://github.com/google-github-actions/auth/issues/378",
        ),
        Sample(
            '{ "error" : "invalid_request" , "error_description" : "The size of mapped attribute google.subject '
            "exceeds the 127 bytes limit. Either modify your attribute mapping or the incoming assertion to produce "
            'a mapped attribute that is less than 127 bytes." }',
            sources.FEDERATION_TROUBLE.url,
        ),
        Sample(
            '{"error":"unauthorized_client","error_description":"Could not obtain a value for google.subject from the '
            'given credential."}'
        ),
    ),
    near_misses=(
        NearMiss(
            "attributeMapping: attribute.full: assertion.repository+assertion.ref google.subject: assertion.sub",
            why="a provider's settings, no error",
        ),
    ),
    proves=(Link.IDENTITY,),
)
