import Diagnostics

extension GitLimits {
  /// The option through which people set limits, as messages name it.
  static let option = "--git-limit"

  private enum Field {
    case count(WritableKeyPath<GitLimits, Int>)
    case size(WritableKeyPath<GitLimits, ByteCount>)
    case time(WritableKeyPath<GitLimits, Duration>)
  }

  private static var fields: KeyValuePairs<String, Field> {
    [
      "objects": .count(\.objects), "files": .count(\.files), "tree-depth": .count(\.treeDepth),
      "object-size": .size(\.objectSize), "unpacked-size": .size(\.unpackedSize),
      "inflate-ratio": .count(\.inflateRatio), "delta-ratio": .count(\.deltaRatio),
      "waiting-deltas": .count(\.waitingDeltas), "held-references": .size(\.heldReferences),
      "references": .count(\.references), "list-size": .size(\.listSize), "progress-size": .size(\.progressSize),
      "submodules": .count(\.submodules), "submodule-depth": .count(\.submoduleDepth),
      "deepening": .count(\.deepening), "redirects": .count(\.redirects),
      "connect-timeout": .time(\.connectTimeout), "idle-timeout": .time(\.idleTimeout),
      "pack-start-timeout": .time(\.packStartTimeout), "slowest-pace": .size(\.slowestPace),
      "pace-window": .time(\.paceWindow),
    ]
  }

  /// Every limit's name, in the order of the documentation.
  package static var names: [String] { fields.map(\.key) }

  /// The usual limits changed by settings such as `object-size=4GiB`, the last one of a name counting. Throws
  /// `git-limit-invalid` and `git-limit-unknown`.
  package init(settings: [String]) throws(Failure) {
    self.init()
    for text in settings {
      guard let equals = text.firstIndex(of: "=") else {
        throw Failure(
          .invalidArgument, reason: "git-limit-invalid", "'\(Self.option) \(text)' is not NAME=VALUE",
          hint: "for example: \(Self.option) object-size=4GiB")
      }
      try set(String(text[..<equals]), String(text[text.index(after: equals)...]))
    }
  }

  /// Sets one limit by its name: a number, a size such as `512MiB`, or a time such as `30s`. Throws
  /// `git-limit-unknown`, and `git-limit-invalid` for what is no such value or is nothing.
  package mutating func set(_ name: String, _ value: String) throws(Failure) {
    guard let field = Self.fields.first(where: { $0.key == name })?.value else {
      throw Failure(
        .invalidArgument, reason: "git-limit-unknown", "'\(name)' is not a limit of git",
        hint: "the limits are: " + Self.names.joined(separator: ", "))
    }
    switch field {
    case .count(let path):
      guard let number = Int32(value), number > 0 else {
        throw Self.invalid(name, value, "a number from 1 to \(Int32.max)")
      }
      self[keyPath: path] = Int(number)
    case .size(let path):
      guard let size = ByteCount(text: value), size.bytes > 0 else {
        throw Self.invalid(name, value, "a size such as 512MiB")
      }
      self[keyPath: path] = size
    case .time(let path):
      guard let time = Duration(limitText: value), time > .zero else {
        throw Self.invalid(name, value, "a time such as 30s or 10m")
      }
      self[keyPath: path] = time
    }
  }

  private static func invalid(_ name: String, _ value: String, _ wanted: String) -> Failure {
    Failure(.invalidArgument, reason: "git-limit-invalid", "'\(option) \(name)=\(value)' is not \(wanted)")
  }

  /// What to do where the limit of this name stands in the way; every error about a limit ends with it.
  static func hint(_ name: String) -> String {
    assert(names.contains(name), "no limit is called '\(name)'")
    return "if the repository is to be trusted, raise the limit with \(option) \(name)=…"
  }
}

extension Duration {
  /// Reads `250ms`, `30s`, `10m` and `2h`, up to a week.
  fileprivate init?(limitText text: String) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let units = ["ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000]
    guard digits.count <= 9, let number = Int(digits), let unit = units[String(text.dropFirst(digits.count))],
      number * unit <= 7 * 24 * 3_600_000
    else { return nil }
    self = .milliseconds(number * unit)
  }
}
