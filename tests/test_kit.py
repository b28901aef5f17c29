"""The kit of each cloud: what is in it parses, does what it says, and holds no value that could do harm."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path, PurePosixPath

import hcl2
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ekm_core import kit, vendor
from ekm_core.importing.names import BESIDE, REGISTRATION
from ekm_core.kitparts import code, fenced
from ekm_core.model import Configuration, Language, Provider

BASH = shutil.which("bash") or "bash"
TERRAFORM = shutil.which("terraform")
needs_terraform = pytest.mark.skipif(TERRAFORM is None, reason="the terraform binary is not on the PATH")

ORGANIZATION = "org-AbCdEf123456"
ROLE = "arn:aws:iam::222222222222:role/team/openai-ekm"
KEY = "arn:aws:kms:eu-central-1:222222222222:key/1d0e24a5-1bfe-4099-9c81-41c3155c506b"
AWS = Configuration(
    Provider.AWS, {"name": "Prod key", "role_arn": ROLE, "kms_arn": KEY, "external_id": ORGANIZATION}, ORGANIZATION
)
AWS_NEW_KEY = Configuration(Provider.AWS, {"role_arn": ROLE, "region": "eu-central-1"}, ORGANIZATION)
GCP = Configuration(
    Provider.GCP,
    {
        "workload_identity_project_number": "462718293645",
        "workload_identity_pool_id": "openai-pool",
        "workload_identity_provider_id": "openai-provider",
        "audience": ORGANIZATION,
        "kms_project_id": "acme-kms",
        "kms_key_ring_name": "ekm-ring",
        "kms_key_name": "ekm-key",
        "kms_key_location": "europe-west3",
    },
    ORGANIZATION,
)
TENANT, SUBSCRIPTION = "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "9f2504e0-4f89-41d3-9a0c-0305e82c3302"
AZURE = Configuration(
    Provider.AZURE,
    {
        "tenant_id": TENANT,
        "vault_uri": "https://acme-ekm.vault.azure.net/",
        "key_name": f"{ORGANIZATION}--ekm",
        "subscription_id": SUBSCRIPTION,
        "resource_group": "ekm-rg",
    },
    ORGANIZATION,
)
FULL = {"aws": AWS, "aws-new-key": AWS_NEW_KEY, "gcp": GCP, "azure": AZURE}
EMPTY = {f"{cloud}-empty": Configuration(cloud, {}) for cloud in REGISTRATION}
ALL = FULL | EMPTY
every = pytest.mark.parametrize("configuration", ALL.values(), ids=ALL.keys())
full = pytest.mark.parametrize("configuration", FULL.values(), ids=FULL.keys())

NASTY = [
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "x\ntouch pwned\n",
    "--profile=evil",
    "-rf",
    "@/etc/passwd",
    "${data.x.y}",
    "%{ if true }",
    "a\\",
    "EOF",
    "# x",
    "```\n# x",
    "<script>alert(1)</script>",
    "<ROLE_ARN>",
    "../../x",
    "\ud800",
    "\x00",
    "arn:aws:iam::222222222222:role/$(touch pwned)",
    'arn:aws:kms:eu-west-1:222222222222:key/"; touch pwned; "',
    "https://x$(touch pwned).vault.azure.net/",
    f"{ORGANIZATION}--$(touch pwned)",
    "üñí 漢字 🙂",
]
TEXT = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
FIELDS = sorted({"name", *(name for cloud in REGISTRATION for name in (*REGISTRATION[cloud], *BESIDE[cloud]))})
HOSTILE = st.builds(
    Configuration, st.sampled_from(sorted(REGISTRATION)), st.dictionaries(st.sampled_from(FIELDS), TEXT), TEXT
)


def texts(configuration: Configuration) -> dict[str, str]:
    return {file.path: file.snippet.text for file in kit.files(configuration)}


def write(configuration: Configuration, folder: Path) -> None:
    for path, text in texts(configuration).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def run(
    script: Path, answers: dict[str, str], *arguments: str
) -> tuple[subprocess.CompletedProcess[str], list[list[str]]]:
    """Runs a script whose tools are stand-ins, and gives the words of each of their calls.

    answers: by a part of the call, what the tool prints; it fails where that is "FAIL", and prints nothing for others.
    """
    folder = script.parent
    tools, log = folder / ".tools", folder / ".calls"
    tools.mkdir(exist_ok=True)
    log.unlink(missing_ok=True)
    replies = {part: "exit 1" if answer == "FAIL" else f"echo '{answer}'" for part, answer in answers.items()}
    cases = "\n".join(f"*'{part}'*) {reply} ;;" for part, reply in replies.items())
    for tool in ("aws", "gcloud", "az", "curl"):
        (tools / tool).write_text(
            f'#!{BASH}\nprintf "%s\\0" "$(($# + 1))" {tool} "$@" >> "{log}"\ncase "{tool} $*" in\n{cases}\nesac\n',
            encoding="utf-8",
        )
        (tools / tool).chmod(0o755)
    done = subprocess.run(
        [BASH, str(script), *arguments],
        cwd=folder,
        env={"PATH": f"{tools}:{os.environ['PATH']}", "OPENAI_ADMIN_KEY": "unused", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        input="no\n",
        timeout=60,
        check=False,
    )
    words = iter(log.read_text(encoding="utf-8").split("\0")[:-1] if log.exists() else [])
    return done, [[next(words) for _ in range(int(count))] for count in words]


def called(calls: list[list[str]], *words: str) -> list[list[str]]:
    return [call for call in calls if set(words) <= set(call)]


# ---------------------------------------------------------------------------------------------------------- the whole
@every
def test_every_file_parses_in_its_language(configuration):
    for file in kit.files(configuration):
        if file.snippet.language is Language.JSON:
            json.loads(file.snippet.text)
        elif file.snippet.language is Language.HCL:
            hcl2.loads(file.snippet.text)
        elif file.snippet.language is Language.BASH:
            subprocess.run([BASH, "-n"], input=file.snippet.text, text=True, check=True)


@every
def test_the_zip_is_safe_and_always_the_same(configuration):
    made = kit.archive(configuration)
    assert made == kit.archive(configuration)
    with zipfile.ZipFile(io.BytesIO(made)) as folder:
        assert folder.testzip() is None
        names = folder.namelist()
        assert len(names) == len(set(names)) == len(kit.files(configuration))
        for entry in folder.infolist():
            path = PurePosixPath(entry.filename)
            assert not path.is_absolute()
            assert ".." not in path.parts
            assert path.parts[0] == f"openai-ekm-{configuration.provider}"
            assert bool(entry.external_attr >> 16 & 0o100) is (path.suffix == ".sh")
            assert folder.read(entry).endswith(b"\n")


@every
def test_the_readme_names_every_file_and_every_open_value(configuration):
    made = texts(configuration)
    readme = made.pop("README.md")
    for path, text in made.items():
        assert f"`{path}`" in readme
        for name in re.findall(r"<[A-Z][A-Z0-9_]+>", text):
            assert f"`{name}`" in readme
    assert "/validate" in readme


@pytest.mark.parametrize("configuration", [AWS, GCP, AZURE], ids=["aws", "gcp", "azure"])
def test_a_full_configuration_leaves_nothing_open(configuration):
    made = kit.files(configuration)
    assert not [file.path for file in made[1:] if file.snippet.placeholders]
    assert "Nothing: every value is filled in." in made[0].snippet.text
    assert "Correct these first" not in made[0].snippet.text
    body = json.loads(texts(configuration)["registration.json"])
    wanted = {name: configuration.get(name) for name in REGISTRATION[configuration.provider]}
    assert body.pop("name")
    assert body == {"type": configuration.provider, **wanted}


def test_no_kit_without_a_cloud():
    with pytest.raises(ValueError, match="openai"):
        kit.files(Configuration(Provider.OPENAI, {}))


# -------------------------------------------------------------------------------------------------------- faulty values
@pytest.mark.parametrize(
    ("configuration", "field", "bad"),
    [
        (AWS, "role_arn", vendor.AWS_PRINCIPAL),
        (AWS, "kms_arn", "1d0e24a5-1bfe-4099-9c81-41c3155c506b"),
        (AWS, "external_id", "org-SomebodyElse1"),
        (GCP, "workload_identity_project_number", "other-project"),
        (GCP, "audience", "https://example.com"),
        (AZURE, "tenant_id", "acme.onmicrosoft.com"),
        (AZURE, "key_name", "org-SomebodyElse1--ekm"),
    ],
)
def test_a_value_that_fails_its_check_stays_out_and_the_readme_says_so(configuration, field, bad):
    faulty = Configuration(configuration.provider, {**configuration.fields, field: bad}, configuration.organization_id)
    made = texts(faulty)
    readme = made.pop("README.md")
    assert "Correct these first" in readme
    # OpenAI's own role stands in the trust policy, rightly.
    assert bad == vendor.AWS_PRINCIPAL or not [path for path, text in made.items() if bad in text]
    assert json.loads(made["registration.json"])[field] != bad


def test_an_alias_means_that_there_is_a_key():
    fields = {**AWS.fields, "kms_arn": "arn:aws:kms:eu-central-1:222222222222:alias/ekm"}
    made = texts(Configuration(Provider.AWS, fields, ORGANIZATION))
    assert "create-key" not in made["create.sh"]
    assert "aws_kms_key" not in made["terraform/main.tf"]
    assert "alias/ekm" not in made["policies/identity-policy.json"]
    assert json.loads(made["registration.json"])["kms_arn"] == "<KMS_KEY_ARN>"


def test_a_registered_project_stays_the_external_id():
    project = "proj_AbCdEf123456"
    made = texts(Configuration(Provider.AWS, {**AWS.fields, "external_id": project}, ORGANIZATION))
    [statement] = json.loads(made["policies/trust-policy.json"])["Statement"]
    assert statement["Condition"] == {"StringEquals": {"sts:ExternalId": project}}
    assert json.loads(made["registration.json"])["external_id"] == project


@settings(max_examples=60, deadline=None)
@given(configuration=HOSTILE)
def test_any_text_makes_a_kit_that_parses(configuration):
    made = kit.files(configuration)
    kit.archive(configuration)
    for file in made:
        assert file.snippet.text.encode("utf-8")
        if file.snippet.language is Language.JSON:
            json.loads(file.snippet.text)
        if file.path == "terraform/terraform.tfvars":
            hcl2.loads(file.snippet.text)
        if file.path not in ("registration.json", "terraform/terraform.tfvars"):  # these hold the friendly name
            assert "touch pwned" not in file.snippet.text


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(configuration=HOSTILE)
def test_a_hostile_script_runs_the_same_commands(configuration, tmp_path):
    has_key = {"kms_arn": "-"} if configuration.get("kms_arn") else {}
    calls = []
    for one in (configuration, Configuration(configuration.provider, has_key)):
        script = tmp_path / "create.sh"
        # Without the guard, which would stop at the first open value.
        script.write_text(re.sub(r"<([A-Z][A-Z0-9_]+)>", r"\1", texts(one)["create.sh"]), encoding="utf-8")
        calls.append(
            run(script, {"get-caller-identity": "ACCOUNT_ID", "account show": "TENANT_ID\nSUBSCRIPTION_ID"}, "--yes")[1]
        )
    assert [(call[:3], len(call)) for call in calls[0]] == [(call[:3], len(call)) for call in calls[1]]
    assert not (tmp_path / "pwned").exists()


@settings(max_examples=60, deadline=None)
@given(name=TEXT)
def test_the_friendly_name_may_be_anything(name):
    # HCL allows an escaped "$${" that nothing closes; python-hcl2 8.1 cannot read one.
    assume(not re.search(r"[$%]\{[^}]*$", name))
    made = texts(Configuration(Provider.AWS, {**AWS.fields, "name": name}, ORGANIZATION))
    written = json.loads(made["registration.json"])["name"]
    literal = hcl2.loads(made["terraform/terraform.tfvars"])["registration_name"]
    assert json.loads(literal.replace("$${", "${").replace("%%{", "%{"), strict=False) == written
    if name.isascii() and name.isprintable() and name.strip():
        assert written == " ".join(name.split())


@given(value=TEXT)
def test_nothing_ends_a_code_span_or_block(value):
    span = code(value)
    fence = re.match("`+", span).group()
    assert "\n" not in span
    assert fence not in re.findall("`+", span[len(fence) : -len(fence)])
    block = fenced(value, "bash")
    assert block.partition("bash\n")[0] not in block.partition("\n")[2].rpartition("\n")[0]


# ------------------------------------------------------------------------------------------------------------ Terraform
@needs_terraform
def test_terraform_finds_nothing_to_format(tmp_path):
    for name, configuration in ALL.items():
        write(configuration, tmp_path / name)
    subprocess.run([TERRAFORM, "fmt", "-check", "-recursive", "-diff", str(tmp_path)], check=True, timeout=120)


@needs_terraform
@pytest.mark.parametrize(
    ("configuration", "variable"),
    [(AWS, "kms_arn"), (AWS_NEW_KEY, "region"), (GCP, "kms_project_id"), (AZURE, "vault_name")],
    ids=["aws", "aws-new-key", "gcp", "azure"],
)
def test_the_variables_take_the_values_and_refuse_wrong_ones(configuration, variable, tmp_path):
    made = texts(configuration)
    for name in ("variables.tf", "terraform.tfvars"):
        (tmp_path / name).write_text(made[f"terraform/{name}"], encoding="utf-8")
    plan = [TERRAFORM, "plan", "-input=false", "-no-color"]
    subprocess.run(plan, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    refused = subprocess.run(
        [*plan, f"-var={variable}=no such thing"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert refused.returncode
    assert "Invalid value for variable" in refused.stderr


@every
def test_every_variable_is_declared_used_and_without_default(configuration):
    made = texts(configuration)
    declared = {name.strip('"') for block in hcl2.loads(made["terraform/variables.tf"])["variable"] for name in block}
    used = set(
        re.findall(r"var\.(\w+)", "".join(made[f"terraform/{name}.tf"] for name in ("main", "outputs", "versions")))
    )
    given_values = set(hcl2.loads(made["terraform/terraform.tfvars"])) - {"__comments__"}
    assert declared == used
    assert given_values <= declared
    assert "default" not in made["terraform/variables.tf"]


@full
def test_terraform_hands_out_the_registration(configuration):
    outputs = hcl2.loads(texts(configuration)["terraform/outputs.tf"])["output"]
    names = {name.strip('"') for block in outputs for name in block}
    assert names == {"registration", "type", "name", *REGISTRATION[configuration.provider]}


@pytest.mark.parametrize("configuration", [AWS_NEW_KEY, GCP, AZURE], ids=["aws", "gcp", "azure"])
def test_terraform_never_destroys_a_key(configuration):
    assert "prevent_destroy = true" in texts(configuration)["terraform/main.tf"]


# -------------------------------------------------------------------------------------------------------- what is made
def test_aws_grants_two_actions_on_one_key_to_openai_alone():
    made = texts(AWS)
    [trust] = json.loads(made["policies/trust-policy.json"])["Statement"]
    assert trust["Principal"] == {"AWS": vendor.AWS_PRINCIPAL}
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": ORGANIZATION}}
    [identity] = json.loads(made["policies/identity-policy.json"])["Statement"]
    assert (identity["Action"], identity["Resource"]) == (["kms:Encrypt", "kms:Decrypt"], KEY)
    assert "enable_key_rotation      = true" in texts(AWS_NEW_KEY)["terraform/main.tf"]


def test_gcp_lets_openais_subject_alone_in():
    made = texts(GCP)
    provider = json.loads(made["policies/provider.json"])
    assert provider["attributeCondition"] == f'assertion.sub == "{vendor.GCP_SUBJECT}"'
    assert provider["oidc"] == {"issuerUri": vendor.GCP_ISSUER, "allowedAudiences": [ORGANIZATION]}
    binding = json.loads(made["policies/key-binding.json"])
    assert binding["members"] == [
        "principal://iam.googleapis.com/projects/462718293645/locations/global/workloadIdentityPools/openai-pool"
        f"/subject/{vendor.GCP_SUBJECT}"
    ]
    assert "rotation_period" in made["terraform/main.tf"]


def test_azure_assigns_three_data_actions_on_the_key():
    made = texts(AZURE)
    role = json.loads(made["policies/custom-role.json"])
    assert (role["Actions"], role["DataActions"]) == ([], list(vendor.AZURE_DATA_ACTIONS))
    main = made["terraform/main.tf"]
    assert "scope              = azurerm_key_vault_key.openai_ekm.resource_versionless_id" in main
    assert "rbac_authorization_enabled = true" in main
    assert "purge_protection_enabled   = true" in main


# ------------------------------------------------------------------------------------------------------------- scripts
FRESH = {
    "aws": {"get-caller-identity": "222222222222", "get-role": "FAIL"},
    "aws-new-key": {
        "get-caller-identity": "222222222222",
        "get-role": "FAIL",
        "create-key": "1d0e24a5",
        "describe-key": KEY,
    },
    "gcp": {" describe ": "FAIL"},
    "azure": {"account show": f"{TENANT}\n{SUBSCRIPTION}", "group show": "westeurope", "ad sp show": "the-object-id"},
}
THERE = {
    "aws": {"get-caller-identity": "222222222222"},
    "aws-new-key": {"get-caller-identity": "222222222222", "list-aliases": "1d0e24a5", "describe-key": KEY},
    "gcp": {"pools": "ACTIVE", " describe ": "name"},
    "azure": {
        "account show": f"{TENANT}\n{SUBSCRIPTION}",
        "ad sp": "the-object-id",
        "keyvault list": "other\nACME-EKM",
        "keyvault show": "true",
        "key list": f"{ORGANIZATION}--ekm",
        "role definition list": "OpenAI EKM key user",
    },
}
CREATED = {
    "aws": ["create-role", "put-role-policy"],
    "aws-new-key": ["create-key", "create-alias", "enable-key-rotation", "create-role", "put-role-policy"],
    "gcp": ["enable", "enable", "create", "create-oidc", "create", "create", "add-iam-policy-binding"],
    "azure": [
        "ad sp create",
        "keyvault create",
        "keyvault key create",
        "role definition create",
        "role assignment create",
    ],
}
# These change nothing where they find things as they should be.
AGAIN = {
    "aws": ["put-role-policy"],
    "aws-new-key": ["enable-key-rotation", "put-role-policy"],
    "gcp": ["enable", "enable", "add-iam-policy-binding"],
    "azure": ["role assignment create"],
}
_CHANGES = re.compile(
    r"create-role|put-role-policy|create-key|create-alias|enable-key-rotation|\benable\b(?!-)|create-oidc|"
    r"add-iam-policy-binding|(?:ad sp|keyvault|keyvault key|role definition|role assignment) create|\bcreate\b(?!-)"
)


def changes(calls: list[list[str]]) -> list[str]:
    """The changing commands among the calls, by their own words."""
    found = (_CHANGES.search(" ".join(word for word in call[1:] if not word.startswith("-"))) for call in calls)
    return [match.group() for match in found if match]


@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize(("answers", "expected"), [(FRESH, CREATED), (THERE, AGAIN)], ids=["fresh", "there"])
def test_create_makes_what_is_missing_and_leaves_what_is_there(name, answers, expected, tmp_path):
    write(FULL[name], tmp_path)
    done, calls = run(tmp_path / "create.sh", answers[name], "--yes")
    assert done.returncode == 0, done.stderr
    assert changes(calls) == expected[name]


@pytest.mark.parametrize("name", FULL)
def test_create_asks_first(name, tmp_path):
    write(FULL[name], tmp_path)
    done, calls = run(tmp_path / "create.sh", FRESH[name])
    assert (done.returncode, calls) == (1, [])
    assert "This script will do the following:" in done.stdout


@pytest.mark.parametrize("name", EMPTY)
def test_scripts_refuse_open_values(name, tmp_path):
    write(EMPTY[name], tmp_path)
    for script, arguments in (("create.sh", ["--yes"]), ("register.sh", [])):
        done, calls = run(tmp_path / script, {}, *arguments)
        assert (done.returncode, calls) == (1, [])
        assert "in angle brackets" in done.stderr


@pytest.mark.parametrize(
    ("name", "answers", "says"),
    [
        ("aws", {"get-caller-identity": "333333333333"}, "333333333333"),
        ("aws-new-key", {**FRESH["aws-new-key"], "list-aliases": "FAIL"}, ""),
        ("gcp", {"pools describe": "DELETED"}, "Bring it back"),
        ("azure", {"account show": TENANT}, "az account set"),
        ("azure", {**THERE["azure"], "keyvault show": "false"}, "access policies"),
        ("azure", {**THERE["azure"], "key list": "FAIL"}, ""),
    ],
)
def test_create_stops_rather_than_guess(name, answers, says, tmp_path):
    write(FULL[name], tmp_path)
    done, calls = run(tmp_path / "create.sh", answers, "--yes")
    assert done.returncode
    assert says in done.stderr
    assert set(changes(calls)) <= {"enable"}


def test_the_new_key_enters_the_policy(tmp_path):
    write(AWS_NEW_KEY, tmp_path)
    done, calls = run(tmp_path / "create.sh", FRESH["aws-new-key"], "--yes")
    [policy] = called(calls, "put-role-policy")
    document = json.loads(policy[-1].removeprefix("--policy-document="))
    assert document["Statement"][0]["Resource"] == KEY
    assert KEY in done.stdout


def test_register_sends_the_file_and_holds_no_key(tmp_path):
    write(AWS, tmp_path)
    done, [call] = run(tmp_path / "register.sh", {})
    assert done.returncode == 0
    assert call[-2:] == ["--data-binary", "@registration.json"]
    assert "Authorization: Bearer unused" in call
    assert "OPENAI_ADMIN_KEY" in texts(AWS)["register.sh"]
