import API
import Diagnostics
import FoundationEssentials
import GRPCCore
import SwiftProtobuf

/// The numbers that a client compiled against the vendor's own protos uses, taken from a set of descriptors
/// (`kindling start --protoset FILE`), against those that were inferred here (contract §0).
///
/// Methods are matched by service and name, their messages' fields and enum values by name, through all that lies below.
package struct FieldNumbers: Sendable {
  /// Metadata by which a client says that it uses this server's own numbers: our command line does.
  static let ownKey = "kindling-field-numbers"
  static let ownValue = "own"

  struct Method: Sendable {
    /// Places in `inward` and `outward`.
    var request: Int
    var answer: Int
  }

  /// By service and name alone; see `subscript(_:)`.
  let methods: [MethodDescriptor: Method]
  /// From the set's numbers to ours.
  let inward: WireTranscoder
  /// From ours to the set's.
  let outward: WireTranscoder
  /// The set's files, and ours that declare nothing which those declare: what reflection shows.
  let files: [Google_Protobuf_FileDescriptorProto]
  /// What answers cannot carry, in one sentence each.
  package let differences: [String]

  /// Reads a FileDescriptorSet. Throws INVALID_ARGUMENT for what is none, for one without our services, and for a field
  /// of another type than ours, which no number can mend.
  package init(protoset: [UInt8], name: String) throws(Failure) {
    guard let set = try? Google_Protobuf_FileDescriptorSet(serializedBytes: protoset), !set.file.isEmpty else {
      throw Failure(
        .invalidArgument, reason: "protoset-invalid", "'\(name)' is not a set of descriptors", hint: Self.recipe)
    }
    try self.init(theirs: set.file, ours: Descriptors.files, package: "dodil.ignite.v1", name: name)
  }

  init(
    theirs: [Google_Protobuf_FileDescriptorProto], ours: [Google_Protobuf_FileDescriptorProto], package: String,
    name: String
  ) throws(Failure) {
    let own = DescriptorPool(ours)
    let foreign = DescriptorPool(theirs)
    var inward = MessagePairing(from: foreign, to: own, isAnswer: false)
    var outward = MessagePairing(from: own, to: foreign, isAnswer: true)
    var methods: [MethodDescriptor: Method] = [:]
    var uncalled: [String] = []
    for service in own.services.keys.filter({ $0.hasPrefix(package + ".") }).sorted() {
      guard let counterpart = foreign.services[service] else {
        // Who exported one service's descriptors wants that one in their numbers.
        uncalled.append(String(service.dropFirst(package.count + 1)))
        continue
      }
      for method in own.services[service]?.method ?? [] {
        guard let other = counterpart.method.first(where: { $0.name == method.name }) else {
          uncalled.append(method.name)
          continue
        }
        guard
          other.clientStreaming == method.clientStreaming, other.serverStreaming == method.serverStreaming
        else {
          throw Failure(
            .invalidArgument, reason: "protoset-method-mismatch",
            "'\(name)' declares \(service)/\(method.name) with other streams than this server has", hint: Self.way)
        }
        methods[MethodDescriptor(fullyQualifiedService: service, method: method.name)] = Method(
          request: try inward.pair(other.inputType, method.inputType),
          answer: try outward.pair(method.outputType, other.outputType))
      }
    }
    guard !methods.isEmpty else {
      throw Failure(
        .invalidArgument, reason: "protoset-service-missing", "'\(name)' declares no service of \(package)",
        hint: Self.recipe)
    }
    self.methods = methods
    self.inward = inward.transcoder
    self.outward = outward.transcoder
    files = Self.shown(theirs, ours)
    differences = Self.differences(name, missing: outward.missing, uncalled: uncalled)
  }

  /// The messages of a method. The transport's descriptors carry the kind of the RPC too, and are not equal to ones
  /// without it.
  subscript(_ method: MethodDescriptor) -> Method? {
    methods[MethodDescriptor(service: method.service, method: method.method)]
  }

  static let recipe = "make it with: grpcurl -protoset-out FILE HOST:443 describe"
  static let way = "HTTP needs no numbers: call /v1/ignite/… there, and start the server without --protoset"

  private static func differences(_ name: String, missing: [String], uncalled: [String]) -> [String] {
    var lines: [String] = []
    if !missing.isEmpty { lines.append("answers leave out what '\(name)' lacks: \(missing.joined(separator: ", "))") }
    if !uncalled.isEmpty {
      lines.append("'\(name)' lacks \(uncalled.joined(separator: ", ")), which keep this server's own numbers")
    }
    return lines
  }

  private static func shown(
    _ theirs: [Google_Protobuf_FileDescriptorProto], _ ours: [Google_Protobuf_FileDescriptorProto]
  ) -> [Google_Protobuf_FileDescriptorProto] {
    let names = Set(theirs.map(\.name))
    let symbols = Set(theirs.flatMap(DescriptorPool.symbols))
    return theirs + ours.filter { !names.contains($0.name) && symbols.isDisjoint(with: DescriptorPool.symbols($0)) }
  }
}
