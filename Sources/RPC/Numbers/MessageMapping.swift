/// Where the fields of one message stand in another.
struct MessageMapping: Sendable {
  /// By number in the message that is read; what is not here is left out.
  var fields: [UInt32: FieldMapping] = [:]
  /// Whether every declared field is here.
  var isWhole = true
  /// Whether the bytes of the one are the bytes of the other.
  var isTheSame = false

  /// The mappings, those marked that change nothing, whatever lies below them.
  static func markingTheSame(_ mappings: [MessageMapping]) -> [MessageMapping] {
    var mappings = mappings
    for place in mappings.indices { mappings[place].isTheSame = true }
    var hasChanged = true
    while hasChanged {
      hasChanged = false
      for place in mappings.indices where mappings[place].isTheSame {
        let mapping = mappings[place]
        let holds =
          mapping.isWhole && mapping.fields.allSatisfy { number, field in field.isTheSame(as: number, mappings) }
        if !holds {
          mappings[place].isTheSame = false
          hasChanged = true
        }
      }
    }
    return mappings
  }
}

/// One field on its way from one message to another.
struct FieldMapping: Sendable {
  enum Content: Sendable {
    /// The value is carried over as it is.
    case same
    /// A message, or a map's entry; the place of its mapping.
    case message(Int)
    /// Numbers of the enum's values.
    case enumeration([Int32: Int32])
  }

  /// `Message.field`, for failures.
  var name: String
  var number: UInt32
  var content: Content

  fileprivate func isTheSame(as number: UInt32, _ mappings: [MessageMapping]) -> Bool {
    guard number == self.number else { return false }
    return switch content {
    case .same: true
    case .message(let place): mappings[place].isTheSame
    // A value without a counterpart has to be refused, which takes a look.
    case .enumeration: false
    }
  }
}
