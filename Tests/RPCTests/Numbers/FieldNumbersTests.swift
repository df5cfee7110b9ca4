import API
import Diagnostics
import FoundationEssentials
import GRPCCore
import SwiftProtobuf
import Testing

@testable import RPC

@Suite("Numbers of a set of descriptors") struct FieldNumbersTests {
  private typealias File = Google_Protobuf_FileDescriptorProto
  private static let service = "dodil.ignite.v1.BuildService"

  /// Our descriptors after `change` to BuildService's file.
  private func numbers(_ change: (inout Google_Protobuf_FileDescriptorProto) -> Void) throws(Failure) -> FieldNumbers {
    let theirs = Descriptors.files.map { file in
      var file = file
      if file.service.contains(where: { $0.name == "BuildService" }) { change(&file) }
      return file
    }
    return try FieldNumbers(theirs: theirs, ours: Descriptors.files, package: "dodil.ignite.v1", name: "set")
  }

  private func message(_ name: String, _ file: inout File, _ change: (inout Google_Protobuf_DescriptorProto) -> Void) {
    if let index = file.messageType.firstIndex(where: { $0.name == name }) { change(&file.messageType[index]) }
  }

  private func field(
    _ name: String, of owner: String, _ file: inout File,
    _ change: (inout Google_Protobuf_FieldDescriptorProto) -> Void
  ) {
    message(owner, &file) { message in
      if let index = message.field.firstIndex(where: { $0.name == name }) { change(&message.field[index]) }
    }
  }

  private func method(_ name: String) -> MethodDescriptor {
    MethodDescriptor(fullyQualifiedService: Self.service, method: name)
  }

  private func read<M: Message>(_ message: M, _ numbers: FieldNumbers, _ name: String) throws -> M {
    let bytes: [UInt8] = try message.serializedBytes()
    let place = try #require(numbers.methods[method(name)]?.request)
    return try M(serializedBytes: try bytes.withUnsafeBytes { try numbers.inward.transcoded($0, place) })
  }

  @Test("our own set changes nothing, and messages without enums are not even read")
  func same() throws {
    let numbers = try numbers { _ in }
    #expect(numbers.differences == [])
    let own = Descriptors.files.filter { $0.package == "dodil.ignite.v1" }.flatMap(\.service).flatMap(\.method)
    #expect(numbers.methods.count == own.count && own.count > 7)
    let upload = try #require(numbers.methods[method("UploadBuildContext")])
    #expect(numbers.inward.isTheSame(upload.request) && numbers.outward.isTheSame(upload.answer))
    var request = Dodil_Ignite_V1_CreateBuildRequest()
    request.name = "x"
    request.buildArgs = ["A": "b"]
    request.gitSource.url = "u"
    #expect(try read(request, numbers, "CreateBuild") == request)
  }

