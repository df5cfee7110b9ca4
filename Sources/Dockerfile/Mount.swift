import Diagnostics

/// One `RUN --mount=…`, expanded and checked.
package struct Mount: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable, CaseIterable { case bind, cache, tmpfs, secret, ssh }
  /// How runs at the same time use one cache.
  package enum Sharing: String, Sendable, Hashable, CaseIterable { case shared, `private`, locked }

  package var kind: Kind = .bind
  /// Where it appears; nil for a secret given only as a variable, and for an ssh socket at its usual place.
  package var target: String?
  /// Path inside `from`; nil is its root.
  package var source: String?
  /// Stage, named context or image; nil is the build context (bind) or an empty directory (cache).
  package var from: String?
  /// Name of the cache, secret or ssh agent; set for these three kinds.
  package var id: String?
  package var isReadOnly = true
  /// Whether a secret or agent that is not there fails the step.
  package var isRequired = false
  package var sharing: Sharing = .shared
  /// Bound of a tmpfs.
  package var sizeLimit: ByteCount?
  package var mode: UInt32?
  package var userID: UInt32?
  package var groupID: UInt32?
  /// The variable a secret is put into.
  package var environmentVariable: String?

  /// Reads the flag's `key=value,key,…`; throws `dockerfile-syntax` without an excerpt.
  package init(flag: String, expand: (String) throws(Failure) -> String) throws(Failure) {
    var readOnly: Bool?
    var pairs: [(key: String, value: String?)] = []
    for field in try Self.fields(flag) {
      let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2, parts[0].lowercased() == "from", parts[1].dropLast().contains("$") {
        // BuildKit: the stages a file needs are known before any variable is.
        throw Self.failure(
          "mount option \"from\" has a variable in \"\(String(parts[1]).clipped)\"",
          hint: "declare ARG before FROM, add FROM \(parts[1]) AS name, then use from=name")
      }
      let value: String? = parts.count == 2 ? try expand(String(parts[1])) : nil
      pairs.append((parts[0].lowercased(), value))
    }
    // The kind decides which of the others are allowed, wherever it is written.
    for pair in pairs where pair.key == "type" {
      kind = try Self.choice(pair.key, pair.value ?? "", Kind.allCases)
    }
    for (key, value) in pairs where key != "type" {
      switch key {
      case "readonly", "ro": readOnly = try Self.boolean(key, value)
      case "readwrite", "rw": readOnly = try !Self.boolean(key, value)
      case "required":
        try allow(key, for: [.secret, .ssh])
        isRequired = try Self.boolean(key, value)
      default:
        guard let value else {
          throw Self.failure("mount option \"\(key.clipped)\" has no value", hint: Self.hint(for: key))
        }
        try set(key, value)
      }
    }
    isReadOnly = readOnly ?? (kind != .cache && kind != .tmpfs)
    try complete()
  }

  /// The stage or image a mount flag names, which never has variables in it; nil when it names none.
  package static func origin(of flag: String) -> String? {
    let fields = (try? fields(flag)) ?? []
    let origin = fields.last { $0.lowercased().hasPrefix("from=") }?.dropFirst("from=".count)
    return origin.flatMap { $0.isEmpty ? nil : String($0) }
  }

  private static let keys = [
    "type", "target", "dst", "destination", "source", "src", "from", "id", "readonly", "ro", "readwrite", "rw",
    "required", "sharing", "size", "mode", "uid", "gid", "env",
  ]

  private mutating func set(_ key: String, _ value: String) throws(Failure) {
    switch key {
    case "target", "dst", "destination": target = value
    case "source", "src": source = value
    case "from":
      try allow(key, for: [.bind, .cache])
      from = value.isEmpty ? nil : value
    case "id":
      try allow(key, for: [.cache, .secret, .ssh])
      id = value
    case "env":
      try allow(key, for: [.secret])
      environmentVariable = value
    case "sharing":
      try allow(key, for: [.cache])
      sharing = try Self.choice(key, value, Sharing.allCases)
    case "size":
      try allow(key, for: [.tmpfs])
      guard let size = ByteCount(memorySize: value) else { throw Self.invalid(key, value, "a size such as 64m") }
      sizeLimit = size
    case "mode":
      try allow(key, for: [.cache, .secret, .ssh])
      mode = try Self.number(key, value, radix: 8, "an octal mode such as 0400")
    case "uid":
      try allow(key, for: [.cache, .secret, .ssh])
      userID = try Self.number(key, value, radix: 10, "a number")
    case "gid":
      try allow(key, for: [.cache, .secret, .ssh])
      groupID = try Self.number(key, value, radix: 10, "a number")
    default:
      throw Self.failure("mount option \"\(key.clipped)\" is unknown", hint: Self.hint(for: key))
    }
  }

  /// Fills in what follows from the rest and refuses what is missing.
  private mutating func complete() throws(Failure) {
    switch kind {
    case .secret:
      guard let id = id ?? source ?? target.map(Self.lastComponent), !id.isEmpty else {
        throw Self.failure("secret mount names no secret", hint: "write --mount=type=secret,id=NAME")
      }
      self.id = id
      if target == nil, environmentVariable == nil { target = "/run/secrets/" + Self.lastComponent(id) }
    case .ssh:
      id = id ?? "default"
    case .bind, .cache, .tmpfs:
      guard let target, !target.isEmpty else {
        throw Self.failure("\(kind.rawValue) mount has no target", hint: "add target=/path to the mount")
      }
      if kind == .cache { id = id ?? target }
    }
  }

  private func allow(_ key: String, for kinds: [Kind]) throws(Failure) {
    guard !kinds.contains(kind) else { return }
    throw Self.failure(
      "mount option \"\(key)\" does not apply to type \"\(kind.rawValue)\"",
      hint: "it applies to " + kinds.map(\.rawValue).joined(separator: ", ")
    )
  }

  private static func lastComponent(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? ""
  }
}

