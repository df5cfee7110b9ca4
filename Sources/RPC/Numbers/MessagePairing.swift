import Diagnostics
import SwiftProtobuf

/// Lays the messages of one set of descriptors on those of another, field by field by name.
struct MessagePairing {
  private typealias Field = Google_Protobuf_FieldDescriptorProto

  private let from: DescriptorPool
  private let to: DescriptorPool
  /// From our numbers to theirs, where what they lack is worth a word.
  private let isAnswer: Bool
  private var places: [String: Int] = [:]
  private var mappings: [MessageMapping] = []
  /// Fields and enum values of ours that the other set lacks, as `Message.field`.
  private(set) var missing: [String] = []

  init(from: DescriptorPool, to: DescriptorPool, isAnswer: Bool) {
    self.from = from
    self.to = to
    self.isAnswer = isAnswer
  }

  /// What turns the one into the other, once every pair is known.
  var transcoder: WireTranscoder { WireTranscoder(MessageMapping.markingTheSame(mappings)) }

  /// The place of a pair of messages, and of all that lies below them.
  mutating func pair(_ fromName: String, _ toName: String) throws(Failure) -> Int {
    let key = "\(fromName) \(toName)"
    if let known = places[key] { return known }
    let source = try Self.message(fromName, from)
    let target = try Self.message(toName, to)
    let place = mappings.count
    places[key] = place
    mappings.append(MessageMapping())
    let title = DescriptorPool.plain(fromName).split(separator: ".").last.map(String.init) ?? fromName
    var mapping = MessageMapping()
    try Self.check(source, title)
    try Self.check(target, title)
    for field in source.field {
      guard let counterpart = target.field.first(where: { $0.name == field.name }),
        try fits(field, counterpart, of: title)
      else {
        mapping.isWhole = false
        if isAnswer { missing.append("\(title).\(field.name)") }
        continue
      }
      mapping.fields[UInt32(field.number)] = FieldMapping(
        name: "\(title).\(field.name)", number: UInt32(counterpart.number),
        content: try content(field, counterpart, of: title))
    }
    mappings[place] = mapping
    return place
  }

  /// Numbers as protobuf's language guide has them, and each once: else one field's bytes arrive as another.
  private static func check(_ message: Google_Protobuf_DescriptorProto, _ title: String) throws(Failure) {
    var numbers: Set<Int32> = []
    var names: Set<String> = []
    for field in message.field {
      let isNumber = (1...536_870_911).contains(field.number) && !(19_000...19_999).contains(field.number)
      guard isNumber, numbers.insert(field.number).inserted, names.insert(field.name).inserted else {
        throw Failure(
          .invalidArgument, reason: "protoset-number-invalid",
          "field '\(title).\(field.name)' has the number \(field.number) in the set of descriptors, "
            + (isNumber ? "which another has, or its name is another's" : "which no field can have"),
          hint: FieldNumbers.way)
      }
    }
  }

  private mutating func content(
    _ field: Field, _ counterpart: Field, of title: String
  ) throws(Failure) -> FieldMapping.Content {
    switch field.type {
    case .message: .message(try pair(field.typeName, counterpart.typeName))
    case .enum: .enumeration(try values(field, counterpart))
    default: .same
    }
  }

  /// By name. Zero is what a message without the field says, so a zero without a namesake stands for the other's zero.
  private mutating func values(_ field: Field, _ counterpart: Field) throws(Failure) -> [Int32: Int32] {
    let source = try Self.enumeration(field.typeName, from)
    let target = try Self.enumeration(counterpart.typeName, to)
    let numbers = Dictionary(target.value.map { ($0.name, $0.number) }) { first, _ in first }
    var values: [Int32: Int32] = [:]
    for value in source.value where values[value.number] == nil {
      if let number = numbers[value.name] {
        values[value.number] = number
      } else if value.number == 0 {
        values[0] = 0
      } else if isAnswer, !missing.contains(value.name) {
        missing.append(value.name)
      }
    }
    return values
  }

  /// False for a field that ours only accepts and drops (deprecated), whatever it is there. Throws for types that differ.
  private func fits(_ field: Field, _ counterpart: Field, of title: String) throws(Failure) -> Bool {
    let isRepeated = (field.label == .repeated, counterpart.label == .repeated)
    let isMap = (isMap(field, from), isMap(counterpart, to))
    if isRepeated.0 == isRepeated.1, isMap.0 == isMap.1, Self.isOnTheWire(field.type, counterpart.type) { return true }
    if field.options.deprecated || counterpart.options.deprecated { return false }
    let (theirs, ours) =
      isAnswer
      ? (kind(counterpart, isMap.1), kind(field, isMap.0)) : (kind(field, isMap.0), kind(counterpart, isMap.1))
    throw Failure(
      .invalidArgument, reason: "protoset-type-mismatch",
      "field '\(title).\(field.name)' is \(theirs) in the set of descriptors and \(ours) here", hint: FieldNumbers.way)
  }

  /// Integers of one width carry the same values here, none of which is negative; a width more or less may cut one.
  private static func isOnTheWire(_ a: Field.TypeEnum, _ b: Field.TypeEnum) -> Bool {
    switch (a, b) {
    case (.group, _), (_, .group): false
    case (.int64, .uint64), (.uint64, .int64), (.int32, .uint32), (.uint32, .int32): true
    default: a == b
    }
  }

  private func isMap(_ field: Field, _ pool: DescriptorPool) -> Bool {
    field.type == .message && pool.messages[DescriptorPool.plain(field.typeName)]?.options.mapEntry == true
  }

  private func kind(_ field: Field, _ isMap: Bool) -> String {
    if isMap { return "a map" }
    return (field.label == .repeated ? "repeated " : "") + "\(field.type)"
  }

  private static func message(
    _ name: String, _ pool: DescriptorPool
  ) throws(Failure) -> Google_Protobuf_DescriptorProto {
    guard let message = pool.messages[DescriptorPool.plain(name)] else { throw undeclared(name) }
    return message
  }

  private static func enumeration(
    _ name: String, _ pool: DescriptorPool
  ) throws(Failure) -> Google_Protobuf_EnumDescriptorProto {
    guard let enumeration = pool.enumerations[DescriptorPool.plain(name)] else { throw undeclared(name) }
    return enumeration
  }

  private static func undeclared(_ name: String) -> Failure {
    Failure(
      .invalidArgument, reason: "protoset-incomplete",
      "the set of descriptors uses \(DescriptorPool.plain(name)) and does not declare it",
      hint: "make it with everything it imports: protoc --include_imports, or \(FieldNumbers.recipe)")
  }
}
