"""AADSTS7000215, 7000222, 700027, 70021: the application's own credential is wrong or expired."""

from __future__ import annotations

from ekm_core.azure import causes, checks, references, wordings
from ekm_core.model import KnownError, Link, NearMiss, Provider, Sample, Signature

# 70021 was split into 700211 (issuer), 700212 (audience) and 700213 (subject); the sentence stayed. 50012 is the older
# code of a wrong secret or signature, 700024 a client assertion outside its time. 70025: the application trusts no
# token of another issuer at all.
_CODES = r"7000215|7000222|700027|700024|70021[123]?|70025|50012"

ERROR = KnownError(
    id="azure-client-secret-invalid",
    provider=Provider.AZURE,
    title="The calling application's own credential is wrong or expired",
    summary=(
        "Entra knows the application but refuses its secret, certificate or federated token. OpenAI's credential is "
        "OpenAI's own: you cannot and need not change it."
    ),
    link=Link.IDENTITY,
    signatures=(
        *wordings.aadsts(_CODES),
        Signature("secret", r"invalid client secret (?:is )?provided"),
        Signature("expired", r"client secret keys (?:for app .{0,60})?are expired"),
        Signature("expired-cut", r"\bapp ['\"][^'\" ]{1,60}['\"] are expired", weight=0.6),
        Signature("signature", r"client assertion contains an invalid signature"),
        Signature(
            "certificate",
            r"certificate with identifier .{0,80}?used to sign the client assertion (?:is not "
            "registered|is expired)",
        ),
        Signature("time", r"client assertion is not within its valid time range"),
        Signature(
            "federated", r"no (?:matching|configured) federated identity (?:record|credential)s? (?:was |were )?found"
        ),
        Signature("not-federated", r"has no configured federated identity"),
    ),
    causes=(
        causes.own_test(),
        causes.openai_side(
            "openai-credential",
            "OpenAI's own credential was refused",
            "If the error names OpenAI's application, the fault is on OpenAI's side. Nothing in your tenant causes it.",
            checks.openai_principal("Find the application id in the error and compare it with OpenAI's."),
        ),
    ),
    references=(references.ENTRA_CODES,),
    samples=(
        Sample(
            "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client "
            "secret value, not the client secret ID, for a secret added to app "
            "'6ceba31b-666e-449f-8850-d8cdb4e4bd60'.",
        ),
        Sample("AADSTS7000222: The provided client secret keys for app '***' are expired."),
        Sample("app '6ceba31b-666e-449f-8850-d8cdb4e4bd60' are expired. Visit the Azure portal to create new keys"),
        Sample("AADSTS70021: No matching federated identity record found for presented assertion."),
        Sample("AADSTS70025: The client '***'(deploy-from-ci) has no configured federated identity credentials."),
        Sample("The client '***'(ingress-identity) has no configured federated identity credentials"),
        Sample("AADSTS700027: Client assertion contains an invalid signature. [Reason - The key was not found.]"),
    ),
    near_misses=(
        NearMiss(
            "AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or "
            "'client_secret'.",
            why="no credential was sent at all: a sign-in flow of another kind",
        ),
        NearMiss(
            "AADSTS50126: Error validating credentials due to invalid username or password.", why="a person's password"
        ),
        NearMiss(
            '"AADSTS700027", // Client assertion failed validation\n  "AADSTS650051", // Invalid redirect URI',
            why="a list of codes in a program",
        ),
        NearMiss(
            'const CODES = {\n  AADSTS7000215: "invalid_secret",\n  AADSTS7000222: "expired",\n};',
            why="a table in a program: the code is a key",
        ),
        NearMiss(
            '[InlineData("AADSTS700027", true)]  // InvalidKeyError', why="a code beside what a test expects of it"
        ),
        NearMiss("if (/AADSTS7000222/i.test(description)) return 'expired';", why="a program that tests for the code"),
        NearMiss(
            "AADSTS700027, AADSTS7000112 and AADSTS65001 are the codes that we never retry.", why="a list of codes"
        ),
    ),
)
