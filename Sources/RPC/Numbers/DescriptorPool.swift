import SwiftProtobuf

/// What a set of files declares, by full name without the leading dot.
struct DescriptorPool: Sendable {
  private(set) var messages: [String: Google_Protobuf_DescriptorProto] = [:]
  private(set) var enumerations: [String: Google_Protobuf_EnumDescriptorProto] = [:]
  private(set) var services: [String: Google_Protobuf_ServiceDescriptorProto] = [:]

  init(_ files: [Google_Protobuf_FileDescriptorProto]) {
    for file in files {
      let scope = Self.scope(of: file)
      for message in file.messageType { add(message, in: scope) }
      for enumeration in file.enumType { enumerations[scope + enumeration.name] = enumeration }
      for service in file.service { services[scope + service.name] = service }
    }
  }

  /// The full names a file declares at its top.
  static func symbols(_ file: Google_Protobuf_FileDescriptorProto) -> [String] {
    let scope = scope(of: file)
    let names = file.messageType.map(\.name) + file.enumType.map(\.name) + file.service.map(\.name)
    return names.map { scope + $0 }
  }

  /// A type's name as descriptors refer to it, with a dot in front, without the dot.
  static func plain(_ typeName: String) -> String { String(typeName.drop { $0 == "." }) }

  private static func scope(of file: Google_Protobuf_FileDescriptorProto) -> String {
    file.package.isEmpty ? "" : file.package + "."
  }

  private mutating func add(_ message: Google_Protobuf_DescriptorProto, in scope: String) {
    let name = scope + message.name
    messages[name] = message
    for nested in message.nestedType { add(nested, in: name + ".") }
    for enumeration in message.enumType { enumerations["\(name).\(enumeration.name)"] = enumeration }
  }
}
