import Diagnostics

/// Query parameters and path variables as the JSON of a message (contract §3.2): names in both cases, enums by full
/// name, short name or number.
struct QueryFields {
  private let shape: MessageShape
  private var members: [(name: String, values: [String], isRepeated: Bool)] = []

  init(_ shape: MessageShape) { self.shape = shape }

  var isEmpty: Bool { members.isEmpty }

  /// The JSON object.
  var json: String {
    let texts = members.map { member in
      let value = member.isRepeated ? "[" + member.values.joined(separator: ",") + "]" : member.values.last ?? "null"
      return "\"\(member.name)\":\(value)"
    }
    return "{" + texts.joined(separator: ",") + "}"
  }

  /// Adds a value; of a field that is not repeated the last one counts. Throws `query-field-unknown` or
  /// `query-value-invalid`.
  mutating func add(_ name: String, _ text: String) throws(Failure) {
    guard let field = shape[name] else {
      let names = shape.fields.map(\.name).joined(separator: ", ")
      throw Failure(
        .invalidArgument,
        reason: "query-field-unknown",
        "query parameter '\(name)' is not a field of \(shape.name)",
        hint: names.isEmpty ? "it has no fields" : "its fields are \(names)"
      )
    }
    let value = try Self.value(of: field, text)
    if let index = members.firstIndex(where: { $0.name == field.jsonName }) {
      members[index].values.append(value)
    } else {
      members.append((field.jsonName, [value], field.isRepeated))
    }
  }

  private static func value(of field: MessageShape.Field, _ text: String) throws(Failure) -> String {
    switch field.kind {
    case .text: return JSONBytes.quoted(text)
    case .number:
      guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2d }) else {
        throw refusal(field, text, "a whole number")
      }
      return "\"\(text)\""
    case .flag:
      // `?from_start` alone is what people type for true.
      switch text.lowercased() {
      case "true", "1", "": return "true"
      case "false", "0": return "false"
      default: throw refusal(field, text, "true or false")
      }
    case .choice(let names, let prefix):
      if let number = Int32(text) { return String(number) }
      let wanted = text.uppercased()
      guard let name = names.first(where: { $0 == wanted || $0 == prefix + wanted }) else {
        let short = names.map { $0.dropFirst(prefix.count).lowercased() }.joined(separator: ", ")
        throw refusal(field, text, "one of " + short)
      }
      return "\"\(name)\""
    case .structured:
      throw Failure(
        .invalidArgument,
        reason: "query-value-invalid",
        "field '\(field.name)' does not fit into a query",
        hint: "send it in a JSON body"
      )
    }
  }

  private static func refusal(_ field: MessageShape.Field, _ text: String, _ kind: String) -> Failure {
    Failure(
      .invalidArgument,
      reason: "query-value-invalid",
      "query parameter '\(field.name)' has the value '\(text.prefix(200))'",
      hint: "it takes \(kind)"
    )
  }
}
