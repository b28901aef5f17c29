"""The IAM evaluator's parts: properties that hold for any document, hostile input, near misses, what stays unknown."""

import json
import random
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ekm_core.aws import simulate
from ekm_core.aws.iam.documents import Kind, parse
from ekm_core.aws.iam.evaluate import Policies, Result, evaluate
from ekm_core.aws.iam.matching import action_matches, matches, pattern
from ekm_core.aws.iam.request import Request, assume_role_request, kms_request

OPENAI = "arn:aws:iam::790389265272:role/EnterpriseKeyManagement"
ROLE = "arn:aws:iam::111122223333:role/openai-ekm"
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
DENIED = {Result.IMPLICITLY_DENIED, Result.EXPLICITLY_DENIED}


def document(kind, *statements, version="2012-10-17"):
    return parse({"Version": version, "Statement": list(statements)}, kind)


def trust(**change):
    statement = {
        "Sid": "OpenAI",
        "Effect": "Allow",
        "Principal": {"AWS": OPENAI},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": "org-A"}},
    }
    return {name: value for name, value in (statement | change).items() if value is not None}


ANYTHING = document(Kind.IDENTITY, {"Effect": "Allow", "Action": "*", "Resource": "*"})


def assume(*statements, external_id="org-A", complete=True, context=None):
    request = assume_role_request(ROLE, external_id, complete=complete)
    request = Request(
        request.principal,
        request.action,
        request.resource,
        request.resource_account,
        {**request.context, **(context or {})},
        complete,
    )
    return evaluate(request, Policies((ANYTHING,), document(Kind.TRUST, *statements)))


# --- near misses and grounds ---


def test_the_deciding_statement_is_named():
    decision = assume(trust(Action="sts:TagSession", Sid="Tags"), trust())
    assert decision.result is Result.ALLOWED
    assert [ground.place.statement for ground in decision.by if ground.place.kind is Kind.TRUST] == [1]
    assert decision.because == "Trust policy, statement 2 (“OpenAI”) allows this."


def test_a_near_miss_names_operator_key_wanted_and_actual():
    decision = assume(trust(), external_id="org-B")
    assert decision.result is Result.IMPLICITLY_DENIED
    (miss,) = decision.near[0].misses
    assert (miss.operator, miss.key, miss.wanted, miss.actual) == (
        "StringEquals",
        "sts:ExternalId",
        ("org-A",),
        ("org-B",),
    )
    assert decision.near[0].why == (
        "Trust policy, statement 1 (“OpenAI”) would allow this, "
        "but StringEquals sts:ExternalId wants “org-A”; the request has “org-B”."
    )


def test_near_misses_come_with_the_fewest_misses_first():
    other = trust(Principal={"AWS": "111122223333"}, Action="sts:TagSession", Sid="Other")
    decision = assume(other, trust(), external_id="")
    assert [len(near.misses) for near in decision.near] == [1, 3]
    assert decision.near[0].misses[0].actual == ()
    assert {miss.element for miss in decision.near[1].misses} == {"Principal", "Action", "Condition"}


def test_a_faulty_document_says_where_and_why():
    decision = assume(trust(Condition={"StringEqual": {"sts:ExternalId": "org-A"}}))
    assert decision.result is Result.INVALID
    assert decision.faults[0].path == "Statement[0].Condition.StringEqual"
    assert "no condition operator “StringEqual”" in decision.faults[0].reason


def test_every_denial_says_what_is_missing():
    root = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"}
    s3 = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    key = document(Kind.KEY, root)
    request = kms_request(ROLE, KEY, "kms:Encrypt", complete=True)
    cases = {
        "No statement of the key policy": Policies((ANYTHING,), document(Kind.KEY, root | {"Action": "kms:List*"})),
        "no identity policy of the caller": Policies((document(Kind.IDENTITY, s3),), key),
        "permissions boundary does not allow": Policies((ANYTHING,), key, boundary=document(Kind.BOUNDARY, s3)),
        "session policy does not allow": Policies((ANYTHING,), key, session=document(Kind.SESSION, s3)),
        "No service control policy": Policies((ANYTHING,), key, scps=[[document(Kind.SCP, s3)]]),
    }
    for words, policies in cases.items():
        decision = evaluate(request, policies)
        assert decision.result is Result.IMPLICITLY_DENIED
        assert words in decision.because


# --- what cannot be known offline ---


