#!/usr/bin/env python3
"""Writes the set of descriptors of another platform: protoset.py ADDRESS FILE.

It is what the server at ADDRESS shows by reflection, with every field's and enum value's number given to another one,
a field the server does not know, two that it knows left out, and a message and the file under other names."""
import sys

import grpc
from google.protobuf import descriptor_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

SERVICE = "dodil.ignite.v1.BuildService"
LEFT_OUT = {("Build", "organization_name"), ("StreamBuildLogsResponse", "timestamp_ms")}

database = ProtoReflectionDescriptorDatabase(grpc.insecure_channel(sys.argv[1]))
result = descriptor_pb2.FileDescriptorSet()
seen = set()


def add(file):
    if file.name in seen:
        return
    seen.add(file.name)
    for name in file.dependency:
        add(database.FindFileByName(name))
    result.file.append(file)


add(database.FindFileContainingSymbol(SERVICE))
file = next(f for f in result.file if any(s.name == "BuildService" for s in f.service))
file.name = "ignite/v1/build.proto"
for message in file.message_type:
    kept = [f for f in message.field if (message.name, f.name) not in LEFT_OUT]
    # Each gets its neighbour's number, so that a number left as it was is another field's.
    numbers = [f.number for f in kept]
    numbers = numbers[1:] + numbers[:1] if len(numbers) > 1 else [n + 500 for n in numbers]
    for field, number in zip(kept, numbers):
        field.number = number
        if field.type_name.endswith(".BuildMetrics"):
            field.type_name = field.type_name.replace(".BuildMetrics", ".Metrics")
    kept = [descriptor_pb2.FieldDescriptorProto.FromString(f.SerializeToString()) for f in kept]
    del message.field[:]
    message.field.extend(kept)
    if message.name == "BuildMetrics":
        message.name = "Metrics"
    if message.name == "CreateBuildRequest":
        message.field.add(name="priority", json_name="priority", number=700, type=5, label=1)
for enum in file.enum_type:
    for value in enum.value:
        if value.number:
            value.number = 12 - value.number
with open(sys.argv[2], "wb") as output:
    output.write(result.SerializeToString())