// Reading values.
extension Mount {
  /// The fields between commas; a field in double quotes may hold commas, a quote in it is doubled (RFC 4180).
  private static func fields(_ flag: String) throws(Failure) -> [String] {
    var fields: [String] = []
    var rest = Substring(flag)
    while true {
      guard rest.first == "\"" else {
        let end = rest.firstIndex(of: ",") ?? rest.endIndex
        fields.append(String(rest[..<end]))
        if end == rest.endIndex { return fields }
        rest = rest[rest.index(after: end)...]
        continue
      }
      rest = rest.dropFirst()
      var field = ""
      while true {
        guard let quote = rest.firstIndex(of: "\"") else {
          throw failure("mount \"\(flag.clipped)\" has an open quote", hint: "close the quote")
        }
        field += rest[..<quote]
        rest = rest[rest.index(after: quote)...]
        guard rest.first == "\"" else { break }
        field += "\""
        rest = rest.dropFirst()
      }
      fields.append(field)
      if rest.isEmpty { return fields }
      guard rest.first == "," else {
        throw failure("mount \"\(flag.clipped)\" has text after a quote", hint: "separate options by commas")
      }
      rest = rest.dropFirst()
    }
  }

  private static func boolean(_ key: String, _ value: String?) throws(Failure) -> Bool {
    switch value?.lowercased() {
    case nil, "1", "t", "true": return true
    case "0", "f", "false": return false
    case .some(let other): throw invalid(key, other, "true or false")
    }
  }

  private static func number(
    _ key: String,
    _ value: String,
    radix: Int,
    _ wanted: String
  ) throws(Failure) -> UInt32 {
    guard value.first?.isWholeNumber == true, let number = UInt32(value, radix: radix) else {
      throw invalid(key, value, wanted)
    }
    return number
  }

  private static func choice<Choice: RawRepresentable<String>>(
    _ key: String,
    _ value: String,
    _ choices: [Choice]
  ) throws(Failure) -> Choice {
    if let choice = Choice(rawValue: value.lowercased()) { return choice }
    throw invalid(key, value, choices.map(\.rawValue).joined(separator: ", "))
  }

  private static func invalid(_ key: String, _ value: String, _ wanted: String) -> Failure {
    failure("mount option \"\(key)\" cannot be \"\(value.clipped)\"", hint: "allowed: " + wanted)
  }

  private static func hint(for key: String) -> String {
    if let near = Suggestion.nearest(to: key, among: keys), near != key { return "did you mean \"\(near)\"?" }
    return "write options as key=value; known: " + keys.joined(separator: ", ")
  }

  private static func failure(_ message: String, hint: String) -> Failure {
    Failure(.invalidArgument, reason: "dockerfile-syntax", message, hint: hint)
  }
}

extension ByteCount {
  /// Reads `512`, `64m`, `1.5GiB`: binary multiples whatever the unit's spelling, as docker reads memory sizes.
  init?(memorySize text: String) {
    let digits = text.prefix { $0.isASCII && ($0.isWholeNumber || $0 == ".") }
    let unit = text.dropFirst(digits.count).lowercased()
    let shifts: [String: Double] = ["": 0, "b": 0, "k": 10, "m": 20, "g": 30, "t": 40, "p": 50]
    let short = unit.hasSuffix("ib") ? String(unit.dropLast(2)) : unit.count > 1 ? String(unit.dropLast()) : unit
    guard let shift = shifts[short], unit.count < 2 || unit.hasSuffix("b"), let number = Double(digits) else {
      return nil
    }
    var scale = 1.0
    for _ in 0..<Int(shift) { scale *= 2 }
    guard let bytes = Int64(exactly: (number * scale).rounded()) else { return nil }
    self.init(bytes)
  }
}