  @Test(
    "numbers that no field can have, or two have, are refused with the field",
    arguments: [-3, 0, 536_870_912, 19_500, 2])
  func impossible(number: Int32) throws {
    let failure = #expect(throws: Failure.self) {
      try numbers { file in field("name", of: "CreateBuildRequest", &file) { $0.number = number } }
    }
    // Of two with one number the later one is named.
    let named = number == 2 ? "dockerfile" : "name"
    #expect(failure?.message.contains("'CreateBuildRequest.\(named)' has the number \(number)") == true)
  }

  @Test("fields change places with their names, through messages, maps, lists and choices")
  func swapped() throws {
    let numbers = try numbers { file in
      field("name", of: "CreateBuildRequest", &file) { $0.number = 2 }
      field("dockerfile", of: "CreateBuildRequest", &file) { $0.number = 1 }
      field("build_args", of: "CreateBuildRequest", &file) { $0.number = 10 }
      field("git_source", of: "CreateBuildRequest", &file) { $0.number = 4 }
      field("url", of: "GitSource", &file) { $0.number = 536_870_911 }
    }
    var sent = Dodil_Ignite_V1_CreateBuildRequest()
    sent.name = "file"
    sent.dockerfile = "name"
    sent.tags = ["a", "b"]
    sent.timeoutSecs = .max
    // What is theirs at 10 is ours at 4: an entry of a map has the shape of a message.
    let entry: [UInt8] = [0x52, 6, 0x0a, 1, 0x41, 0x12, 1, 0x62]
    let git: [UInt8] = [0x22, 8, 0xfa, 0xff, 0xff, 0xff, 0x0f, 1, 0x75, 0x12]
    var bytes: [UInt8] = try sent.serializedBytes()
    bytes += entry + git.prefix(1) + [7] + git[2..<9]
    let place = try #require(numbers.methods[method("CreateBuild")]?.request)
    let got = try Dodil_Ignite_V1_CreateBuildRequest(
      serializedBytes: try bytes.withUnsafeBytes { try numbers.inward.transcoded($0, place) })
    #expect(got.name == "name" && got.dockerfile == "file" && got.tags == ["a", "b"] && got.timeoutSecs == .max)
    #expect(got.buildArgs == ["A": "b"])
    #expect(got.gitSource.url == "u")
  }

  @Test("what only they have is passed over, and what only we have is left out and told")
  func different() throws {
    let numbers = try numbers { file in
      message("Build", &file) { $0.field.removeAll { $0.name == "error" || $0.name == "metrics" } }
      message("GetBuildRequest", &file) { message in
        message.field[0].number = 9
        message.field.append(.with { ($0.name, $0.number, $0.type, $0.label) = ("view", 1, .int32, .optional) })
      }
      file.service[0].method.removeAll { $0.name == "CancelBuild" }
    }
    #expect(numbers.differences.count == 2)
    #expect(numbers.differences[0].hasSuffix("Build.metrics, Build.error"), "\(numbers.differences)")
    #expect(numbers.differences[1].contains("CancelBuild"))
    #expect(numbers.methods[method("CancelBuild")] == nil)
    // Varint, 64 bits, text, group with a group within, 32 bits; all unknown, then the id.
    let bytes: [UInt8] =
      [0x08, 0x96, 1, 0x11] + [UInt8](repeating: 7, count: 8) + [0x1a, 1, 0x41, 0x23, 0x2b, 0x30, 1, 0x2c, 0x24]
      + [0x35, 1, 2, 3, 4, 0x4a, 1, 0x62]
    let place = try #require(numbers.methods[method("GetBuild")]?.request)
    #expect(try bytes.withUnsafeBytes { try numbers.inward.transcoded($0, place) } == [0x0a, 1, 0x62])
    var answer = Dodil_Ignite_V1_GetBuildResponse()
    answer.build.name = "x"
    answer.build.error = "why"
    let ours: [UInt8] = try answer.serializedBytes()
    let out = try #require(numbers.methods[method("GetBuild")]?.answer)
    let got = try Dodil_Ignite_V1_GetBuildResponse(
      serializedBytes: try ours.withUnsafeBytes { try numbers.outward.transcoded($0, out) })
    #expect(got.build.name == "x" && got.build.error.isEmpty)
  }

  @Test("values of enums change numbers with their names; one that is nobody's is refused")
  func enums() throws {
    let numbers = try numbers { file in
      for index in file.enumType[0].value.indices where index > 0 { file.enumType[0].value[index].number += 10 }
      file.enumType[0].value[0].name = "BUILD_STATUS_UNKNOWN"
      file.enumType[0].value.append(.with { ($0.name, $0.number) = ("BUILD_STATUS_QUEUED", 1) })
    }
    var list = Dodil_Ignite_V1_ListBuildsRequest()
    list.status = .UNRECOGNIZED(13)
    #expect(try read(list, numbers, "ListBuilds").status == .succeeded)
    list.status = .UNRECOGNIZED(0)
    #expect(try read(list, numbers, "ListBuilds").status == .unspecified)
    for number in [1, 3, -1] {
      list.status = .UNRECOGNIZED(number)
      let failure = #expect(throws: Failure.self) { try read(list, numbers, "ListBuilds") }
      #expect(failure?.reason == "enum-value-unknown" && failure?.message.contains("\(number)") == true)
    }
    var answer = Dodil_Ignite_V1_CancelBuildResponse()
    answer.status = .cancelled
    let bytes: [UInt8] = try answer.serializedBytes()
    let place = try #require(numbers.methods[method("CancelBuild")]?.answer)
    let got = try Dodil_Ignite_V1_CancelBuildResponse(
      serializedBytes: try bytes.withUnsafeBytes { try numbers.outward.transcoded($0, place) })
    #expect(got.status == .UNRECOGNIZED(15))
  }

  @Test("types that differ are refused by the name of the field, unless nobody reads it")
  func types() throws {
    let changes: [(String, String, Google_Protobuf_FieldDescriptorProto.TypeEnum, Bool)] = [
      ("CreateBuildRequest", "timeout_secs", .int32, false), ("CreateBuildRequest", "timeout_secs", .int64, true),
      ("CreateBuildRequest", "timeout_secs", .fixed64, false), ("CreateBuildRequest", "name", .bytes, false),
      ("BuildMetrics", "layer_count", .int32, true), ("BuildMetrics", "layer_count", .uint64, false),
      ("Build", "created_at_ms", .uint64, true), ("CancelBuildResponse", "status", .string, false),
      ("CreateBuildRequest", "build_tier", .int32, true), ("GitSource", "url", .group, false),
    ]
    for (owner, name, type, isTaken) in changes {
      do throws(Failure) {
        _ = try numbers { file in field(name, of: owner, &file) { $0.type = type } }
        #expect(isTaken, "\(owner).\(name) as \(type)")
      } catch {
        #expect(!isTaken && error.reason == "protoset-type-mismatch", "\(error)")
        #expect(error.message.contains("'\(owner).\(name)' is \(type)"), "\(error.message)")
      }
    }
    for (owner, name) in [("CreateBuildRequest", "tags"), ("CreateBuildRequest", "build_args")] {
      let failure = #expect(throws: Failure.self) {
        _ = try numbers { file in field(name, of: owner, &file) { ($0.label, $0.type) = (.optional, .string) } }
      }
      #expect(failure?.message.contains("'\(owner).\(name)' is string") == true, "\(failure?.message ?? "")")
    }
  }

  @Test("sets that cannot serve are refused")
  func refused() throws {
    let build = try #require(Descriptors.files.first { $0.service.contains { $0.name == "BuildService" } })
    let other = #expect(throws: Failure.self) {
      var file = build
      file.service[0].name = "Other"
      _ = try FieldNumbers(theirs: [file], ours: Descriptors.files, package: "dodil.ignite.v1", name: "set")
    }
    #expect(other?.reason == "protoset-service-missing" && other?.hint?.contains("grpcurl") == true)
    let stream = #expect(throws: Failure.self) { try numbers { $0.service[0].method[0].serverStreaming = true } }
    #expect(stream?.reason == "protoset-method-mismatch")
    let torn = #expect(throws: Failure.self) {
      try numbers { file in file.messageType.removeAll { $0.name == "GitSource" } }
    }
    #expect(torn?.reason == "protoset-incomplete" && torn?.message.contains("dodil.ignite.v1.GitSource") == true)
    for bytes in [Array("hello".utf8), []] {
      let noise = #expect(throws: Failure.self) { try FieldNumbers(protoset: bytes, name: "x") }
      #expect(noise?.reason == "protoset-invalid")
    }
  }

  @Test("a set of one service leaves the others their own numbers, and says so")
  func oneService() throws {
    let theirs = Descriptors.files.filter { file in
      !file.service.contains { ["ComputeService", "SecretService"].contains($0.name) }
    }
    let numbers = try FieldNumbers(theirs: theirs, ours: Descriptors.files, package: "dodil.ignite.v1", name: "set")
    #expect(numbers.methods.count == 7)
    #expect(
      numbers.differences == ["'set' lacks ComputeService, SecretService, which keep this server's own numbers"])
    #expect(Set(numbers.files.map(\.name)) == Set(Descriptors.files.map(\.name)))
  }

  @Test("reflection shows their files in place of ours, and ours for what they lack")
  func files() throws {
    let numbers = try numbers { $0.name = "theirs.proto" }
    let names = numbers.files.map(\.name)
    #expect(names.contains("theirs.proto") && !names.contains("dodil/ignite/v1/ignite_build.proto"))
    #expect(names.contains { $0.hasSuffix("reflection.proto") } && Set(names).count == names.count)
  }

  @Test("bytes that are no message are refused, never followed")
  func damage() throws {
    let numbers = try numbers { file in field("name", of: "CreateBuildRequest", &file) { $0.number = 99 } }
    let place = try #require(numbers.methods[method("CreateBuild")]?.request)
    let broken: [[UInt8]] = [
      [0x08], [0x00, 1], [0x0a, 5, 1], [0x0e], [0x0f, 1], [0x0c], [0x0b], [0x0b, 0x14], [0x09, 1, 2],
      [UInt8](repeating: 0xff, count: 20), [0x0a] + [UInt8](repeating: 0xff, count: 9) + [1],
      [0x38] + [UInt8](repeating: 0x80, count: 10) + [1], [0x52, 2, 0x0a, 9],
    ]
    for bytes in broken {
      let failure = #expect(throws: Failure.self, "\(bytes)") {
        try bytes.withUnsafeBytes { try numbers.inward.transcoded($0, place) }
      }
      #expect(failure?.reason == "message-malformed")
    }
    var dice = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 1...24)).map { _ in UInt8.random(in: 0...255, using: &dice) }
      _ = try? bytes.withUnsafeBytes { try numbers.inward.transcoded($0, place) }
    }
  }
}
