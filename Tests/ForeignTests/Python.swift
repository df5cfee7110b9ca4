import Foundation
import TestSupport

/// Calls by Python's grpcio, which learns the messages by reflection; no proto of ours is at hand.
struct Python: Sendable {
  /// What one call brought.
  struct Answer: Decodable, Sendable {
    var code: String
    var details: String
    var messages: [JSON]
    /// What the call made in between answered; see `Call.on`.
    var then: [Answer]?

    var first: JSON { messages.first ?? .null }
    var all: String { "\(code) \(details) \(JSON.array(messages).text)" }

    private enum CodingKeys: String, CodingKey { case code, details, messages, then }

    init(from decoder: any Decoder) throws {
      let members = try decoder.container(keyedBy: CodingKeys.self)
      code = try members.decode(String.self, forKey: .code)
      details = try members.decode(String?.self, forKey: .details) ?? ""
      messages = try members.decode([JSON].self, forKey: .messages)
      then = try members.decodeIfPresent(Answer.self, forKey: .then).map { [$0] }
    }
  }

  private static func script(_ name: String) -> String {
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scripts/\(name)").path
  }

  /// The interpreter that has grpcio: the one `.ci/python` makes, else the system's.
  private static func interpreter() async throws -> Tool {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let own = root.appending(path: ".build/python/bin/python").path
    if FileManager.default.isExecutableFile(atPath: own) { return try Tool(own) }
    let python = try Tool("python3")
    guard try await python.run(["-c", "import grpc, grpc_reflection"]).status == 0 else {
      throw Tool.Missing(name: "python3 with grpcio and grpcio-reflection (.ci/python makes it)")
    }
    return python
  }

  /// Makes `calls` one after the other in one process; see the script for their members. A call to the contract's
  /// service may name its RPC alone, and goes with `token` unless it brings metadata of its own; `address` is the
  /// server's gRPC port when it is left out, and `protoset` a file of descriptors that the messages are made by.
  static func call(
    _ server: ServerProcess, _ calls: [JSON], token: String? = nil, address: String? = nil, protoset: String? = nil
  ) async throws -> [Answer] {
    let order: JSON = [
      "address": .string(address ?? server.ready.grpc),
      "calls": .array(calls.map { completed($0, token ?? server.token) }),
      "protoset": protoset.map { .string($0) } ?? .null,
    ]
    let result = try await interpreter().run([script("grpc_call.py")], input: Data(order.text.utf8))
    guard result.status == 0 else { throw Broken(words: result.all) }
    return try result.lines.map { try JSONDecoder().decode(Answer.self, from: Data($0.utf8)) }
  }

  /// Runs one of the scripts by itself.
  static func run(_ name: String, _ arguments: [String]) async throws -> Tool.Result {
    try await interpreter().run([script(name)] + arguments)
  }

  /// A token of the default organisation that this server signed, as far as it can tell, and that has ended.
  static func expiredToken(_ server: ServerProcess) async throws -> String {
    let result = try await Tool("python3").run([script("expired_token.py"), server.data + "/key", "dev"])
    guard result.status == 0, let token = result.lines.first else { throw Broken(words: result.all) }
    return token
  }

  /// Writes descriptors of a platform that numbers everything differently; see the script.
  static func protoset(of server: ServerProcess, to file: String) async throws {
    let result = try await interpreter().run([script("protoset.py"), server.ready.grpc, file])
    guard result.status == 0 else { throw Broken(words: result.all) }
  }

  private static func completed(_ call: JSON, _ token: String) -> JSON {
    var call = call
    if let rpc = call["rpc"].string, !rpc.contains("/"), !rpc.hasPrefix("services-") {
      let isSecret = rpc.contains("Secret") && rpc != "SaveBuildSecrets"
      let service = ComputePath.all[rpc] != nil ? "ComputeService" : isSecret ? "SecretService" : "BuildService"
      call["rpc"] = .string("dodil.ignite.v1.\(service)/\(rpc)")
    }
    if call["metadata"] == .null { call["metadata"] = ["authorization": .string("Bearer " + token)] }
    if call["on"] != .null { call["on"]["call"] = completed(call["on"]["call"], token) }
    return call
  }

  struct Broken: Error, CustomStringConvertible {
    var words: String
    var description: String { "a Python script failed: \(words)" }
  }
}
