"""Only a probe loads a cloud's SDK, and only when it makes a call; nothing in the core knows Streamlit."""

import ast
from pathlib import Path

import pytest

CORE = Path(__file__).resolve().parents[2] / "ekm_core"
SDKS = {"boto3", "botocore", "google", "azure", "msal", "openai"}


def loaded(tree):
    """(package, whether inside a function) of each import that happens at run time."""

    def walk(node, inside):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            if isinstance(child, ast.Import):
                yield from ((name.name.split(".")[0], inside) for name in child.names)
            elif isinstance(child, ast.ImportFrom) and not child.level:
                yield str(child.module).split(".")[0], inside
            yield from walk(child, inside or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))

    return list(walk(tree, False))


@pytest.mark.parametrize("file", sorted(CORE.rglob("*.py")), ids=lambda file: str(file.relative_to(CORE)))
def test_only_probes_load_an_sdk_and_only_inside_functions(file):
    for package, inside in loaded(ast.parse(file.read_text(encoding="utf-8"))):
        assert package != "streamlit"
        if package in SDKS:
            assert inside
            assert file.name == "probe.py"


def test_the_reading_of_imports_itself():
    typed, called = (
        "if TYPE_CHECKING:\n    import azure.x",
        "def f():\n    from google.auth import x\n    import ekm_core",
    )
    text = f"import boto3\n{typed}\n{called}"
    assert loaded(ast.parse(text)) == [("boto3", False), ("google", True), ("ekm_core", True)]
