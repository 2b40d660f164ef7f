"""Each rule about batches and deliveries is written in one module."""

import ast
import re
from pathlib import Path

import pytest

import invites

ROOT = Path(invites.__file__).parent
MODULES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text())
    for path in ROOT.rglob("*.py")
    if "migrations" not in path.parts
}


def writes(tree: ast.AST, model: str, value: str) -> list[int]:
    """The lines that give ``model.state`` a value containing ``value``, in Python or in SQL."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if _is_update(node, model, value)
        or _is_assignment(node, value)
        or _is_sql(node, model, value)
    ]


def _is_update(node: ast.AST, model: str, value: str) -> bool:
    if not (isinstance(node, ast.Call) and ast.unparse(node.func) == f"{model}.update"):
        return False
    return bool(re.search(rf"\bstate\b.*{value}", ast.unparse(node))) or any(
        not isinstance(argument, ast.Dict) for argument in node.args
    )


def _is_assignment(node: ast.AST, value: str) -> bool:
    if not isinstance(node, ast.Assign):
        return False
    is_state = any(ast.unparse(target).endswith(".state") for target in node.targets)
    return is_state and value in ast.unparse(node.value)


def _is_sql(node: ast.AST, model: str, value: str) -> bool:
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return False
    pattern = rf'UPDATE\s+"?{model}"?\s+SET\s+"?state"?\s*=\s*\S*{value}'
    return bool(re.search(pattern, node.value, re.IGNORECASE))


def owners(model: str, value: str) -> set[str]:
    return {name for name, tree in MODULES.items() if writes(tree, model, value)}


def test_only_one_module_writes_the_state_of_a_batch():
    assert owners("Batch", "BatchState") == {"outbox/batches.py"}


def test_only_one_module_withdraws_mail():
    assert owners("Delivery", "WITHDRAWN") == {"outbox/deliveries.py"}


@pytest.mark.parametrize(
    "code",
    [
        "Batch.update(state=BatchState.DONE).where(x).execute()",
        "Batch.update({Batch.state: BatchState.DONE}).execute()",
        "Batch.update(changes).execute()",
        "batch.state = BatchState.DONE if x else BatchState.RUNNING",
        'run("UPDATE batch SET state = {BatchState.DONE}")',
    ],
)
def test_every_way_to_write_a_state_is_found(code):
    assert writes(ast.parse(code), "Batch", "BatchState")


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("outbox/")])
def test_sql_takes_its_constants_from_the_enums(name):
    texts = (
        node.value
        for node in ast.walk(MODULES[name])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    literal = r"\b(state|kind|priority)\b\s*(=|<|>|IN\s*\()\s*['\d]"
    assert not [text for text in texts if re.search(literal, text)]
