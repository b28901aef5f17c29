"""The whole answer to one paste: verdicts, values, chain, several errors, nothing known."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ekm_core.diagnose import OWN_TEST, diagnose
from ekm_core.model import Link, LinkState, Verdict

ORG = "org-AbCdEfGh12345678"
OPENAI = "arn:aws:sts::790389265272:assumed-role/EnterpriseKeyManagement/OpenAI-EKM-Service"


def sts(caller=OPENAI, role="arn:aws:iam::111122223333:role/ekm", tail=""):
    return f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {role}{tail}"


def kms(account="111122223333", tail=""):
    return (
        f"An error occurred (AccessDeniedException) when calling the Encrypt operation: User: arn:aws:sts::"
        f"111122223333:assumed-role/ekm/OpenAI-EKM-Service is not authorized to perform: kms:Encrypt on resource: "
        f"arn:aws:kms:us-east-1:{account}:key/0f9b04ee-ab13-4f35-a2b2-d0902bfe6a1e{tail}"
    )


def verdicts(judged_error):
    return {judged.cause.id: judged.ruling.verdict for judged in judged_error.causes}


def states(diagnosis):
    return {item.link: item.state for item in diagnosis.chain}


def test_causes_stand_confirmed_first_ruled_out_last():
    order = [Verdict.CONFIRMED, Verdict.CANNOT_TELL, Verdict.RULED_OUT]
    for text in (
        sts(),
        sts(caller="arn:aws:iam::111122223333:user/me"),
        kms(tail=" with an explicit deny in a service control policy"),
    ):
        for judged_error in diagnose(text).errors:
            places = [order.index(judged.ruling.verdict) for judged in judged_error.causes]
            assert places == sorted(places)


def test_the_users_own_test_says_nothing_about_openais_call():
    diagnosis = diagnose(sts(caller="arn:aws:iam::111122223333:user/me"))
    assert verdicts(diagnosis.errors[0])[OWN_TEST] is Verdict.CONFIRMED
    assert LinkState.PROVEN not in states(diagnosis).values()
    assert LinkState.BROKEN not in states(diagnosis).values()


def test_openais_own_call_breaks_the_link():
    diagnosis = diagnose(sts())
    assert verdicts(diagnosis.errors[0])[OWN_TEST] is Verdict.RULED_OUT
    assert states(diagnosis)[Link.TRUST] is LinkState.BROKEN
    assert states(diagnosis)[Link.KEY] is LinkState.UNKNOWN


def test_values_of_the_text_stand_in_the_fix():
    judged_error = diagnose(sts(), {"organization_id": ORG}).errors[0]
    text = " ".join(
        snippet.text for judged in judged_error.causes for snippet in (*judged.fix.policies, *judged.fix.cli)
    )
    assert ORG in text
    assert "<ORGANIZATION_ID>" not in text
    assert "--role-name=ekm" in text or "--role-name ekm" in text


def test_the_console_way_to_an_audience_names_it_and_speaks_of_no_command():
    provider = "//iam.googleapis.com/projects/839201746553/locations/global/workloadIdentityPools/ekm/providers/openai"
    text = (
        f"Failed to acquire GCP STS token for audience {provider}: {{'error': 'invalid_grant', 'error_description': "
        f"'The audience in ID Token [{ORG}] does not match the expected audience https:{provider}.'}}"
    )
    fix = diagnose(text).errors[0].causes[0].fix
    assert f"Under Allowed audiences, enter {ORG}." in fix.console
    assert not any("command" in step for step in fix.console)
    assert not fix.policies


def test_a_masked_value_is_shown_and_never_copied_into_a_snippet():
    judged_error = diagnose(sts(role="arn:aws:iam::xxxxxxxxxxxx:role/xxxxxx")).errors[0]
    assert judged_error.entities["resource"] == "arn:aws:iam::xxxxxxxxxxxx:role/xxxxxx"
    for judged in judged_error.causes:
        for snippet in (*judged.fix.policies, *judged.fix.cli, *judged.fix.terraform):
            assert "xxxxxx" not in snippet.text


def test_openais_account_is_never_taken_for_the_customers():
    judged_error = diagnose(sts(role="arn:aws:iam::xxxxx:role/xxxxxx")).errors[0]
    assert "account_id" not in judged_error.entities
    for judged in judged_error.causes:
        assert not any("account 790389265272" in step for step in (*judged.look.console, *judged.fix.console))


def test_typed_values_come_before_read_ones():
    other = "arn:aws:iam::444455556666:role/typed"
    judged_error = diagnose(sts(), {"role_arn": other}).errors[0]
    assert any("typed" in snippet.text for judged in judged_error.causes for snippet in judged.fix.cli)


def test_each_error_gets_its_own_values():
    text = f"{sts(role='arn:aws:iam::444455556666:role/other')}\n\n{'log line ' * 200}\n\n{kms()}"
    by_id = {judged_error.match.error.id: judged_error for judged_error in diagnose(text).errors}
    assert by_id["aws-sts-assume-role-denied"].entities["account_id"] == "444455556666"
    assert by_id["aws-kms-access-denied"].entities["account_id"] == "111122223333"


def test_unknown_text_has_no_match_and_says_what_to_copy():
    diagnosis = diagnose("AccessDenied while assuming a role, trust policy external id")
    assert diagnosis.errors == ()
    assert diagnosis.chain == ()
    assert "whole message" in diagnosis.next_step


def test_something_quite_different_is_not_even_perhaps():
    assert diagnose("The quick brown fox jumps over the lazy dog").perhaps == ()


def test_secrets_are_gone_before_anything_sees_the_text():
    secret = "AKIAQ7J3ZK5XWVT2M4NB"
    diagnosis = diagnose(f"{secret} {sts()}", {"vault": secret})
    assert secret not in repr(diagnosis)
    assert sum(diagnosis.redactions.values()) == 1


@pytest.mark.parametrize("filler", ["x", '\\"', "sts:AssumeRole ", '{"a":', "\n| ", "not authorized to perform: "])
def test_a_match_in_a_very_long_paste_is_found_where_it_stands(filler):
    noise = filler * (200_000 // len(filler))
    diagnosis = diagnose(f"{noise}\n{sts()}\n{noise}")
    proof = diagnosis.errors[0].match.proofs[0]
    assert diagnosis.errors[0].match.error.id == "aws-sts-assume-role-denied"
    assert "sts:AssumeRole" in proof.text


@settings(deadline=None)
@given(st.text(max_size=200), st.dictionaries(st.sampled_from(["role_arn", "vault", "organization_id"]), st.text()))
def test_any_text_and_any_values_get_an_answer(text, typed):
    assert diagnose(text, typed).next_step
