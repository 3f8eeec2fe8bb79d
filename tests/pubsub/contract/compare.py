"""Compares the contracts in proto/ with those that client libraries are built from.

Each message, enum and method is one case, in both directions: what the packages have and we lack
fails, and so does what we have and they lack.
"""

import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

import official

ours_only = {
    # The stable name of reflection; its package has the same messages as v1alpha.
    "grpc.reflection.v1",
}


def compile_protos(root: Path) -> tuple:
    """A pool of everything, and the files of `root` itself."""
    files = sorted(str(path.relative_to(root)) for path in root.rglob("*.proto"))
    assert files, f"no contracts in {root}"
    with tempfile.NamedTemporaryFile() as out:
        # Well-known types come with grpcio-tools.
        well_known = Path(protoc.__file__).parent / "_proto"
        arguments = [f"-I{root}", f"-I{well_known}", f"--descriptor_set_out={out.name}"]
        status = protoc.main(["protoc", *arguments, "--include_imports", *files])
        assert status == 0, "proto/ doesn't compile"
        compiled = descriptor_pb2.FileDescriptorSet.FromString(Path(out.name).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in compiled.file:
        pool.Add(file)
    return pool, [file for file in compiled.file if file.name in files]


def field_facts(field) -> dict:
    kind = descriptor_pb2.FieldDescriptorProto.Type.Name(field.type)
    if field.message_type:
        kind += " " + field.message_type.full_name
    if field.enum_type:
        kind += " " + field.enum_type.full_name
    oneof = field.containing_oneof
    return {
        "name": official.plain(field.name),
        "type": kind,
        "repeated": field.is_repeated,
        "presence": field.has_presence,
        "oneof": oneof.name if oneof and not oneof.name.startswith("_") else None,
        "json": field.json_name.rstrip("_"),
    }


def message_facts(message) -> dict:
    return {field.number: field_facts(field) for field in message.fields}


def enum_facts(enum) -> dict:
    return {value.name: value.number for value in enum.values}


def walk(file) -> dict:
    """Every message and enum of a file, by its full name."""
    found = {}

    def add(message):
        found[message.full_name] = message_facts(message)
        for nested in message.nested_types:
            add(nested)
        for enum in message.enum_types:
            found[enum.full_name] = enum_facts(enum)

    for message in file.message_types_by_name.values():
        add(message)
    for enum in file.enum_types_by_name.values():
        found[enum.full_name] = enum_facts(enum)
    return found


def methods(pool, file) -> dict:
    """Every method of a file: its types, whether they stream, and its HTTP rules."""
    http = pool.FindExtensionByName("google.api.http")
    options_type = message_factory.GetMessageClass(
        pool.FindMessageTypeByName("google.protobuf.MethodOptions")
    )
    found = {}
    for service in file.services_by_name.values():
        for method in service.methods:
            proto = descriptor_pb2.MethodDescriptorProto()
            method.CopyToProto(proto)
            options = options_type.FromString(method.GetOptions().SerializeToString())
            rules = []
            if options.HasExtension(http):
                rule = options.Extensions[http]
                rules = [rule, *rule.additional_bindings]
            found[f"/{service.full_name}/{method.name}"] = {
                "input": method.input_type.full_name,
                "output": method.output_type.full_name,
                "streams": (proto.client_streaming, proto.server_streaming),
                "http": {official.rule_text(rule) for rule in rules},
            }
    return found


def main() -> int:
    pool, files = compile_protos(Path(sys.argv[1]))
    descriptors = [pool.FindFileByName(file.name) for file in files]
    our_types, our_methods = {}, {}
    for file in descriptors:
        our_types |= walk(file)
        our_methods |= methods(pool, file)

    passed, failures = 0, []

    def case(name, ours, theirs):
        nonlocal passed
        if ours == theirs:
            passed += 1
        else:
            failures.append(f"{name}\n  ours   {ours}\n  theirs {theirs}")

    their_types = {}
    for file in official.files():
        their_types |= walk(file)
    # proto-plus makes no file for Pub/Sub that could be walked before its first use.
    for message in official.pubsub_messages():
        their_types |= {message.full_name: message_facts(message)}
        for nested in official.nested(message):
            their_types[nested.full_name] = message_facts(nested)
        for enum in official.nested_enums(message):
            their_types[enum.full_name] = enum_facts(enum)
    for name, values in official.pubsub_enums().items():
        their_types[name] = values
    reflection = {
        name.replace(".v1alpha.", ".v1."): repr(facts).replace(".v1alpha.", ".v1.")
        for name, facts in their_types.items()
        if name.startswith("grpc.reflection.v1alpha.")
    }

    for name in sorted(our_types.keys() | their_types.keys()):
        if name.rpartition(".")[0] in ours_only:
            case(name, repr(our_types[name]), reflection.get(name))
        else:
            case(name, our_types.get(name), their_types.get(name))

    their_methods = official.methods()
    for name in sorted(our_methods.keys() | their_methods.keys()):
        ours, theirs = our_methods.get(name), their_methods.get(name)
        if ours and theirs and name.startswith("/google.iam.v1."):
            # Clients know the four collections that our rule's ** stands for.
            ours["http"] = official.spread_over_collections(ours["http"])
            theirs["http"] = official.spread_over_collections(theirs["http"])
        case(name, ours, theirs)

    for failure in failures:
        print(f"FAILED {failure}", file=sys.stderr)
    print(f"{passed} passed, {len(failures)} failed")
    # Far fewer cases than there are would mean that nothing was compared.
    return 1 if failures or passed < 150 else 0


sys.exit(main())
