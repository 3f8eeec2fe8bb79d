#!/usr/bin/env python3
"""The tables of what is tested of SQS and of Pub/Sub, in docs/sqs-coverage.md and docs/pubsub-coverage.md.

    coverage.py gather sqs|pubsub DIRECTORY   what record/run has recorded there, into recorded/
    coverage.py write              the tables, from recorded/ and the suites' sources
    coverage.py                    fails where the tables aren't those, or name tests that aren't there

`record/run` runs the Python suites with plugins that note which test asks for which action with which
parameters, and what is refused. Of the other languages the sources are searched for calls.
"""

import collections
import functools
import json
import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
SUFFIXES = {".go", ".java", ".js", ".mjs", ".ts", ".rs"}
SHOWN = 2  # tests that a row names, the most specific ones first

# Attributes that CreateQueue and SetQueueAttributes don't take.
READ_ONLY = {"All", "QueueArn", "CreatedTimestamp", "LastModifiedTimestamp"}
# Errors that the service's model lists for each action; and those that lclq has no occasion for.
EVERYWHERE = {"InvalidAddress", "InvalidSecurity", "RequestThrottled", "UnsupportedOperation"}
NEVER = {"InvalidIdFormat", "MessageNotInflight", "KmsAccessDenied", "KmsDisabled", "KmsInvalidKeyUsage",
         "KmsInvalidState", "KmsNotFound", "KmsOptInRequired", "KmsThrottled"}  # fmt: skip
# Fields that the service fills in itself, and ignores from clients.
OUTPUT_ONLY = {"state", "satisfies_pzs", "detached", "topic_message_retention_duration", "analytics_hub_subscription_info"}


def snake(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def camel(name):
    return name[0].lower() + name[1:]


# --- what there is ---------------------------------------------------------------------------------


def sqs_model():
    import botocore.session

    service = botocore.session.get_session().get_service_model("sqs")

    def members(shape, prefix=""):
        if shape is None:
            return
        if shape.type_name == "structure":
            for key, member in shape.members.items():
                name = f"{prefix}.{key}" if prefix else key
                yield name
                yield from members(member, name)
        elif shape.type_name == "list":
            yield from members(shape.member, prefix)
        elif shape.type_name == "map":
            if shape.key.enum and "ApproximateNumberOfMessages" in shape.key.enum:
                names = [n for n in shape.key.enum if n not in READ_ONLY and not n.startswith("Approx")]
                yield from (f"{prefix}.{name}" for name in names)
            elif shape.key.enum:
                yield from (f"{prefix}.{name}" for name in shape.key.enum)
            else:
                yield from members(shape.value, prefix)

    model = {}
    for name in service.operation_names:
        operation = service.operation_model(name)
        model[name] = {
            "parameters": list(dict.fromkeys(members(operation.input_shape))),
            "errors": sorted(shape.name for shape in operation.error_shapes),
        }
    return model


def pubsub_model():
    from google.iam.v1 import iam_policy_pb2
    from google.pubsub_v1 import types

    def fields(message, prefix="", depth=0):
        for field in message.fields:
            if field.name in OUTPUT_ONLY:
                continue
            name = f"{prefix}.{field.name}" if prefix else field.name
            yield name
            inner = field.message_type
            if inner is None or depth == 2 or inner.GetOptions().map_entry:
                continue
            if inner.full_name.startswith("google.pubsub.v1."):
                yield from fields(inner, name, depth + 1)

    model = {}
    # The library's types have no services, so those are of our own contract, which a test compares with Google's.
    for file in ("pubsub.proto", "schema.proto"):
        service = None
        for line in (REPO / "proto" / "google" / "pubsub" / "v1" / file).read_text().splitlines():
            if found := re.match(r"service (\w+)", line):
                service = found[1]
            elif found := re.match(r"  rpc (\w+)\((?:stream )?(\w+)\)", line):
                model[f"{service}.{found[1]}"] = {"fields": list(fields(getattr(types, found[2]).pb().DESCRIPTOR))}
    for service in iam_policy_pb2.DESCRIPTOR.services_by_name.values():
        for method in service.methods:
            model[f"{service.name}.{method.name}"] = {"fields": list(fields(method.input_type))}
    return model


# --- what was recorded -----------------------------------------------------------------------------


def gather(kind, directory):
    model = {"sqs": sqs_model, "pubsub": pubsub_model}[kind]()
    items, load = collections.defaultdict(set), collections.Counter()
    for file in Path(directory, kind).glob("*.json"):
        for *item, tests in json.loads(file.read_text()):
            items[tuple(item)].update(tests)
    for tests in items.values():
        load.update(tests)
    rows = []
    for item, tests in sorted(items.items()):
        best = sorted(tests, key=lambda test: (load[test], test))[:SHOWN]
        rows.append([*item, len(tests), *best])
    path = HERE / "recorded" / f"{kind}.json"
    path.parent.mkdir(exist_ok=True)
    # A line for each row, so that changes can be read.
    body = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    operations = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in model.items())
    path.write_text(f'{{"model": {{\n{operations}\n}},\n"seen": [\n{body}\n]}}\n')
    print(f"{path.relative_to(REPO)}: {len(model)} operations, {len(rows)} rows")


