import API
import SwiftProtobuf

/// What the descriptors say about a message's fields: enough to read them out of a query and to name them in failures.
struct MessageShape: Sendable {
  struct Field: Sendable {
    enum Kind: Sendable {
      case text, number, flag
      /// The enum's value names, and the prefix they share (`BUILD_STATUS_`).
      case choice(names: [String], prefix: String)
      /// A message, a map or bytes: nothing a query can carry.
      case structured
    }
    var name: String
    var jsonName: String
    var kind: Kind
    var isRepeated: Bool
    var oneof: Int?
    /// The full name of the field's message; nil for everything else, maps included.
    var message: String?
  }

  let name: String
  let fields: [Field]

  /// The field of that proto or JSON name.
  subscript(name: String) -> Field? { fields.first { $0.name == name || $0.jsonName == name } }

  /// The shape of the message in a field.
  static func of(_ field: Field) -> MessageShape? { field.message.flatMap { shapes[$0] } }

  /// The shape of a message of the contract; a message no descriptor names has no fields.
  static func of<M: Message>(_ type: M.Type) -> MessageShape {
    shapes[M.protoMessageName] ?? MessageShape(name: M.protoMessageName, fields: [])
  }

  private static let shapes: [String: MessageShape] = {
    var enums: [String: [String]] = [:]
    for file in Descriptors.files {
      for declared in file.enumType { enums[".\(file.package).\(declared.name)"] = declared.value.map(\.name) }
    }
    var shapes: [String: MessageShape] = [:]
    for file in Descriptors.files {
      for message in file.messageType {
        let fields = message.field.map { Field($0, enums: enums) }
        shapes["\(file.package).\(message.name)"] = MessageShape(name: message.name, fields: fields)
      }
    }
    return shapes
  }()
}

extension MessageShape.Field {
  fileprivate init(_ field: Google_Protobuf_FieldDescriptorProto, enums: [String: [String]]) {
    name = field.name
    jsonName = field.jsonName.isEmpty ? field.name : field.jsonName
    isRepeated = field.label == .repeated
    oneof = field.hasOneofIndex ? Int(field.oneofIndex) : nil
    message = field.type == .message && !isRepeated ? String(field.typeName.drop { $0 == "." }) : nil
    switch field.type {
    case .string: kind = .text
    case .bool: kind = .flag
    case .message, .group, .bytes: kind = .structured
    case .enum:
      let names = enums[field.typeName] ?? []
      kind = .choice(names: names, prefix: Self.sharedPrefix(of: names))
    default: kind = .number
    }
  }

  /// What the names begin with up to an underscore, as the style guide has it for enum values.
  private static func sharedPrefix(of names: [String]) -> String {
    guard var prefix = names.first else { return "" }
    for name in names { prefix = String(zip(prefix, name).prefix { $0 == $1 }.map(\.0)) }
    guard let end = prefix.lastIndex(of: "_") else { return "" }
    return String(prefix[...end])
  }
}
