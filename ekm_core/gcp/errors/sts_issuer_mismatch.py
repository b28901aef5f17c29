"""The provider trusts another issuer than the one that signed the token."""

from __future__ import annotations

from ekm_core import vendor
from ekm_core.gcp import causes, checks, sources
from ekm_core.gcp import snippets as gcp
from ekm_core.gcp.wordings import FEDERATION, FIREBASE, FIREBASE_SURE
from ekm_core.model import Cause, KnownError, Link, NearMiss, Provider, Sample, Signature

_SENTENCE = r"issuer in (?:the )?id token (?:[^ ]+ ){0,3}(?:does not|doesn't|did not) match"

ERROR = KnownError(
    id="gcp-sts-issuer-mismatch",
    provider=Provider.GCP,
    title="The provider trusts another issuer than the token's",
    summary=(
        "Every token names who issued it. Google found another issuer in the token than the one in the provider's "
        f"settings. OpenAI's tokens are issued by Google itself: {vendor.GCP_ISSUER}."
    ),
    link=Link.TRUST,
    signatures=(
        Signature("sentence", _SENTENCE, unless=FIREBASE),
        Signature("sentence-of-a-federation", _SENTENCE, needs=FEDERATION, unless=FIREBASE_SURE),
        Signature(
            "discovery-document",
            r"issuer.{0,3} claim in (?:the )?oidc discovery document (?:does not|doesn't) match",
            unless=FIREBASE_SURE,
        ),
    ),
    causes=(
        Cause(
            id="provider-issuer-wrong",
            title="The provider's issuer is not the one of OpenAI's guide",
            why="A slash at the end, http in place of https, or the issuer of another system makes the difference.",
            check=checks.provider_has_another_issuer,
            look=causes.look_at_provider(f"The issuer must be {vendor.GCP_ISSUER}, without a slash at the end."),
            fix=causes.fix_provider(
                "Set the issuer of OpenAI's guide.",
                f"Enter {vendor.GCP_ISSUER} as Issuer (URL).",
                gcp.update_issuer,
            ),
            who=causes.FEDERATION_ADMIN,
            proof=causes.proof("provider", "issuer"),
        ),
        Cause(
            id="own-test",
            title="The token came from another system than OpenAI",
            why="Tokens of Microsoft Entra, GitHub or GitLab name those as their issuer; OpenAI's name Google.",
            check=checks.token_of_another_issuer,
            look=causes.look_at_names("Find out which tool printed the message, and for which provider."),
            fix=causes.fix_elsewhere("Mend the system whose token was refused; OpenAI's set-up may be right."),
            who=causes.YOURSELF,
        ),
    ),
    references=(vendor.GCP_GUIDE, sources.PROVIDERS_API, sources.FEDERATION_TROUBLE),
    samples=(
        Sample(
            "{'error': 'invalid_grant', 'error_description': 'The issuer in ID Token https://accounts.google.com does "
            "not match the expected one in config: https://accounts.google.com/.'}"
        ),
        Sample(
            "invalid_grant: The issuer in ID Token https://sts.windows.net/<ENTRA_TENANT_ID> does not match the "
            "expected ones: https://login.microsoftonline.com/<ENTRA_TENANT_ID>/v2.0"
        ),
    ),
    near_misses=(
        NearMiss(
            'Invalid argument: idToken has incorrect "iss" (issuer) claim. Expected https://securetoken.google.com/a, '
            "but got https://securetoken.google.com/b",
            why="Firebase checks its own tokens",
        ),
        NearMiss(
            "Invalid issuer (https://accounts.google.com) for token did not match expected: https://example.com",
            why="another system's own check",
        ),
    ),
)
