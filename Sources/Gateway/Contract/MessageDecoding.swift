import Diagnostics
import SwiftProtobuf

/// Makes a contract message from the parts of an HTTP request.
enum MessageDecoding {
  /// Path variables and query parameters are laid over the body, as google.api.http has it.
  static func message<M: Message>(
    _ type: M.Type,
    body: [UInt8],
    variables: [String: String],
    query: Query
  ) throws(Failure) -> M {
    var message = try decoded(M.self, body)
    var fields = QueryFields(MessageShape.of(M.self))
    for parameter in query.parameters { try fields.add(parameter.name, parameter.value) }
    for variable in variables { try fields.add(variable.key, variable.value) }
    guard !fields.isEmpty else { return message }
    do {
      let overlay = try M(jsonString: fields.json)
      try message.merge(serializedBytes: try overlay.serializedBytes() as [UInt8])
    } catch {
      throw Failure(
        .invalidArgument,
        reason: "query-value-invalid",
        "the query does not fit \(MessageShape.of(M.self).name)",
        hint: "a number is too large for its field, most likely",
        cause: String(describing: error)
      )
    }
    return message
  }

  /// An empty body is an empty message.
  private static func decoded<M: Message>(_ type: M.Type, _ body: [UInt8]) throws(Failure) -> M {
    guard !body.isEmpty else { return M() }
    do {
      return try M(jsonUTF8Bytes: body)
    } catch let error as JSONDecodingError {
      throw failure(M.self, body, error)
    } catch {
      throw Failure(
        .invalidArgument,
        reason: "json-invalid",
        "the body is not valid",
        hint: "send a JSON object in UTF-8",
        cause: String(describing: error)
      )
    }
  }

  private static func failure<M: Message>(_ type: M.Type, _ body: [UInt8], _ error: JSONDecodingError) -> Failure {
    let shape = MessageShape.of(M.self)
    switch JSONText.inspect(body) {
    case .broken(let line, let column, let expected):
      return Failure(
        .invalidArgument,
        reason: "json-broken",
        "the body is not JSON: line \(line), column \(column)",
        hint: "expected \(expected) there"
      )
    case .otherValue:
      return Failure(
        .invalidArgument,
        reason: "json-not-an-object",
        "the body is not a JSON object",
        hint: "send {\"member\": value, …}"
      )
    case .object(let members):
      if case .unknownField(let name) = error { return unknown(name, shape, members) }
      if case .conflictingOneOf = error { return conflict(members, shape, body) }
      let guilty = members.first { !isDecodable(M.self, body, $0) }
      return Failure(
        .invalidArgument,
        reason: "json-value-invalid",
        "member '\(guilty?.name ?? "?")' of \(shape.name) has a wrong value",
        hint: hint(error, field: guilty.flatMap { shape[$0.name] })
      )
    }
  }

  private static func isDecodable<M: Message>(_ type: M.Type, _ body: [UInt8], _ member: JSONText.Member) -> Bool {
    (try? M(jsonUTF8Bytes: Array("{".utf8) + body[member.text] + Array("}".utf8))) != nil
  }

  /// The decoder reports members of nested messages too, without saying of which: when all at the top are known, it is
  /// in one of the messages below that does not know it either.
  private static func unknown(_ name: String, _ top: MessageShape, _ members: [JSONText.Member]) -> Failure {
    var shape = top
    if members.allSatisfy({ top[$0.name] != nil }) {
      let below = members.compactMap { top[$0.name].flatMap(MessageShape.of) }
      shape = below.first { $0[name] == nil } ?? top
    }
    let names = shape.fields.map(\.jsonName).joined(separator: ", ")
    return Failure(
      .invalidArgument,
      reason: "json-member-unknown",
      "member '\(name)' is not known in \(shape.name)",
      hint: names.isEmpty ? "it has no members" : "its members are \(names)"
    )
  }

  /// Where none of the members at the top is one of several, those below are.
  private static func conflict(_ members: [JSONText.Member], _ shape: MessageShape, _ body: [UInt8]) -> Failure {
    let sent = members.compactMap { shape[$0.name] }.filter { $0.oneof != nil }
    if sent.isEmpty, let (below, members, text) = messageBelow(members, shape, body) {
      return conflict(members, below, text)
    }
    let allowed = shape.fields.filter { $0.oneof != nil && $0.oneof == sent.first?.oneof }
    return Failure(
      .invalidArgument,
      reason: "json-oneof-conflict",
      "members \(sent.map { "'\($0.jsonName)'" }.joined(separator: " and ")) exclude each other",
      hint: "send exactly one of \(allowed.map(\.jsonName).joined(separator: ", "))"
    )
  }

  /// The first member that is a message with a choice of members, with the members that were sent of it.
  private static func messageBelow(
    _ members: [JSONText.Member], _ shape: MessageShape, _ body: [UInt8]
  ) -> (MessageShape, [JSONText.Member], [UInt8])? {
    for member in members {
      guard let below = shape[member.name].flatMap(MessageShape.of), below.fields.contains(where: { $0.oneof != nil })
      else { continue }
      // The names of fields hold no brace, so the first one begins the value.
      let text = Array(body[member.text].drop { $0 != UInt8(ascii: "{") })
      if case .object(let members) = JSONText.inspect(text) { return (below, members, text) }
    }
    return nil
  }

  private static func hint(_ error: JSONDecodingError, field: MessageShape.Field?) -> String {
    switch (error, field?.kind) {
    case (.unrecognizedEnumValue, .choice(let names, _)): "it takes one of \(names.joined(separator: ", "))"
    case (.numberRange, _): "the number is too large for it, or not whole"
    case (_, .text): "it takes a string"
    case (_, .number): "it takes a whole number"
    case (_, .flag): "it takes true or false"
    case (.malformedString, .structured): "it takes an object, or base 64 text when it holds bytes"
    default: "see the field's type in the API description"
    }
  }
}
