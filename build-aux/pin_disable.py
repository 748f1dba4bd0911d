# SPDX-License-Identifier: Apache-2.0
"""How the statement of a pin is disabled: changes of the text.

groups_of() gives ways to do it, the most telling first. Each is a list of
steps that the tests must all notice: a test of a yes or no must see both. A
step is a list of changes of which they must notice one. docs/conformance.md
has the table.
"""

import re
from collections import namedtuple

# what: in words; edits: [(start, end, new text)]
Change = namedtuple("Change", "what edits")

NOTHING = "(void)0"
ZERO = re.compile(r"[({ ]*(0[xX]?0*[uUlL]*|false|NULL)[)} ]*$")
WHOLE = ("CHAR_U UCHAR USHORT UINT ULONG ULONGLONG CHAR_S SCHAR SHORT INT "
         "LONG LONGLONG").split()


def replaced(what, node, new):
    """A way of one step of one change."""
    return [[Change(what, [(node.start, node.end, new)])]]


def inserted(what, at, new):
    return [[Change(what, [(at, at, new)])]]


def bare(node):
    """Without casts that nobody wrote and parentheses."""
    while node.kind in ("UNEXPOSED_EXPR", "PAREN_EXPR") and \
            len(node.children) == 1:
        node = node.children[0]
    return node


def type_kind(of):
    """BOOL, ENUM, WHOLE, POINTER, RECORD, VOID or something else."""
    kind = of.get_canonical().kind.name
    return "WHOLE" if kind in WHOLE else kind


def type_name(of):
    return re.sub(r"\b(const|volatile)\b ?", "", of.get_canonical().spelling)


def is_zero(node):
    """Whether the value is a constant that is plainly zero."""
    if ZERO.match(node.source.of(node)):
        return True
    inner = bare(node)
    named = inner.cursor.referenced if inner.kind == "DECL_REF_EXPR" else None
    return bool(named and named.kind.name == "ENUM_CONSTANT_DECL" and
                named.enum_value == 0)


def is_constant(node):
    return is_zero(node) or bare(node).kind == "INTEGER_LITERAL"


# ---- values ----

def branch_groups(node):
    """Either branch of a ?: alone."""
    inner = bare(node)
    if inner.kind != "CONDITIONAL_OPERATOR":
        return []
    test = inner.children[0]
    return [replaced("always the second branch", test, "0"),
            replaced("always the first branch", test, "1")]


def mask_groups(node):
    """x & ~MASK without the mask."""
    inner = bare(node)
    if inner.operator() == "&" and \
            bare(inner.children[1]).kind in ("UNARY_OPERATOR",
                                             "CSTYLE_CAST_EXPR") and \
            "~" in inner.source.of(inner.children[1]):
        return [replaced("without the mask", node,
                         inner.source.of(inner.children[0]))]
    return []


def both_groups(node):
    """A yes or no: the tests must notice either; a constant is negated."""
    if is_constant(node):
        new = "true" if is_zero(node) else "false"
        return [replaced(f"now {new}", node, new)]
    return [replaced("always true", node, "true") +
            replaced("always false", node, "false")]


def flip_groups(node, of):
    """Another value than it has, where there is one to name."""
    old = node.source.of(node)
    if type_kind(of) == "BOOL":
        return [replaced("negated", node, f"!({old})")]
    if type_kind(of) in ("ENUM", "WHOLE"):
        return [replaced("another number", node, f"({old}) ^ 1")]
    return []


def part_groups(node):
    """What is telling about an expression: one branch of a ?: alone, or what
    a mask lets through."""
    return branch_groups(node) or mask_groups(node)


def value_groups(node, of, initialiser=False):
    """Another value in place of an expression."""
    kind = type_kind(of)
    if kind == "BOOL":
        return both_groups(node)
    groups = part_groups(node)
    if groups:
        return groups
    if kind == "RECORD":
        cast = "" if initialiser else f"({type_name(of)})"
        return [replaced("all zero", node, cast + "{0}")]
    if not is_zero(node):
        groups = [replaced("now 0", node, "0")]
    return groups + flip_groups(node, of)


def result_groups(node, of):
    """What a function gives, made permissive: no error, both of yes and no,
    nothing. What is permissive already becomes an error."""
    kind = type_kind(of)
    if kind == "ENUM":
        if is_zero(node):
            return [replaced("returns an error", node, "1")]
        return [replaced("returns no error", node, "0")]
    if kind == "BOOL":
        return [chosen_answer(both_groups(node)[0], function_of(node))]
    return value_groups(node, of)


def permissive(function):
    """What a function of yes or no says where it forbids nothing: what keeps
    the ifs that ask it from their branch. None if that is not plain."""
    answers = set()
    for node in function.source.nodes:
        if node.kind != "CALL_EXPR" or \
                node.cursor.spelling != function.cursor.spelling:
            continue
        at = node
        while at.parent and at.role != "expression" and \
                at.parent.kind != "IF_STMT":
            at = at.parent
        if not at.parent or at.parent.children[0] is not at:
            return None
        before = function.source.code[:node.start].rstrip()
        answers.add(before.endswith("!"))
    return answers.pop() if len(answers) == 1 else None


def chosen_answer(group, function):
    """Of always true and always false the permissive one, if it is plain."""
    answer = permissive(function)
    if answer is None or len(group) != 2:
        return group
    return group[:1] if answer else group[1:]


# ---- statements ----

def if_groups(node):
    test = node.children[0]
    old = node.source.of(test)
    return [replaced("never", test, f"0 && ({old})")]


