import API
import FoundationEssentials
import GRPCCore
import SwiftProtobuf

/// Where everything is declared: the answers to reflection, looked up by file, symbol and extension.
struct ReflectionIndex: Sendable {
  /// The services every door has besides those it is given.
  static let standardServices = [
    Grpc_Health_V1_Health.descriptor, Grpc_Reflection_V1_ServerReflection.descriptor,
    Grpc_Reflection_V1alpha_ServerReflection.descriptor,
  ].map(\.fullyQualifiedService)

  /// Full names of the services served, sorted.
  let services: [String]
  private var files: [String: (descriptor: Google_Protobuf_FileDescriptorProto, bytes: Data)] = [:]
  private var fileOfSymbol: [String: String] = [:]
  private var extensions: [String: [Int32: String]] = [:]

  init(services: Set<String>, files: [Google_Protobuf_FileDescriptorProto] = Descriptors.files) {
    self.services = services.sorted()
    for file in files { add(file) }
  }

  /// The file of that name and all it imports, the file itself first; nil when there is none.
  func files(named name: String) -> [Data]? {
    guard files[name] != nil else { return nil }
    var found: [Data] = []
    var seen: Set<String> = []
    var waiting = [name]
    while let next = waiting.popLast() {
      guard seen.insert(next).inserted, let file = files[next] else { continue }
      found.append(file.bytes)
      waiting += file.descriptor.dependency
    }
    return found
  }

  /// The file that declares a full name, with all it imports.
  func files(declaring symbol: String) -> [Data]? { fileOfSymbol[symbol].flatMap { files(named: $0) } }

  /// The file that declares an extension of `type`, with all it imports.
  func files(extending type: String, number: Int32) -> [Data]? {
    extensions[type]?[number].flatMap { files(named: $0) }
  }

  /// Numbers of the known extensions of `type`, sorted; nil when there is no such message.
  func extensionNumbers(of type: String) -> [Int32]? {
    guard fileOfSymbol[type] != nil else { return nil }
    return extensions[type]?.keys.sorted() ?? []
  }

  private mutating func add(_ file: Google_Protobuf_FileDescriptorProto) {
    guard let bytes: Data = try? file.serializedBytes() else { return }
    files[file.name] = (file, bytes)
    let scope = file.package.isEmpty ? "" : file.package + "."
    for message in file.messageType { add(message, in: scope, of: file.name) }
    for enumeration in file.enumType { add(enumeration, in: scope, of: file.name) }
    add(extensions: file.extension, in: scope, of: file.name)
    for service in file.service {
      let name = scope + service.name
      fileOfSymbol[name] = file.name
      for method in service.method { fileOfSymbol["\(name).\(method.name)"] = file.name }
    }
  }

  private mutating func add(_ message: Google_Protobuf_DescriptorProto, in scope: String, of file: String) {
    let name = scope + message.name
    fileOfSymbol[name] = file
    for field in message.field { fileOfSymbol["\(name).\(field.name)"] = file }
    for choice in message.oneofDecl { fileOfSymbol["\(name).\(choice.name)"] = file }
    for nested in message.nestedType { add(nested, in: name + ".", of: file) }
    for enumeration in message.enumType { add(enumeration, in: name + ".", of: file) }
    add(extensions: message.extension, in: name + ".", of: file)
  }

  private mutating func add(_ enumeration: Google_Protobuf_EnumDescriptorProto, in scope: String, of file: String) {
    fileOfSymbol[scope + enumeration.name] = file
    // Spec: the values of an enum are siblings of the enum, not its children (descriptor.proto).
    for value in enumeration.value { fileOfSymbol[scope + value.name] = file }
  }

  private mutating func add(
    extensions fields: [Google_Protobuf_FieldDescriptorProto],
    in scope: String,
    of file: String
  ) {
    for field in fields {
      fileOfSymbol[scope + field.name] = file
      // An extendee is written as an absolute name, with a dot in front.
      extensions[String(field.extendee.drop { $0 == "." }), default: [:]][field.number] = file
    }
  }
}
