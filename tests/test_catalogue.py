"""Every known error is tested from its own file: its samples, its near misses, its causes, its sources."""

import re
from datetime import date

import pytest

from ekm_core import catalogue, vendor
from ekm_core.classify import classify
from ekm_core.diagnose import diagnose, explain
from ekm_core.model import Link, Provider, Values, Verdict
from ekm_core.normalise import normalise

ERRORS = catalogue.errors()

# The public names: they never change their meaning, and none may disappear.
FIXED_IDS = [
    "aws-sts-assume-role-denied",
    "aws-kms-access-denied",
    "aws-kms-key-not-found",
    "aws-kms-key-disabled",
    "aws-kms-invalid-state",
    "aws-kms-wrong-key-type",
    "aws-kms-ciphertext-mismatch",
    "aws-kms-custom-key-store",
    "aws-kms-invalid-arn",
    "aws-sts-invalid-role-arn",
    "aws-sts-region-disabled",
    "aws-throttled",
    "aws-credentials-invalid",
    "gcp-sts-invalid-audience",
    "gcp-sts-audience-mismatch",
    "gcp-sts-attribute-condition",
    "gcp-sts-provider-not-found",
    "gcp-sts-issuer-mismatch",
    "gcp-sts-invalid-token",
    "gcp-sts-attribute-mapping",
    "gcp-kms-permission-denied",
    "gcp-kms-key-not-found",
    "gcp-kms-key-version-unusable",
    "gcp-kms-wrong-purpose",
    "gcp-kms-api-disabled",
    "gcp-kms-ciphertext-mismatch",
    "gcp-vpc-service-controls",
    "gcp-kms-external-key",
    "gcp-impersonation-denied",
    "gcp-quota-exceeded",
    "azure-missing-service-principal",
    "azure-keyvault-rbac-denied",
    "azure-key-name-pattern",
    "azure-keyvault-access-policy",
    "azure-keyvault-firewall",
    "azure-keyvault-network-disabled",
    "azure-key-not-found",
    "azure-key-unusable",
    "azure-key-operation-not-permitted",
    "azure-vault-not-found",
    "azure-keyvault-wrong-tenant",
    "azure-tenant-not-found",
    "azure-conditional-access",
    "azure-app-disabled",
    "azure-resource-principal-not-found",
    "azure-client-secret-invalid",
    "azure-throttled",
    "openai-invalid-parameter",
    "openai-insufficient-permissions",
    "openai-key-in-use",
]


@pytest.fixture(params=ERRORS.values(), ids=lambda error: error.id)
def error(request):
    return request.param


def ids_of(text):
    return [result.error.id for result in classify(normalise(text).text)]


def test_every_public_id_is_there():
    assert set(FIXED_IDS) <= set(ERRORS)


def test_titles_are_distinct():
    assert len({error.title for error in ERRORS.values()}) == len(ERRORS)


def test_entry_is_complete(error):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", error.id)
    assert error.title
    assert len(error.title) <= 80
    assert error.summary.endswith(".")
    assert error.link in Link
    assert error.provider in Provider
    assert error.signatures
    assert error.samples
    assert error.references
    for reference in error.references:
        assert reference.url.startswith("https://")
        assert reference.read is None or date(2025, 1, 1) <= reference.read <= date(2100, 1, 1)
    assert any(reference.read for reference in error.references), "no source that was read"
    assert len({signature.id for signature in error.signatures}) == len(error.signatures)
    assert all(0 < signature.weight <= 1 for signature in error.signatures)
    assert set(error.after) <= set(ERRORS)


def test_samples_match_this_entry_and_no_other(error):
    for sample in error.samples:
        assert ids_of(sample.text) == [error.id], sample.text


def test_near_misses_match_nothing_or_what_they_name(error):
    for miss in error.near_misses:
        assert not miss.is_really or miss.is_really in ERRORS
        assert ids_of(miss.text) == ([miss.is_really] if miss.is_really else []), miss.text


def test_samples_survive_the_wrappers_that_people_paste_through(error):
    for sample in error.samples:
        one_line = " ".join(sample.text.split())
        escaped = one_line.replace("\\", "\\\\").replace('"', '\\"')
        quoted = "\n".join(f"> {line}" for line in sample.text.splitlines())
        wrapped = "\n".join(f"2026-11-23T10:00:00.000Z | {part}" for part in re.findall(r".{1,70}(?:\s|$)", one_line))
        for text in (one_line, escaped, quoted, wrapped):
            assert ids_of(text)[:1] == [error.id], text


def test_causes_are_complete(error):
    assert error.causes
    assert len({cause.id for cause in error.causes}) == len(error.causes)
    for judged in explain(error.id):
        cause = judged.cause
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", cause.id)
        assert cause.title
        assert cause.why
        assert cause.who
        assert judged.look.console or judged.look.commands, cause.id
        assert judged.fix.summary, cause.id
        assert judged.fix.console or judged.fix.cli or judged.fix.policies, cause.id


def test_what_is_read_first_is_a_sentence_without_placeholders(error):
    """The first step of a look is the page's "Next step": without a value it names the thing in words."""
    for judged in explain(error.id):
        assert not any(re.search(r"<[A-Z]", step) for step in judged.look.console), judged.cause.id


def test_nothing_is_decided_without_a_text(error):
    for judged in explain(error.id):
        assert judged.ruling.verdict is Verdict.CANNOT_TELL, judged.cause.id
        assert judged.ruling.because


def test_a_decided_cause_quotes_the_words_that_prove_it(error):
    for sample in error.samples:
        diagnosis = diagnose(sample.text)
        for judged_error in diagnosis.errors:
            for judged in judged_error.causes:
                ruling = judged.ruling
                assert ruling.because
                if ruling.verdict is Verdict.CANNOT_TELL:
                    continue
                assert ruling.quotes, (judged.cause.id, ruling)
                normal = normalise(diagnosis.text).text
                assert all(quote in normal for quote in ruling.quotes), (judged.cause.id, ruling)


def test_proofs_show_the_matched_words_in_the_users_own_text(error):
    for sample in error.samples:
        diagnosis = diagnose(sample.text)
        for proof in diagnosis.errors[0].match.proofs:
            shown = diagnosis.text[proof.start : proof.end]
            assert normalise(shown).text.strip() == proof.text.strip() or proof.text.strip() in normalise(shown).text


def test_snippets_name_their_open_placeholders(error):
    for cause in error.causes:
        fix = cause.fix(Values())
        for snippet in (*fix.policies, *fix.cli, *fix.terraform, *fix.verify, *cause.look(Values()).commands):
            assert snippet.title
            assert snippet.text.strip()
            assert list(snippet.placeholders) == list(
                dict.fromkeys(re.findall(r"<[A-Z][A-Z0-9_]{1,40}>", snippet.text))
            )


def test_openais_own_identities_stand_in_one_place_only():
    for name in (vendor.AWS_ACCOUNT, vendor.GCP_SUBJECT, vendor.AZURE_APP_ID):
        for known in ERRORS.values():
            assert name not in known.title