def else_groups(node):
    return [replaced("else nothing", node, "{}")]


def enclosing_if(node):
    """The if whose branch the statement ends or is, and the change of its
    condition that leaves it out."""
    inner = node
    if node.parent.kind == "COMPOUND_STMT":
        inner = node.parent
    outer = inner.parent
    if not outer or outer.kind != "IF_STMT" or inner is outer.children[0]:
        return []
    if inner is outer.children[1]:
        return if_groups(outer)
    test = outer.children[0]
    return [replaced("never", test, f"1 || ({node.source.of(test)})")]


def function_of(node):
    while node and node.kind != "FUNCTION_DECL":
        node = node.parent
    return node


def return_groups(node):
    left_out = enclosing_if(node)
    if left_out or not node.children:
        return left_out or [replaced("removed", node, NOTHING)]
    return result_groups(node.children[0],
                         function_of(node).cursor.result_type)


def jump_groups(node):
    return enclosing_if(node) or [replaced("removed", node, NOTHING)]


def expression_groups(node):
    groups = [replaced("removed", node, NOTHING)]
    if node.operator() == "=":
        to, value = node.children
        groups = mask_groups(value) or groups + (
            branch_groups(value) or flip_groups(value, to.cursor.type))
    return groups


def loop_groups(node):
    return [replaced("removed", node, ";")]


def case_groups(node):
    """Leave before its statements; where they do nothing, give an error."""
    code = node.source.code
    label = len("default") + node.start if node.kind == "DEFAULT_STMT" else \
        node.children[0].end
    at = code.index(":", label) + 1
    of = function_of(node).cursor.result_type
    first = node.children[-1]
    if first.kind == "BREAK_STMT" or \
            first.kind == "RETURN_STMT" and first.children and \
            type_kind(of) in ("ENUM", "BOOL") and is_constant(
                first.children[0]):
        if type_kind(of) == "ENUM":
            return [inserted("returns an error", at, " return 1;")]
        if first.kind == "RETURN_STMT":
            return both_groups(first.children[0])
    return [inserted("its statements left out", at, " break;")]


def function_groups(node):
    of = node.cursor.result_type
    kind = type_kind(of)
    at = node.body().start + 1

    def gives(value):
        return inserted(f"returns {value} at once", at, f" return {value};")

    if kind == "VOID":
        return [inserted("returns at once", at, " return;")]
    if kind == "BOOL":
        return [chosen_answer(gives("true") + gives("false"), node)]
    if kind == "RECORD":
        return [gives(f"({type_name(of)}){{0}}")]
    return [gives("0")] + ([gives("1")] if kind == "WHOLE" else [])


def array_groups(var):
    """An array without initialiser: half as long."""
    code = var.source.code
    size = re.compile(r"\[([^][]+)\]").search(
        code, code.index(var.cursor.spelling, var.start), var.end)
    if not size:
        return []
    return [[[Change("half as long", [(*size.span(1),
                                       f"({size.group(1)}) / 2")])]]]


def declaration_groups(node):
    groups = []
    for var in node.variables():
        init = var.init()
        if not init:
            groups += array_groups(var)
        elif init.kind == "INIT_LIST_EXPR" and init.children:
            groups.append(list_group(init))
        else:
            groups += value_groups(init, var.cursor.type, True)
    return groups


def list_group(node):
    """A list in braces: the tests must notice each part."""
    steps = []
    for element in node.children:
        name = " ".join(node.source.of(element).split())[:24]
        groups = element_groups(element)
        if any(len(group) > 1 for group in groups):
            found = groups[0]
        else:
            found = [[change for group in groups for change in group[0]]]
        steps += [[Change(f"{name}: {change.what}", change.edits)
                   for change in step] for step in found]
    return steps


def element_groups(node):
    """An initialiser: removed, or another value where it has a place but no
    name."""
    code = node.source.code
    value, of = node, node.cursor.type
    if code[node.start] not in ".[":
        if node.kind == "INIT_LIST_EXPR" and node.children:
            return [list_group(node)]
        return value_groups(node, of, True)
    comma = re.compile(r"\s*,").match(code, node.end)
    end = comma.end() if comma else node.end
    groups = [[[Change("removed", [(node.start, end, "")])]]]
    if len(node.children) > 1:
        value, member = node.children[-1], node.children[-2]
        of = member.cursor.referenced.type if member.kind == "MEMBER_REF" \
            else value.cursor.type
    return mask_groups(value) or groups + (
        branch_groups(value) or flip_groups(value, of))


def operand_groups(node):
    if node.parent.operator() == "&&":
        return [replaced("operand true", node, "1")]
    return [replaced("operand false", node, "0")]


def argument_groups(node):
    return value_groups(node, node.cursor.type)


def macro_groups(source, span):
    start, end = span
    old = source.text[start:end]
    zero = "1" if ZERO.match(old) else "0"
    return [[[Change(f"now {zero}", [(start, end, f"({zero})")])]],
            [[Change("another number", [(start, end, f"(({old}) ^ 1)")])]]]


MAKERS = {
    "if": if_groups, "else": else_groups, "return": return_groups,
    "jump": jump_groups, "expression": expression_groups,
    "loop": loop_groups, "switch": loop_groups, "case": case_groups,
    "function": function_groups, "declaration": declaration_groups,
    "element": element_groups, "operand": operand_groups,
    "argument": argument_groups,
}


def groups_of(source, role, target):
    """The ways to disable what target_of() found."""
    if role == "macro":
        return macro_groups(source, target)
    return MAKERS[role](target) if role else []


def apply(text, edits):
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text
