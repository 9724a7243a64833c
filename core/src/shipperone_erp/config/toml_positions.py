"""The position of each key in a TOML text: the line of every table, key and array element, by its path.

`tomllib` reads the values, but reports no positions. tree-sitter's grammar is used for the positions only.
"""

import tomllib

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

Path = tuple[str | int, ...]


def lines(text: str) -> dict[Path, int]:
    """The line, counted from 1, of each path such as ("tenants", "acme", "fields", "sku") or ("charges", 0)."""
    root = Parser(Language(tree_sitter_toml.language())).parse(text.encode()).root_node
    found: dict[Path, int] = {}
    implied: dict[Path, int] = {}
    elements: dict[Path, int] = {}
    for node in root.named_children:
        if node.type == "pair":
            _pair(node, (), found)
        elif node.type in ("table", "table_array_element"):
            path = _resolved(_keys(node.named_children[0]), elements)
            if node.type == "table_array_element":
                elements[path] = elements.get(path, -1) + 1
                path = (*path, elements[path])
            found.setdefault(path, node.start_point.row + 1)
            for end in range(1, len(path)):
                implied.setdefault(path[:end], node.start_point.row + 1)
            for child in node.named_children[1:]:
                if child.type == "pair":
                    _pair(child, path, found)
    return {**implied, **found}


def _resolved(path: Path, elements: dict[Path, int]) -> Path:
    """The path, with the current index for every array of tables that it passes through."""
    done: Path = ()
    for part in path[:-1]:
        done = (*done, part)
        if done in elements:
            done = (*done, elements[done])
    return (*done, path[-1])


def _pair(node: Node, above: Path, found: dict[Path, int]) -> None:
    key, value = node.named_children[0], node.named_children[-1]
    path = (*above, *_keys(key))
    for end in range(len(above) + 1, len(path) + 1):
        found.setdefault(path[:end], node.start_point.row + 1)
    _value(value, path, found)


def _value(node: Node, path: Path, found: dict[Path, int]) -> None:
    if node.type == "inline_table":
        for child in node.named_children:
            if child.type == "pair":
                _pair(child, path, found)
    elif node.type == "array":
        for number, child in enumerate(child for child in node.named_children if child.type != "comment"):
            found[(*path, number)] = child.start_point.row + 1
            _value(child, (*path, number), found)


def _keys(node: Node) -> Path:
    if node.type == "dotted_key":
        return tuple(key for child in node.named_children for key in _keys(child))
    text = (node.text or b"").decode()
    if node.type == "quoted_key":
        return (next(iter(tomllib.loads(f"{text} = 0"))),)
    return (text,)