def recorded(kind):
    read = json.loads((HERE / "recorded" / f"{kind}.json").read_text())
    lengths = {"action": 2, "method": 2, "parameter": 2, "field": 2, "error": 3 if kind == "sqs" else 2}
    seen = {}
    for sort, *rest in read["seen"]:
        keys, (count, *tests) = rest[: lengths[sort]], rest[lengths[sort] :]
        seen[sort, *keys] = (count, tests)
    return read["model"], seen


# --- the tables ------------------------------------------------------------------------------------


def shown(entry):
    if entry is None:
        return "-"
    count, tests = entry
    names = ", ".join(test.removeprefix("test_").replace(".py::", "::") for test in tests)
    return f"{count}: {names}"


@functools.cache
def sources(folder):
    """(suffix, text) of each file of a suite, without what was installed or built there."""
    found = []
    for where, folders, names in os.walk(REPO / "tests" / folder):
        folders[:] = sorted(set(folders) - {"node_modules", "target", "__pycache__"})
        found += [Path(where, name) for name in names if Path(name).suffix in SUFFIXES]
    return [(path.suffix, path.read_text()) for path in found]


def calls(folder, pattern, suffixes):
    """How many files of a suite have a call."""
    expression = re.compile(pattern)
    return sum(1 for suffix, text in sources(folder) if suffix in suffixes and expression.search(text))


def in_languages(root, name):
    """(go, java, javascript, rust): how many files of each suite call it."""
    return (
        calls(f"{root}/go", rf"\.{name}\(", {".go"}),
        calls(f"{root}/java", rf"\.{camel(name)}\(|get{name}Method", {".java"}),
        calls(f"{root}/javascript", rf"\b{camel(name)}\w*\(|\b{name}Command\b|\[\"{camel(name)}\"", {".js", ".mjs", ".ts"}),
        calls(f"{root}/rust", rf"\b{snake(name)}\(", {".rs"}),
    )


def language_row(name, python, counts):
    return f"| [{name}](#{name.lower().replace('.', '')}) | {python} | " + " | ".join(str(n) if n else "-" for n in counts) + " |"


HOW = """Written by `tests/docs/coverage.py write`; `tests/docs/record/run` records anew what it is made of.

A number says how many tests of the Python suite (`{suite}`) ask for something, and the names behind it
are those of them that ask for the least besides; `test_` and `.py` are left out. `-` says that none does.
"""

SQS_REST = """
## What isn't listed above

| Error of the service's model | |
|---|---|
| `InvalidAddress`, listed for each action | answered to a queue URL that is none: queue_urls::test_nonsense_names_no_queue |
| `RequestThrottled`, listed for each action | answered where [limits on clients](limits.md), the [production profile](testing.md#the-production-profile) or a fault rule say so: `tests/quotas.rs`, `tests/production_profile.rs`, `tests/faults.rs` |
| `InvalidSecurity`, listed for each action | never answered: where a policy asks for TLS, clear text is AccessDenied |
| `UnsupportedOperation`, listed for each action | never answered: no operation is missing |
| `KmsAccessDenied`, `KmsDisabled`, `KmsInvalidKeyUsage`, `KmsInvalidState`, `KmsNotFound`, `KmsOptInRequired`, `KmsThrottled` | never answered: [nothing is encrypted](differences.md#sqs), so no key is asked for |
| `MessageNotInflight` | never answered: ChangeMessageVisibility of such a message is InvalidParameterValue, as recorded answers of the service are |
| `InvalidIdFormat` | never answered: a handle that can't be read is ReceiptHandleIsInvalid, as recorded answers of the service are |

`StringListValues` and `BinaryListValues` are reserved by the service's model and stay empty there too.
"""


