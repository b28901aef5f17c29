"""The calls of OpenAI's management API, and what the text of its errors decides."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ekm_core.catalogue import errors
from ekm_core.model import Case, Snippet, Values, Verdict
from ekm_core.openai import snippets as openai

BASH = shutil.which("bash") or "bash"
NASTY = [
    "$(touch pwned)",
    "'; touch pwned; '",
    '"',
    "@/etc/passwd",
    "-rf",
    "../../x",
    "..",
    "a\nb",
    "a\\",
    '"""',
    "漢字 🙂",
]
TEXT = st.one_of(st.sampled_from(NASTY), st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40))


def run(snippet: Snippet, folder: Path) -> list[str]:
    """The arguments of the one curl call, as bash really splits them."""
    out = folder / "arguments"
    script = 'curl() { printf "%s\\0" "$@" > "$OUT"; }\n' + snippet.text
    environment = {"OUT": str(out), "PATH": "/nonexistent", "OPENAI_ADMIN_KEY": "unused", "LC_ALL": "C.UTF-8"}
    subprocess.run([BASH, "-eu", "-c", script], cwd=folder, env=environment, check=True, timeout=20)
    return out.read_bytes().decode("utf-8").split("\0")[:-1]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(st.sampled_from(["type", "name", "kms_arn", "audience"]), TEXT, min_size=1))
def test_register_holds_every_field(fields, tmp_path):
    curl, python = openai.register(fields)
    words = run(curl, tmp_path)
    assert words[:3] == ["--request", "POST", "https://api.openai.com/v1/organization/external_keys"]
    assert "Authorization: Bearer unused" in words
    assert json.loads(words[words.index("--data-raw") + 1]) == fields
    [call] = [
        node for node in ast.walk(ast.parse(python.text)) if isinstance(node, ast.Call) and len(node.keywords) > 0
    ]
    assert ast.unparse(call.func) == "client.admin.organization.external_keys.create"
    assert {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords} == fields


def test_a_field_is_an_identifier():
    with pytest.raises(ValueError, match="not a field name"):
        openai.register({"type=1); import os; (x": "aws"})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=TEXT.filter(bool))
def test_an_id_stays_one_segment_of_the_address(key, tmp_path):
    values = Values({"external_key_id": key})
    curl, python = openai.validate(values)
    words = run(curl, tmp_path)
    address = words[2]
    assert address.startswith("https://api.openai.com/v1/organization/external_keys/")
    assert address.endswith("/validate")
    assert address.count("/") == 7
    assert key in {node.value for node in ast.walk(ast.parse(python.text)) if isinstance(node, ast.Constant)}
    assert "/../" not in address
    for snippet in (openai.retrieve(values), openai.delete(values)):
        assert any(word.startswith("https://api.openai.com/") for word in run(snippet, tmp_path))
    assert {path.name for path in tmp_path.iterdir()} <= {"arguments"}


def test_open_ids_are_marked(tmp_path):
    for snippet in (*openai.validate(Values()), openai.retrieve(Values()), openai.delete(Values())):
        assert snippet.placeholders == ("<EXTERNAL_KEY_ID>",)
    assert "<EXTERNAL_KEY_ID>" in run(openai.retrieve(Values()), tmp_path)[0]
    assert run(openai.list_keys(), tmp_path)[0] == openai.EXTERNAL_KEYS_URL
    assert run(openai.list_projects(), tmp_path)[0].endswith("/projects?limit=100")


def test_no_snippet_holds_a_key():
    for snippet in (*openai.register({"type": "aws"}), *openai.validate(Values()), openai.list_keys()):
        assert "sk-" not in snippet.text
        assert "OPENAI_ADMIN_KEY" in snippet.text


_REFUSED = "Incorrect API key provided:"


@pytest.mark.parametrize(
    ("error", "cause", "text", "verdict"),
    [
        ("invalid-parameter", "wrong-form", "Invalid 'role_arn': string does not match pattern.", "confirmed"),
        (
            "invalid-parameter",
            "wrong-form",
            "Invalid 'messages[2].name': string does not match pattern.",
            "cannot_tell",
        ),
        ("invalid-parameter", "missing-field", "Missing required parameter: 'tenant_id'.", "confirmed"),
        ("invalid-parameter", "missing-field", "Invalid 'role_arn': string does not match pattern.", "cannot_tell"),
        ("invalid-parameter", "another-call", "Missing required parameter: 'input[6].summary'", "confirmed"),
        ("invalid-parameter", "another-call", "Missing required parameter: 'vault_uri'", "ruled_out"),
        ("insufficient-permissions", "missing-scope", "Missing scopes: api.external_keys.write.", "confirmed"),
        ("insufficient-permissions", "missing-scope", "Missing scopes: model.request.", "cannot_tell"),
        ("insufficient-permissions", "another-call", "Missing scopes: model.request.", "confirmed"),
        ("insufficient-permissions", "another-call", "Missing scopes: api.external_keys.read.", "ruled_out"),
        ("insufficient-permissions", "another-call", "Missing scopes: api.management.read.", "cannot_tell"),
        ("insufficient-permissions", "another-call", "You have insufficient permissions", "cannot_tell"),
        ("insufficient-permissions", "unknown-key", f"{_REFUSED} [removed: OpenAI admin key].", "confirmed"),
        ("insufficient-permissions", "unknown-key", "Missing scopes: api.management.read.", "ruled_out"),
        ("insufficient-permissions", "unknown-key", "You have insufficient permissions", "cannot_tell"),
        ("insufficient-permissions", "missing-scope", f"{_REFUSED} [removed: OpenAI admin key].", "ruled_out"),
        ("insufficient-permissions", "not-an-admin-key", f"{_REFUSED} [removed: OpenAI admin key].", "ruled_out"),
        ("key-in-use", "live-projects", "associated with active projects", "cannot_tell"),
    ],
)
def test_what_the_text_decides(error, cause, text, verdict):
    [found] = [one for one in errors()[f"openai-{error}"].causes if one.id == cause]
    ruling = found.check(Case(text))
    assert ruling.verdict == verdict
    assert all(quote in text for quote in ruling.quotes)
    assert bool(ruling.quotes) == (ruling.verdict is not Verdict.CANNOT_TELL)
