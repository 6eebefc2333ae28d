"""The reference of the API out of openapi.json: a page for each tag, and one of all schemas."""

from __future__ import annotations

import json
import pathlib
import re

METHODS = ("get", "post", "put", "patch", "delete")


def anchor(name: str) -> str:
    return name.lower()


def cell(text: str) -> str:
    return re.sub(r"\s+", " ", text or "").replace("|", "\\|").strip()


def kind(schema: dict) -> str:
    """The type of a value in a few words, with links to the schemas that it names."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](schemas.md#{anchor(name)})"
    for word in ("oneOf", "anyOf", "allOf"):
        if word in schema:
            return " or ".join(dict.fromkeys(kind(part) for part in schema[word]))
    types = schema.get("type", "any")
    types = types if isinstance(types, list) else [types]
    said = []
    for name in types:
        if name == "array":
            said.append(f"list of {kind(schema.get('items', {}))}")
        elif "enum" in schema:
            said.append(", ".join(f"`{json.dumps(word)}`" for word in schema["enum"]))
        elif name == "string" and "format" in schema:
            said.append(schema["format"])
        else:
            said.append(name)
    return " or ".join(dict.fromkeys(said))


def block(example: object) -> list[str]:
    return ["```json", json.dumps(example, indent=2, ensure_ascii=False), "```", ""]


def examples(content: dict, document: dict) -> list[object]:
    if "example" in content:
        return [content["example"]]
    found = []
    for example in content.get("examples", {}).values():
        if "$ref" in example:
            example = document["components"]["examples"][example["$ref"].rsplit("/", 1)[1]]
        found.append(example.get("value"))
    return found[:1]


class Reference:
    def __init__(self, root: pathlib.Path):
        self.document = json.loads((root / "openapi.json").read_text())

    def resolve(self, part: dict) -> dict:
        if "$ref" not in part:
            return part
        found = self.document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return found

    def operation(self, method: str, path: str, operation: dict) -> list[str]:
        out = [f"## {method.upper()} {path}", "", f"**{operation.get('summary', '')}**", "",
               operation.get("description", ""), ""]

        parameters = [self.resolve(part) for part in operation.get("parameters", [])]
        if parameters:
            out += ["| parameter | in | type | |", "|---|---|---|---|"]
            out += [f"| `{part['name']}` | {part['in']} | {kind(part.get('schema', {}))} | {cell(part.get('description', ''))} |"
                    for part in parameters]
            out.append("")

        body = self.resolve(operation.get("requestBody", {}))
        for media, content in body.get("content", {}).items():
            out += [f"Body, `{media}`: {kind(content.get('schema', {}))}", ""]
            if media.endswith("json"):
                for example in examples(content, self.document):
                    out += block(example)

        out += ["| answer | |", "|---|---|"]
        shown: list[str] = []
        for status, answer in operation["responses"].items():
            answer = self.resolve(answer)
            kinds = ", ".join(dict.fromkeys(
                f"`{media}`: {kind(content.get('schema', {}))}" for media, content in answer.get("content", {}).items()
                if status.startswith("2")))
            out.append(f"| {status} | {cell(answer.get('description', ''))}{'; ' + kinds if kinds else ''} |")
            if status.startswith("2"):
                for media, content in answer.get("content", {}).items():
                    if media.endswith("json"):
                        for example in examples(content, self.document):
                            shown += block(example)
        return [*out, "", *shown]

    def pages(self) -> dict[str, tuple[str, str]]:
        """File names, each with a title and the text."""
        found = {"overview": ("API reference", self.overview())}
        for tag in self.document["tags"]:
            out = [f"# API: {tag['name']}", "", tag.get("description", ""), ""]
            number = 0
            for path, methods in self.document["paths"].items():
                for method in METHODS:
                    if tag["name"] in methods.get(method, {}).get("tags", []):
                        out += self.operation(method, path, methods[method])
                        number += 1
            assert number, f"no operation has the tag {tag['name']}"
            found[tag["name"]] = (tag["name"], "\n".join(out))
        found["schemas"] = ("schemas", self.schemas())
        return found

    def overview(self) -> str:
        info = self.document["info"]
        operations = sum(method in METHODS for methods in self.document["paths"].values() for method in methods)
        out = ["# API reference", "", f"Version {info['version']}, {operations} operations. Generated from `openapi.json`; "
               "[The API](../../api.md) says how clients are made and what holds for all operations.", "",
               "| tag | |", "|---|---|"]
        out += [f"| [{tag['name']}]({tag['name']}.md) | {cell(tag.get('description', ''))} |" for tag in self.document["tags"]]
        return "\n".join([*out, "", info["description"]])

    def schemas(self) -> str:
        out = ["# API: schemas", ""]
        for name, schema in sorted(self.document["components"]["schemas"].items()):
            out += [f"## {name}", "", schema.get("description", ""), ""]
            properties = schema.get("properties", {})
            if not properties:
                out += [kind({part: value for part, value in schema.items() if part != "description"}), ""]
                continue
            required = schema.get("required", [])
            out += ["| field | type | |", "|---|---|---|"]
            for field, part in properties.items():
                optional = "" if field in required else "*optional* "
                out.append(f"| `{field}` | {kind(part)} | {optional}{cell(part.get('description', ''))} |")
            out.append("")
        return "\n".join(out)