def sqs_page():
    model, seen = recorded("sqs")
    lines = ["# SQS: what is tested", "", HOW.format(suite="tests/sdk/python"), ""]
    lines += ["[SQS, parameter by parameter](sqs.md) has the rule for each parameter and the answer where it is broken.", ""]
    parameters = [(action, name) for action, what in model.items() for name in what["parameters"]]
    tested = sum(("parameter", *key) in seen for key in parameters)
    lines += [f"{len(model)} actions, of which {sum(any(('action', a, p) in seen for p in ('json', 'query')) for a in model)} are tested; "
              f"{len(parameters)} parameters with those within them, of which {tested} are tested."]  # fmt: skip
    lines += ["", "## By language", ""]
    lines += ["Of the Python suite tests by protocol, of the others files with a call by that name.", ""]
    lines += ["| Action | Python: JSON, query | Go | Java | JavaScript | Rust |", "|---|---|---|---|---|---|"]
    for action in model:
        by = [seen.get(("action", action, protocol), (0,))[0] for protocol in ("json", "query")]
        lines.append(language_row(action, f"{by[0]}, {by[1]}", in_languages("sdk", action)))
    for action, what in model.items():
        lines += ["", f"## {action}", "", "| Parameter | Tests |", "|---|---|"]
        for name in what["parameters"]:
            lines.append(f"| `{name}` | {shown(seen.get(('parameter', action, name)))} |")
        errors = collections.defaultdict(list)
        for (sort, of, *rest), entry in seen.items():
            if sort == "error" and of == action:
                shape, code = rest
                errors[code if shape == "ClientError" else shape].append(entry)
        answered = {}
        for name, entries in errors.items():
            answered[name] = (sum(count for count, _ in entries), [t for _, tests in entries for t in tests][:SHOWN])
        names = sorted({shape for shape in what["errors"] if shape not in EVERYWHERE and shape not in NEVER} | set(answered))
        lines += ["", "| Error | Tests |", "|---|---|"]
        lines += [f"| `{name}` | {shown(answered.get(name))} |" for name in names]
        if not names:
            lines[-2:] = ["No error but those of every request."]
    return "\n".join(lines) + "\n" + SQS_REST


PUBSUB_REST = """
## What no test of that suite asks for

`tests/pubsub/contract` compares lclq's contract with Google's field by field, so each field that is missing
above is read and written all the same; `tests/pubsub/go`, `java`, `javascript` and `rust` ask for some of them.
Fields that the service fills in itself are left out. Over REST the same tests run again
(`test_both_transports`, `test_rest_json`).
"""


def pubsub_page():
    model, seen = recorded("pubsub")
    lines = ["# Pub/Sub: what is tested", "", HOW.format(suite="tests/pubsub/python"), ""]
    every = [(method, name) for method, what in model.items() for name in what["fields"]]
    tested = sum(("field", *key) in seen for key in every)
    lines += [f"{len(model)} methods, of which {sum(('method', m, 'grpc') in seen for m in model)} are tested; "
              f"{len(every)} fields of requests with those within them, of which {tested} are tested."]  # fmt: skip
    lines += ["", "## By language", "", "Of the Python suite tests, of the others files with a call by that name: libraries have shorter ones, too, such as `topic.delete()`.", ""]
    lines += ["| Method | Python | Go | Java | JavaScript | Rust |", "|---|---|---|---|---|---|"]
    aliases = {"StreamingPull": r"Receive|StreamingPull"}
    for method in model:
        short = method.partition(".")[2]
        counts = in_languages("pubsub", short)
        if short in aliases:
            counts = (
                calls("pubsub/go", r"\.(Receive|StreamingPull)\(", {".go"}),
                calls("pubsub/java", r"Subscriber\.newBuilder|streamingPull", {".java"}),
                calls("pubsub/javascript", r'\.on\("message"|streamingPull', {".js", ".mjs", ".ts"}),
                calls("pubsub/rust", r"\.subscribe\(|streaming_pull", {".rs"}),
            )
        lines.append(language_row(method, seen.get(("method", method, "grpc"), ("-",))[0], counts))
    for method, what in model.items():
        lines += ["", f"## {method}", "", "| Field | Tests |", "|---|---|"]
        for name in what["fields"]:
            lines.append(f"| `{name}` | {shown(seen.get(('field', method, name)))} |")
        refusals = {rest[0]: entry for (sort, of, *rest), entry in seen.items() if sort == "error" and of == method}
        if refusals:
            lines += ["", "| Refused with | Tests |", "|---|---|"]
            lines += [f"| `{code}` | {shown(entry)} |" for code, entry in sorted(refusals.items())]
    return "\n".join(lines) + "\n" + PUBSUB_REST


PAGES = {"docs/sqs-coverage.md": sqs_page, "docs/pubsub-coverage.md": pubsub_page}


def missing_tests():
    """Tests that the records name and the suites don't have."""
    for kind, folder in (("sqs", "sdk/python"), ("pubsub", "pubsub/python")):
        texts = {}
        for _, tests in recorded(kind)[1].values():
            for test in tests:
                file, *names = test.split("::")
                path = REPO / "tests" / folder / file
                if file not in texts:
                    texts[file] = path.read_text() if path.exists() else ""
                for name in names:
                    if not re.search(rf"^\s*(async )?(def|class) {re.escape(name)}\b", texts[file], re.MULTILINE):
                        yield f"tests/{folder}/{test}"
                        break


def main():
    command = sys.argv[1] if len(sys.argv) > 1 else "check"
    if command == "gather":
        gather(*sys.argv[2:])
        return 0
    if command == "write":
        for name, page in PAGES.items():
            (REPO / name).write_text(page())
        return 0
    wrong = [f"{name}: run tests/docs/coverage.py write" for name, page in PAGES.items() if (REPO / name).read_text() != page()]
    wrong += [f"{test} is not there: run tests/docs/record/run" for test in sorted(set(missing_tests()))]
    for line in wrong:
        print(f"FAILED {line}")
    print(f"coverage tables: {len(PAGES)} compared, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
