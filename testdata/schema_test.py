# SPDX-License-Identifier: Apache-2.0
"""schema_test.py LOADER [memory]: see schema_test.sh.

A file of the corpus begins with comments:
    # LINE:COLUMN: FRAGMENT     of a bad file: where the error is and what it
                                says; "-" when it has no place
    # schema: accepts           the schema cannot express what is wrong
    # set: NAME=VALUE,...       what --set gives
"""
import glob
import json
import re
import subprocess
import sys

import jsonschema
import yaml


def resolve(text):
    """A plain scalar by the core schema of YAML 1.2, section 10.3.2."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if re.fullmatch(r"[-+]?[0-9]+", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"0o[0-7]+|0x[0-9a-fA-F]+", text):
        return int(text, 0)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?",
                    text, re.ASCII):
        return float(text)
    if re.fullmatch(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", text):
        return float(text.replace(".", ""))
    return text


def substitute(text, pairs):
    def one(match):
        if match[0] == "$${":
            return "${"
        return pairs.get(match[1], match[0])
    if not pairs:
        return text
    return re.sub(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}", one, text)


def construct(node, pairs):
    if isinstance(node, yaml.MappingNode):
        if not all(isinstance(k, yaml.ScalarNode) for k, _ in node.value):
            raise yaml.YAMLError("a key is no scalar")
        return {k.value: construct(v, pairs) for k, v in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [construct(v, pairs) for v in node.value]
    text = substitute(node.value, pairs)
    return text if node.style else resolve(text)


def ecma_pattern(validator, pattern, instance, schema):
    """In ECMA 262, unlike in Python, '$' does not match before a newline."""
    if isinstance(instance, str) and not re.search(
            re.sub(r"(?<!\\)\$(?=$|\)|\|)", r"\\Z", pattern), instance):
        yield jsonschema.ValidationError(f"not of the form {pattern}")


Validator = jsonschema.validators.extend(
    jsonschema.Draft202012Validator, {"pattern": ecma_pattern})


def schema_error(validator, data, pairs):
    try:
        node = yaml.compose(data, Loader=yaml.SafeLoader)
        value = construct(node, pairs) if node is not None else None
    except (yaml.YAMLError, UnicodeError) as error:
        return "not YAML: " + str(error).replace("\n", " ")
    error = next(validator.iter_errors(value), None)
    return None if error is None else error.message


def comments(data):
    encoding = "utf-16" if data.startswith(b"\xff\xfe") else "latin-1"
    lines = []
    for line in data.decode(encoding).splitlines():
        if not line.startswith("# "):
            break
        lines.append(line[2:].encode("latin-1").decode("utf-8"))
    return lines


class Case:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        self.path = path
        self.good = "/good/" in path
        head = comments(self.data)
        self.want = None if self.good else head[0]
        self.accepts = "schema: accepts" in head
        given = [h[5:] for h in head if h.startswith("set: ")]
        # A newline can be written as \n.
        self.set = given[0].replace("\\n", "\n").split(",") if given else []

    def pairs(self):
        return dict(pair.split("=", 1) for pair in self.set)


def check_loader(case, said):
    if case.good:
        return None if said == "accept" else f"refused: {said}"
    place, fragment = case.want.split(": ", 1)
    at = f"loader: {case.path}" + ("" if place == "-" else f":{place}") + ": "
    if said == "accept":
        return "the loader accepts it"
    if place != "-" and not said.startswith(at):
        return f"another place than {place}: {said}"
    if fragment not in said:
        return f"it does not say '{fragment}': {said}"
    return None


def check_schema(case, validator):
    error = schema_error(validator, case.data, case.pairs())
    if case.good or case.accepts:
        if error is not None:
            return f"the schema refuses it: {error}"
        # What stands in an editor is the file as it is.
        raw = schema_error(validator, case.data, {})
        if case.good and raw is not None:
            return f"the schema refuses it before substitution: {raw}"
        return None
    return "the schema accepts it" if error is None else None


def check_kind(loader, kind):
    with open(f"schemas/{kind}.schema.json", encoding="utf-8") as file:
        schema = json.load(file)
    Validator.check_schema(schema)
    validator = Validator(schema)
    cases = [Case(p) for p in sorted(
        glob.glob(f"testdata/{kind}/good/*.yaml") +
        glob.glob(f"testdata/{kind}/bad/*.yaml"))]
    said = subprocess.run(
        [loader, kind] + [",".join([c.path] + c.set) for c in cases],
        check=True, stdout=subprocess.PIPE).stdout.decode().splitlines()
    assert len(said) == len(cases), "the loader printed another number"
    bad = 0
    for case, line in zip(cases, said):
        for what, wrong in (("loader", check_loader(case, line)),
                            ("schema", check_schema(case, validator))):
            if wrong is None:
                print(f"ok {what} {case.path}")
            else:
                print(f"not ok {what} {case.path}: {wrong}")
                bad += 1
    return bad


def check_memory(loader, kind, cases):
    """Each allocation of each good file fails once."""
    said = subprocess.run(
        [loader, "memory", kind] + cases,
        check=True, stdout=subprocess.PIPE).stdout.decode().splitlines()
    assert len(said) == len(cases), "the loader printed another number"
    bad = 0
    for case, line in zip(cases, said):
        if line.startswith("ok "):
            print(f"ok memory {case}")
        else:
            print(f"not ok memory {case}: {line}")
            bad += 1
    return bad


def main():
    kinds = ("descriptor", "profile", "batch")
    bad = sum(check_kind(sys.argv[1], kind) for kind in kinds)
    if "memory" in sys.argv[2:]:
        for kind in kinds:
            cases = [Case(p) for p in sorted(
                glob.glob(f"testdata/{kind}/good/*.yaml"))]
            bad += check_memory(sys.argv[1], kind,
                                [",".join([c.path] + c.set) for c in cases])
        bad += check_memory(sys.argv[1], "hex", ["testdata/small.hex"])
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
