"""Wrong programs: one small change to a right one."""
import ast
import copy

SWAPS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.FloorDiv, ast.FloorDiv: ast.Div, ast.Mod: ast.Mult, ast.Pow: ast.Mult,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.Lt, ast.GtE: ast.Gt, ast.And: ast.Or, ast.Or: ast.And,
}
RETURNS = [
    "list({0})", "tuple({0})", "None", "str({0})", "[{0}]", "sorted({0})", "set({0})", "dict({0})", "iter({0})", "{0}[::-1]", "({0}, {0})", "not {0}", "float({0})", "int({0})",
    "{0} or None", "(_ for _ in {0})", "1 // 0", "undefined_name", "repr({0})", "type({0})", "True", "1", "{0} + {0}", "abs({0})", "[*{0}, 0]", "print({0})",
]
BODIES = ["raise KeyError('gone')", "raise RuntimeError", "while True: pass", "return", "assert False", "import sys; sys.exit(0)", "print('working')"]


def places(tree):
    for node in ast.walk(tree):
        if isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)) and type(node.op) in SWAPS:
            yield "operator", node
        if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
            yield "comparison", node
        if isinstance(node, ast.Constant) and type(node.value) is int:
            yield "constant", node
        if isinstance(node, ast.Constant) and type(node.value) is str and node.value:
            yield "text", node
        if isinstance(node, ast.Return) and node.value is not None:
            yield "result", node
            yield "result", node
            yield "result", node
        if isinstance(node, ast.FunctionDef):
            yield "body", node
            yield "argument", node


def mutated(rng, source):
    """(what was changed, the program with the change)."""
    tree = copy.deepcopy(ast.parse(source))
    kind, node = rng.choice(list(places(tree)))
    if kind == "operator":
        node.op = SWAPS[type(node.op)]()
    elif kind == "comparison":
        node.ops[0] = SWAPS[type(node.ops[0])]()
    elif kind == "constant":
        node.value += rng.choice([-1, 1, 2])
    elif kind == "text":
        node.value = rng.choice([node.value[::-1], node.value + " ", node.value.upper()])
    elif kind == "result":
        form = rng.choice(RETURNS)
        node.value = ast.parse(form.format("(%s)" % ast.unparse(node.value)), mode="eval").body
    elif kind == "body":
        # Few loops: each costs its whole time limit.
        body = rng.choice(BODIES)
        if body.startswith("while") and rng.random() < 0.8:
            body = "return"
        node.body = [*ast.parse("def f():\n    " + body).body[0].body, *node.body]
    elif node.args.args:
        name = rng.choice(node.args.args).arg
        change = rng.choice(["%s.sort()", "%s.append(1)", "%s.clear()", "%s += [0]", "%s = list(%s)[::-1]", "%s.reverse()", "%s.pop()"])
        node.body = [*ast.parse(change.replace("%s", name)).body, *node.body]
        kind = "argument"
    return kind, ast.unparse(ast.fix_missing_locations(tree)) + "\n"
