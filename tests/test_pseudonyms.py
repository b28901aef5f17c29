"""Pseudonyms: the same value gets the same name everywhere, none is left, and OpenAI's own identities stay readable."""

from __future__ import annotations

import json
import random
import re
import time
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ekm_core import vendor
from ekm_core.model import Entity
from ekm_core.pseudonyms import Pseudonyms

ACCOUNT, OTHER = "482615937044", "915537204461"
KEY = "7c1f0a52-3a9e-4f0b-9d55-6f2f7f1c2e77"
TENANT = "0b5ac4e1-6a35-4df0-9f2b-2f7f0c9a4411"


def names(text: str, *entities: tuple[str, str]) -> str:
    found = [Entity(name, value, 0, 0) for name, value in entities]
    return Pseudonyms.of(found, text).apply(text)


@pytest.mark.parametrize(
    ("text", "renamed"),
    [
        (
            f"User: {vendor.AWS_SESSION} is not authorized to perform: sts:AssumeRole on resource: "
            f"arn:aws:iam::{ACCOUNT}:role/acme-ekm in account {ACCOUNT}, not {OTHER}",
            f"User: {vendor.AWS_SESSION} is not authorized to perform: sts:AssumeRole on resource: "
            "arn:aws:iam::account-1:role/role-1 in account account-1, not account-2",
        ),
        (
            # The role has the name of our own kit, which is a part of the name of OpenAI's session.
            f"User: {vendor.AWS_SESSION} may not use arn:aws:iam::{ACCOUNT}:role/OpenAI-EKM, named OpenAI-EKM.",
            f"User: {vendor.AWS_SESSION} may not use arn:aws:iam::account-1:role/role-1, named role-1.",
        ),
        (
            f"arn:aws:kms:us-east-1:{ACCOUNT}:key/{KEY} and mrk-1234abcd12ab34cd56ef1234567890ab, key id {KEY}",
            "arn:aws:kms:us-east-1:account-1:key/key-1 and key-2, key id key-1",
        ),
        (
            "projects/552817364901/locations/global/workloadIdentityPools/acme-pool/providers/acme-oidc",
            "projects/project-1/locations/global/workloadIdentityPools/pool-1/providers/provider-1",
        ),
        (
            "Permission denied on 'projects/acme-sec/locations/eu/keyRings/ring-a7/cryptoKeys/kek-9' "
            "by kms9@acme-sec.iam.gserviceaccount.com",
            "Permission denied on 'projects/project-1/locations/eu/keyRings/ring-1/cryptoKeys/key-1' "
            "by service-account-1@project-1.iam.gserviceaccount.com",
        ),
        (
            f"AADSTS7000229: The client application {vendor.AZURE_APP_ID} is missing service principal "
            f"in the tenant {TENANT}.",
            f"AADSTS7000229: The client application {vendor.AZURE_APP_ID} is missing service principal "
            "in the tenant tenant-1.",
        ),
        (
            "https://acme-kv7.vault.azure.net/keys/org-Ab12Cd34Ef--main/0123456789abcdef0123456789abcdef "
            "from 203.0.113.7",
            "https://vault-1.vault.azure.net/keys/key-1/id-1 from address-1",
        ),
        (
            f"principal://iam.googleapis.com/x/subject/{vendor.GCP_SUBJECT}, external id org-Ab12Cd34Ef "
            "and proj_Zx98Yw76",
            f"principal://iam.googleapis.com/x/subject/{vendor.GCP_SUBJECT}, external id organization-1 "
            "and openai-project-1",
        ),
        ("role arn:aws:iam::xxxxx:role/xxxxxx in <account-id> by ***", None),
        ("arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser alias/aws/s3 127.0.0.1", None),
        ("the key key-1 of vault, role and project test", None),
    ],
)
def test_examples(text: str, renamed: str | None) -> None:
    assert names(text) == (text if renamed is None else renamed)


def test_what_only_the_entities_know_is_renamed_too() -> None:
    text = "Vault: AcmeWest;location=eastus and acmewest again, in pool acme_pool9"
    assert names(text, ("pool_id", "acme_pool9")) == "Vault: vault-1;location=eastus and vault-1 again, in pool pool-1"


