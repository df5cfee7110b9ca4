#!/usr/bin/env python3
"""Calls a gRPC server knowing nothing of it but its address: messages are described by server reflection, or by the set
of descriptors in the file that "protoset" names.

Reads one JSON object from standard input: {"address": "host:port", "calls": [CALL, ...]}. Makes the calls in order
and writes one JSON object for each: {"code": NAME, "details": TEXT, "messages": [...], "trailers": {...}}.

A CALL has
  "rpc"        "package.Service/Method", or one of "services-v1" and "services-v1alpha", which list the services
  "requests"   the messages, as protobuf JSON; {"@file": PATH, "@size": BYTES, "@field": NAME} stands for a file in pieces
  "metadata"   {"key": "value"}
  "timeout"    seconds (default 60)
  "raw"        true: the method is called with empty bytes, whether it is described or not
  "on"         {"text": TEXT, "call": CALL}: made when a message that holds TEXT comes; its answer stands in "then"
  "cut"        true: a client stream is cancelled after its last message where others end
  "until"      TEXT: the stream is left when a message that holds it comes
Strings may hold ${N.member}: a member of the first message that the call number N answered.
"""
import json
import re
import sys
import threading

import grpc
from google.protobuf import descriptor_pb2, json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase


class Cut(Exception):
    pass


class Caller:
    def __init__(self, address, protoset):
        self.channel = grpc.insecure_channel(address)
        self.pool = self.described(protoset) if protoset else DescriptorPool(
            ProtoReflectionDescriptorDatabase(self.channel))
        self.answers = []

    @staticmethod
    def described(protoset):
        with open(protoset, "rb") as file:
            descriptors = descriptor_pb2.FileDescriptorSet.FromString(file.read())
        pool = DescriptorPool()
        for file in descriptors.file:
            pool.AddSerializedFile(file.SerializeToString())
        return pool

    def filled(self, value):
        if isinstance(value, dict):
            return {key: self.filled(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.filled(item) for item in value]
        if isinstance(value, str):
            return re.sub(r"\$\{(\d+)\.(\w+)\}", lambda m: str(self.answers[int(m[1])]["messages"][0][m[2]]), value)
        return value

    def services(self, package):
        method = self.channel.stream_stream(
            f"/{package}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        # v1 is v1alpha under another name: same messages, same numbers.
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        return [service.name for answer in method(iter([request]), timeout=30)
                for service in answer.list_services_response.service]

    def requests(self, parts, kind):
        for part in parts:
            if "@file" not in part:
                yield json_format.ParseDict(part, kind(), descriptor_pool=self.pool)
                continue
            with open(part["@file"], "rb") as file:
                while piece := file.read(part["@size"]):
                    message = kind()
                    setattr(message, part["@field"], piece)
                    yield message

    def cut(self, function, messages, metadata):
        sent, over = threading.Event(), threading.Event()

        def all_but_the_end():
            yield from messages
            sent.set()
            over.wait()

        pending = function.future(all_but_the_end(), metadata=metadata)
        sent.wait()
        pending.cancel()
        over.set()
        try:
            pending.result()
        except grpc.FutureCancelledError:
            raise Cut() from None

    def invoke(self, call, answer):
        path = "/" + call["rpc"]
        metadata = list(call.get("metadata", {}).items())
        timeout = call.get("timeout", 60)
        if call.get("raw"):
            self.channel.unary_unary(path)(b"", metadata=metadata, timeout=timeout)
            return
        service, name = call["rpc"].rsplit("/", 1)
        method = self.pool.FindServiceByName(service).FindMethodByName(name)
        kind_in, kind_out = (message_factory.GetMessageClass(t) for t in (method.input_type, method.output_type))
        kind = "_".join("stream" if s else "unary" for s in (method.client_streaming, method.server_streaming))
        function = getattr(self.channel, kind)(
            path, request_serializer=kind_in.SerializeToString, response_deserializer=kind_out.FromString)
        messages = self.requests(call.get("requests", [{}]), kind_in)
        if call.get("cut"):
            self.cut(function, messages, metadata)
        result = function(
            messages if method.client_streaming else next(messages), metadata=metadata, timeout=timeout)
        on = call.get("on")
        for message in result if method.server_streaming else [result]:
            text = json_format.MessageToDict(message, descriptor_pool=self.pool)
            answer["messages"].append(text)
            if on and on["text"] in json.dumps(text):
                answer["then"] = self.answer(on["call"])
                on = None
            if call.get("until") and call["until"] in json.dumps(text):
                result.cancel()
                return

    def answer(self, call):
        answer = {"code": "OK", "details": "", "messages": [], "trailers": {}}
        try:
            if call["rpc"].startswith("services-"):
                package = "grpc.reflection." + call["rpc"].removeprefix("services-")
                answer["messages"] = [{"name": name} for name in self.services(package)]
            else:
                self.invoke(self.filled(call), answer)
        except Cut:
            answer["code"] = "CUT"
        except grpc.RpcError as error:
            answer["code"] = error.code().name
            answer["details"] = error.details()
            answer["trailers"] = {k: v for k, v in error.trailing_metadata() or [] if isinstance(v, str)}
        return answer

    def run(self, calls):
        for call in calls:
            self.answers.append(self.answer(call))
            print(json.dumps(self.answers[-1]), flush=True)


order = json.load(sys.stdin)
Caller(order["address"], order.get("protoset")).run(order["calls"])