@pytest.mark.parametrize(
    ("block", "key"),
    [
        ({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, "aws:SourceIp"),
        ({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, "aws:PrincipalOrgID"),
        ({"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}, "aws:MultiFactorAuthPresent"),
        ({"Null": {"aws:PrincipalTag/team": "true"}}, "aws:PrincipalTag/team"),
        ({"StringLike": {"aws:UserAgent": "*openai*"}}, "aws:UserAgent"),
    ],
)
def test_a_real_caller_has_keys_that_nobody_knows(block, key):
    decision = assume(trust(Condition=block), complete=False)
    assert decision.result is Result.UNKNOWN
    assert decision.unknown == (key,)
    assert "cannot be known here" in decision.near[0].why


def test_a_session_that_may_be_older_than_a_revocation_stays_open():
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {"DateLessThan": {"aws:TokenIssueTime": an_hour_ago}}
    assert assume(trust(Condition=condition), complete=False).result is Result.UNKNOWN


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, Result.IMPLICITLY_DENIED),
        ({"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}, Result.IMPLICITLY_DENIED),
        ({"NumericLessThanIfExists": {"aws:MultiFactorAuthAge": "3600"}}, Result.ALLOWED),
        ({"Null": {"aws:MultiFactorAuthAge": "true"}}, Result.ALLOWED),
        ({"Null": {"aws:MultiFactorAuthPresent": "true"}}, Result.UNKNOWN),
        ({"DateLessThan": {"aws:CurrentTime": "2024-10-01T00:00:00Z"}}, Result.IMPLICITLY_DENIED),
        ({"DateGreaterThan": {"aws:EpochTime": "2024-10-01T00:00:00Z"}}, Result.ALLOWED),
        ({"DateLessThan": {"aws:TokenIssueTime": "2024-10-01T00:00:00Z"}}, Result.IMPLICITLY_DENIED),
        ({"DateGreaterThan": {"aws:TokenIssueTime": "2024-10-01T00:00:00Z"}}, Result.ALLOWED),
    ],
)
def test_a_session_has_no_mfa_and_calls_from_now_on(block, expected):
    assert assume(trust(Condition=block), complete=False).result is expected


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}, Result.IMPLICITLY_DENIED),
        ({"StringLike": {"aws:PrincipalOrgID": ["o-a1b2c3d4e5"]}}, Result.IMPLICITLY_DENIED),
        ({"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}, Result.ALLOWED),
        ({"StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}, Result.ALLOWED),
        # OpenAI's account may be in no organization at all.
        ({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}, Result.UNKNOWN),
        ({"StringEquals": {"aws:PrincipalOrgID": ["o-a1b2c3d4e5", "o-zz99yy88xx"]}}, Result.UNKNOWN),
        ({"StringLike": {"aws:PrincipalOrgID": "o-*"}}, Result.UNKNOWN),
        ({"StringEquals": {"aws:ResourceOrgID": "o-a1b2c3d4e5"}}, Result.ALLOWED),
        ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/r-ab12/*"}}, Result.IMPLICITLY_DENIED),
        ({"ForAllValues:StringNotLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}}, Result.ALLOWED),
        ({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-zz99yy88xx/*"}}, Result.UNKNOWN),
        ({"ForAnyValue:StringNotLike": {"aws:PrincipalOrgPaths": "o-a1b2c3d4e5/*"}}, Result.UNKNOWN),
    ],
)
def test_openai_is_not_in_the_organization_of_the_customer(block, expected):
    request = assume_role_request(ROLE, "org-A", organization="o-a1b2c3d4e5")
    policies = Policies(identity=(ANYTHING,), resource=document(Kind.TRUST, trust(Condition=block)))
    assert evaluate(request, policies).result is expected


def test_what_is_known_decides_before_what_is_not():
    block = {"StringEquals": {"sts:ExternalId": "org-B"}, "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}
    assert assume(trust(Condition=block), complete=False).result is Result.IMPLICITLY_DENIED
    unknown_deny = trust(Effect="Deny", Condition={"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, Sid="D")
    assert assume(trust(), unknown_deny, complete=False).result is Result.UNKNOWN
    assert assume(trust(Effect="Deny"), unknown_deny, complete=False).result is Result.EXPLICITLY_DENIED
    assert assume(trust(), complete=False).result is Result.ALLOWED


def test_a_variable_may_be_unknown():
    block = {"StringEquals": {"sts:ExternalId": "${aws:PrincipalTag/org}"}}
    assert assume(trust(Condition=block), complete=False).result is Result.UNKNOWN
    assert assume(trust(Condition=block), complete=True).result is Result.IMPLICITLY_DENIED


def test_a_key_by_its_old_name_is_as_unknown_as_by_its_new_one():
    condition = {"StringEquals": {"kms:CustomerMasterKeySpec": "SYMMETRIC_DEFAULT"}}
    statement = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:*", "Resource": "*"}
    key = document(Kind.KEY, statement | {"Condition": condition})
    for known, result in (({}, Result.UNKNOWN), ({"kms:KeySpec": "SYMMETRIC_DEFAULT"}, Result.ALLOWED)):
        assert evaluate(kms_request(ROLE, KEY, "kms:Encrypt", known=known), Policies(resource=key)).result is result


def test_what_aws_does_not_say_is_open_with_the_value_that_was_seen():
    deny = trust(Effect="Deny", Condition={"NumericNotEquals": {"sts:ExternalId": "5"}}, Sid="D")
    decision = assume(trust(), deny)
    assert (decision.result, decision.unknown) == (Result.UNKNOWN, ("sts:ExternalId",))
    allow = trust(Condition={"ArnLike": {"aws:PrincipalArn": "*"}})
    why = assume(allow).near[0].why
    assert why.endswith(f"the request has “{OPENAI}”, and whether that fulfils it cannot be told.")
    assert assume(trust(), deny, external_id="").result is Result.EXPLICITLY_DENIED


def test_documents_that_were_not_seen_leave_it_open():
    request = assume_role_request(ROLE, "org-A")
    good = document(Kind.TRUST, trust())
    assert evaluate(request, Policies((ANYTHING,), good, unseen=frozenset({Kind.SCP}))).result is Result.UNKNOWN
    assert evaluate(request, Policies((), good, unseen=frozenset({Kind.IDENTITY}))).result is Result.UNKNOWN
    assert evaluate(request, Policies((), good)).result is Result.IMPLICITLY_DENIED
    assert evaluate(request, Policies((ANYTHING,))).unknown == ("the resource policy",)
    bad = document(Kind.TRUST, trust(Action="sts:TagSession"))
    assert evaluate(request, Policies((), bad, unseen=frozenset(Kind))).result is Result.IMPLICITLY_DENIED


def test_a_notprincipal_that_names_the_role_without_its_account_is_open():
    allow = {"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "kms:*", "Resource": "*"}
    deny = {"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}, "Action": "kms:*", "Resource": "*"}
    key = document(Kind.KEY, allow, deny)
    assert evaluate(kms_request(ROLE, KEY, "kms:Encrypt"), Policies(resource=key)).result is Result.UNKNOWN
    complete = kms_request(ROLE, KEY, "kms:Encrypt", complete=True)
    assert evaluate(complete, Policies(resource=key)).result is Result.EXPLICITLY_DENIED


def test_the_name_of_the_roles_session_is_not_known():
    session = "arn:aws:sts::111122223333:assumed-role/openai-ekm/OpenAI-EKM-Service"
    for principal, result in (
        (session, Result.UNKNOWN),
        (ROLE, Result.ALLOWED),
        (ROLE + "2", Result.IMPLICITLY_DENIED),
    ):
        statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"}
        policies = Policies(resource=document(Kind.KEY, statement))
        assert evaluate(kms_request(ROLE, KEY, "kms:Encrypt"), policies).result is result
    block = {"StringLike": {"sts:RoleSessionName": "OpenAI-*"}}
    assert assume(trust(Condition=block), complete=False).unknown == ("sts:RoleSessionName",)


def test_the_builders_ask_as_openai_does():
    request = kms_request("arn:aws:iam::111122223333:role/path/openai-ekm", KEY, "kms:Decrypt")
    assert request.principal == "arn:aws:sts::111122223333:assumed-role/openai-ekm/OpenAI-EKM-Service"
    assert request.context["aws:PrincipalArn"] == "arn:aws:iam::111122223333:role/path/openai-ekm"
    assert request.context["aws:RequestedRegion"] == "us-east-1"
    assert request.resource_account == "111122223333"
    assert not request.complete
    for odd in ("", "arn", "x:y", "arn:aws:iam::1:role/x"):
        evaluate(kms_request(odd, odd, "kms:Encrypt"), Policies())
        evaluate(assume_role_request(odd, odd), Policies())


def test_a_caller_of_another_kind_is_unknown():
    decision = evaluate(Request("kms.amazonaws.com", "kms:Encrypt", KEY, "111122223333"), Policies())
    assert decision.result is Result.UNKNOWN


# --- properties ---

ACTIONS = st.sampled_from(["sts:AssumeRole", "sts:*", "*", "sts:TagSession", "STS:assume*", "kms:Encrypt"])
PRINCIPALS = st.sampled_from(
    ["*", {"AWS": OPENAI}, {"AWS": "790389265272"}, {"AWS": [ROLE]}, {"Service": "x.amazonaws.com"}, {"AWS": []}]
)
OPERATORS = ["StringEquals", "StringNotEquals", "StringLike", "StringEqualsIfExists", "ForAllValues:StringLike", "Null"]
BLOCKS = st.dictionaries(
    st.sampled_from(OPERATORS),
    st.dictionaries(
        st.sampled_from(["sts:ExternalId", "aws:PrincipalArn", "aws:SourceIp", "aws:PrincipalOrgID"]),
        st.sampled_from(["org-A", "org-*", "true", "false", "${aws:PrincipalTag/x}", OPENAI]),
        max_size=2,
    ),
    max_size=2,
)
STATEMENTS = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Principal": PRINCIPALS,
        "Action": ACTIONS,
        "Condition": BLOCKS,
    }
)
LISTS = st.lists(STATEMENTS, min_size=1, max_size=4)


@given(LISTS, STATEMENTS)
def test_adding_a_deny_never_allows(statements, added):
    before = assume(*statements)
    after = assume(*statements, added | {"Effect": "Deny"})
    assert after.result is not Result.ALLOWED or before.result is Result.ALLOWED


@given(LISTS, STATEMENTS)
def test_adding_an_allow_never_denies(statements, added):
    before = assume(*statements)
    after = assume(*statements, added | {"Effect": "Allow"})
    assert before.result is not Result.ALLOWED or after.result is Result.ALLOWED
    assert (before.result is Result.EXPLICITLY_DENIED) == (after.result is Result.EXPLICITLY_DENIED)


@given(LISTS, st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_statements_does_not_matter(statements, chance, complete):
    shuffled = list(statements)
    chance.shuffle(shuffled)
    assert assume(*statements, complete=complete).result is assume(*shuffled, complete=complete).result


@given(LISTS)
def test_what_is_known_for_certain_holds_when_more_becomes_known(statements):
    partial = assume(*statements, complete=False).result
    if partial is not Result.UNKNOWN:
        for context in ({}, {"aws:PrincipalOrgID": "org-A", "aws:SourceIp": "true"}, {"aws:PrincipalTag/x": "org-A"}):
            full = assume(*statements, context=context).result
            assert (full is Result.ALLOWED) == (partial is Result.ALLOWED)


@given(LISTS)
def test_the_case_of_actions_keys_and_operators_does_not_matter(statements):
    swapped = [
        statement
        | {
            "Action": statement["Action"].swapcase(),
            "Condition": {
                operator.swapcase(): {key.swapcase(): value for key, value in block.items()}
                for operator, block in statement["Condition"].items()
            },
        }
        for statement in statements
    ]
    assert assume(*statements).result is assume(*swapped).result


@given(st.text("ab*?", max_size=8), st.text("ab*?", max_size=8))
def test_the_wildcard_matcher_equals_a_regular_expression(wanted, text):
    expression = "".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in wanted)
    assert matches(pattern(wanted, None), text) == (re.fullmatch(expression, text) is not None)


@given(st.text(max_size=12))
def test_a_text_without_wildcards_matches_itself_without_case_as_an_action(text):
    plain = text.replace("*", "").replace("?", "")
    assert action_matches(plain, plain)


NAMES = ["Version", "Statement", "Effect", "Action", "NotAction", "Principal", "NotPrincipal", "Resource"]
NAMES += ["Condition", "Sid", "AWS", "Null", "StringLike", "a:b", "x"]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["*", "Allow", "Deny"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(JSON, st.sampled_from(list(Kind)))
def test_no_document_raises(value, kind):
    for source in (
        value,
        {"Statement": value},
        {"Statement": [{"Effect": "Allow", "Condition": value, "Principal": value}]},
    ):
        read = parse(source, kind)
        evaluate(assume_role_request(ROLE, "org-A"), Policies((ANYTHING,), read))
        assert all(problem.reason for problem in read.problems)


@given(st.text())
def test_no_text_raises(text):
    assert not parse(text + "}", Kind.TRUST).valid


@given(JSON)
def test_no_case_raises(value):
    list(simulate.lines([json.dumps(value), json.dumps({"context": value, "principal": value, "scps": value})]))


# --- hostile sizes ---

DEEP = "[" * 500_000 + "]" * 500_000
WIDE = json.dumps({"Version": "2012-10-17", "Statement": [trust()] * 6000})
LONG_KEY = json.dumps({"a" * 500_000: [0] * 100_000})
STARS = json.dumps(
    {"Version": "2012-10-17", "Statement": [trust(Condition={"StringLike": {"sts:ExternalId": "*a" * 1900}})]}
)


@pytest.mark.parametrize("text", [DEEP, WIDE, LONG_KEY, STARS, "{" * 1_000_000, "9" * 1_000_000, '"\ud800"'])
def test_a_megabyte_of_anything_is_quick(text):
    started = time.perf_counter()
    read = parse(text, Kind.TRUST)
    request = Request(
        assume_role_request(ROLE, "").principal,
        "sts:AssumeRole",
        ROLE,
        "111122223333",
        {"sts:ExternalId": "a" * 8000 + "b"},
    )
    evaluate(request, Policies((ANYTHING,), read))
    assert time.perf_counter() - started < 4


@pytest.mark.parametrize(
    ("kind", "quota"),
    [
        (Kind.BOUNDARY, 6144),
        (Kind.SESSION, 2048),
        (Kind.TRUST, 8192),
        (Kind.KEY, 32768),
        (Kind.SCP, 10240),
        (Kind.RCP, 5120),
    ],
)
def test_a_documents_characters_are_counted_as_aws_counts_them(kind, quota):
    statement = {"Effect": "Allow", "Action": ["kms:*", "sts:*"], "Condition": {"StringLike": {"aws:UserAgent": '"\\'}}}
    if kind in (Kind.TRUST, Kind.KEY):
        statement |= {"Principal": {"AWS": OPENAI}}
    if kind is Kind.RCP:
        statement |= {"Effect": "Deny", "Principal": "*"}
    if kind is not Kind.TRUST:
        statement |= {"Resource": "*"}
    policy = {"Version": "2012-10-17", "Id": "", "Statement": [statement, statement, statement]}
    policy["Id"] = "a" * (quota - len(json.dumps(policy, separators=(",", ":"))))
    assert parse(json.dumps(policy, indent=4), kind).valid
    policy["Id"] += "a"
    refused = parse(json.dumps(policy, indent=4), kind)
    assert [f"at most {quota:,} characters" in problem.reason for problem in refused.problems] == [True]


@pytest.mark.parametrize(
    ("region", "expected"), [("us-east-1", Result.ALLOWED), ("eu-west-1", Result.IMPLICITLY_DENIED)]
)
def test_the_region_that_is_called_is_the_keys(region, expected):
    condition = {"StringEquals": {"aws:RequestedRegion": region}}
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ROLE},
        "Action": "kms:*",
        "Resource": "*",
        "Condition": condition,
    }
    request = Request(ROLE, "kms:Decrypt", KEY, "111122223333")
    assert evaluate(request, Policies((), document(Kind.KEY, statement))).result is expected


def test_a_huge_number_in_a_value_is_refused():
    assert not parse({"Version": 10**5000, "Statement": []}, Kind.TRUST).valid


# --- the command ---


def test_simulate_answers_each_line_and_names_bad_ones():
    case = {
        "id": "a",
        "principal": assume_role_request(ROLE, "").principal,
        "action": "sts:AssumeRole",
        "resource": ROLE,
        "resource_account": "111122223333",
        "context": {"sts:ExternalId": "org-A"},
        "identity_policies": [
            {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
        ],
        "resource_policy": {"Version": "2012-10-17", "Statement": [trust()]},
    }
    bad = [
        case | {"id": 2, "action": None},
        case | {"scps": [{}]},
        case | {"context": {"a": {}}},
        case | {"context": []},
        [],
    ]
    text = "\n".join([json.dumps(case), "", *map(json.dumps, bad), "nonsense", json.dumps(case | {"context": None})])
    done = subprocess.run(
        [sys.executable, "-m", "ekm_core", "simulate", "--jsonl"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer.get("result") for answer in answers] == [
        "Allowed",
        None,
        None,
        None,
        "ImplicitlyDenied",
        None,
        None,
        "ImplicitlyDenied",
    ]
    assert answers[0]["by"][0]["why"] == "Trust policy, statement 1 (“OpenAI”) allows this."
    assert answers[1] == {"id": 2, "error": "action must be given, as text."}
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


def test_a_random_case_keeps_its_verdict_however_its_documents_come():
    chance = random.Random(1)  # as text, with white space, with the statement alone
    statement = trust()
    for external_id in ("org-A", "org-B"):
        for source in (
            {"Version": "2012-10-17", "Statement": [statement]},
            {"Statement": statement, "Version": "2012-10-17"},
            json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=chance.randint(1, 9)),
        ):
            read = parse(source, Kind.TRUST)
            decision = evaluate(assume_role_request(ROLE, external_id), Policies((ANYTHING,), read))
            assert (decision.result is Result.ALLOWED) == (external_id == "org-A")