def test_one_name_in_prose_json_urls_and_arns() -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/acme-ekm"
    text = f"{arn} {json.dumps(json.dumps({'Resource': arn}))} https://x/?arn={quote(arn, safe='')} acme-ekm {ACCOUNT}"
    renamed = names(text)
    assert ACCOUNT not in renamed
    assert "acme-ekm" not in renamed
    assert renamed.count("account-1") == 4
    assert renamed.count("role-1") == 4


def test_a_pseudonym_is_never_a_name_that_is_there() -> None:
    text = "cryptoKeys/key-1 and cryptoKeys/kek-77"
    made = Pseudonyms.of((), text)
    assert made.apply(text) == "cryptoKeys/key-2 and cryptoKeys/key-3"
    assert made.apply(made.apply(text)) == made.apply(text)


def test_the_table_holds_kinds_and_no_value() -> None:
    made = Pseudonyms.of((), f"arn:aws:iam::{ACCOUNT}:role/acme-ekm")
    assert dict(made.table) == {"account-1": "account", "role-1": "role"}


SLUG = st.from_regex(r"[a-z]{3,8}[0-9]{1,4}(-[a-z0-9]{2,6})?", fullmatch=True)
HEX = st.text("123456789abcdef", min_size=32, max_size=32)
GUIDS = HEX.map(lambda h: f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}")
DIGITS = st.text("123456789", min_size=12, max_size=12)
FORMS = st.one_of(
    DIGITS.map(lambda v: (f"arn:aws:iam::{v}:root", v)),
    GUIDS.map(lambda v: (f"arn:aws:kms:eu-west-1::key/{v}", v)),
    GUIDS.map(lambda v: (f"https://sts.windows.net/{v}/", v)),
    SLUG.map(lambda v: (f"https://{v}.vault.azure.net/", v)),
    SLUG.map(lambda v: (f"projects/{v}/locations/global", v)),
    SLUG.map(lambda v: (f"workloadIdentityPools/{v}/providers", v)),
    SLUG.map(lambda v: (f"keyRings/{v}/cryptoKeys", v)),
    SLUG.map(lambda v: (f"arn:aws:iam::1:role/{v}", v)),
)
WRAPS = st.sampled_from(
    [
        lambda s: s,
        lambda s: json.dumps({"a": s}),
        lambda s: json.dumps(json.dumps({"a": s})),
        lambda s: quote(s, safe=""),
        lambda s: f"see {s}, or",
        lambda s: json.dumps("x\n" + s),
    ]
)


@given(st.lists(st.tuples(FORMS, WRAPS), min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_no_collected_value_remains(parts: list) -> None:
    text = " ".join(wrap(form[0]) for form, wrap in parts)
    made = Pseudonyms.of((), text)
    renamed = made.apply(text)
    assert made.apply(renamed) == renamed
    for form, _ in parts:
        if form[1] and form[1] in made.names:
            assert not re.search(rf"(?<![A-Za-z0-9-]){form[1]}(?![A-Za-z0-9-])", renamed), (form, renamed)


@given(st.lists(st.tuples(FORMS, WRAPS), min_size=1, max_size=5))
@settings(max_examples=150, deadline=None)
def test_every_value_in_a_telling_place_is_collected(parts: list) -> None:
    text = " ".join(wrap(form[0]) for form, wrap in parts)
    made = Pseudonyms.of((), text)
    for form, _ in parts:
        if form[1]:
            assert form[1] in made.names


def test_a_megabyte_of_identifiers_takes_seconds_not_minutes() -> None:
    rng = random.Random(1)
    text = " ".join(
        f"arn:aws:iam::{rng.randrange(10**11, 10**12)}:role/r{rng.getrandbits(40):x}" for _ in range(15_000)
    )
    start = time.process_time()
    made = Pseudonyms.of((), text)
    assert "account-15000" in made.apply(text)
    assert time.process_time() - start < 12
