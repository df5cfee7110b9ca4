import Diagnostics

/// Finds out which object a reference means at a remote.
struct ReferenceResolver {
  /// What to ask the remote for, and what to call it.
  struct Resolved: Sendable, Hashable {
    /// A commit, or the annotated tag that names one.
    var id: ObjectID
    /// The full name of the reference, or the id.
    var name: String
  }

  let remote: any GitRemote
  /// For messages: without user and password.
  let display: String

  static let defaultBranch = "main"
  /// Of a name, in characters.
  private static let longestShown = 80

  /// An id of all its digits, in the format of either hash.
  static func wholeID(_ reference: String) -> ObjectID? { ObjectID(hex: reference) }

  /// The object of a name: branch, then tag, then an abbreviated commit among what the remote advertises.
  ///
  /// Nil for what could be an abbreviated commit that the remote does not advertise; otherwise throws
  /// `git-reference-unknown`.
  func resolve(_ reference: String) async throws(Failure) -> Resolved? {
    let name = reference.isEmpty ? Self.defaultBranch : reference
    guard ReferenceName.isValid(name) else {
      throw Failure(
        .invalidArgument, reason: "git-reference-invalid",
        "reference '\(quoted(Array(name.utf8)))' is no name git allows",
        hint: "give a branch, a tag, a full 'refs/…' or a commit id")
    }
    let candidates = Self.candidates(name)
    let found = try await remote.references(prefixes: ["HEAD"] + candidates)
    for candidate in candidates {
      if let match = found.first(where: { $0.name == candidate }) {
        return Resolved(id: match.peeled ?? match.id, name: match.name)
      }
    }
    let all = try await remote.references(prefixes: ["HEAD", "refs/heads/", "refs/tags/"])
    if reference.isEmpty { throw missingDefault(all) }
    guard Self.isAbbreviation(name) else { throw unknown(name, all) }
    return try abbreviated(name, all)
  }

  /// The reference with exactly this name as its last words, for names that look like commit ids.
  func named(_ name: String) async throws(Failure) -> Resolved? {
    let candidates = Self.candidates(name)
    let found = try await remote.references(prefixes: candidates)
    for candidate in candidates {
      if let match = found.first(where: { $0.name == candidate }) {
        return Resolved(id: match.peeled ?? match.id, name: match.name)
      }
    }
    return nil
  }

  /// What the remote has to offer: HEAD, branches and tags.
  func tips() async throws(Failure) -> [ObjectID] {
    let all = try await remote.references(prefixes: ["HEAD", "refs/heads/", "refs/tags/"])
    var seen: Set<ObjectID> = []
    return all.map { $0.peeled ?? $0.id }.filter { seen.insert($0).inserted }
  }

  /// The one commit in `ids` that begins with these digits; nil for none; throws `git-reference-ambiguous` for several.
  static func only(_ digits: String, among ids: some Sequence<ObjectID>) throws(Failure) -> ObjectID? {
    let prefix = digits.lowercased()
    let matches = Set(ids.filter { $0.hex.hasPrefix(prefix) }).sorted()
    guard matches.count > 1 else { return matches.first }
    throw Failure(
      .invalidArgument, reason: "git-reference-ambiguous",
      "'\(digits)' is the beginning of \(matches.count) commits",
      hint:
        "give more digits: \(matches.prefix(4).map { String($0.hex.prefix(digits.count + 4)) }.joined(separator: ", "))"
    )
  }

  /// A name of the remote's choice, for people.
  private static func shown(_ name: String) -> String {
    let text = quoted(Array(name.utf8))
    return text.count > longestShown ? text.prefix(longestShown) + "…" : text
  }

  /// A name as one word of a command that people copy; nil where it is too long or holds what nobody can see.
  ///
  /// Git allows `$`, backquotes and `;` in names of branches.
  private static func word(_ text: String, limit: Int) -> String? {
    guard text.utf8.count <= limit, text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return nil }
    let isPlain = text.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "-._/+@:%,=".utf8.contains(byte)
      }
    }
    return isPlain ? text : "'" + text.replacing("'", with: "'\\''") + "'"
  }

  /// The repository as one word of a command.
  private var repository: String { Self.word(display, limit: 2000) ?? "URL" }

  func unknown(_ name: String, _ all: [RemoteReference]) -> Failure {
    let names = all.compactMap { reference -> String? in
      for kind in ["refs/heads/", "refs/tags/"] where reference.name.hasPrefix(kind) {
        return String(reference.name.dropFirst(kind.count))
      }
      return nil
    }
    let near = Set(names).map { (Self.distance($0, name), $0) }.filter { $0.0 <= max(2, name.count / 3) }.sorted {
      $0 < $1
    }
    .prefix(3).map { "'\(Self.shown($0.1))'" }
    let hint =
      near.isEmpty
      ? head(all).map { "its HEAD is the branch '\(Self.shown($0))'; see all with: git ls-remote \(repository)" }
        ?? "see what it has with: git ls-remote \(repository)"
      : "did you mean \(near.joined(separator: " or "))?"
    return Failure(
      .notFound, reason: "git-reference-unknown", "repository '\(display)' has no branch, tag or commit '\(name)'",
      hint: hint)
  }

  /// The full names `name` may be short for, in the order they count.
  private static func candidates(_ name: String) -> [String] {
    if name == "HEAD" { return [name] }
    if name.hasPrefix("refs/") { return [name] }
    return ["refs/heads/\(name)", "refs/tags/\(name)", "refs/\(name)"]
  }

  /// Git takes four digits for enough.
  private static func isAbbreviation(_ name: String) -> Bool {
    (4..<64).contains(name.utf8.count)
      && name.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || (0x41...0x46).contains($0) }
  }

  private func abbreviated(_ digits: String, _ all: [RemoteReference]) throws(Failure) -> Resolved? {
    // Tips that are no branches or tags, such as refs/pull, are many; their ids are looked for by a fetch instead.
    let id = try Self.only(digits, among: all.flatMap { [$0.id] + ($0.peeled.map { [$0] } ?? []) })
    return id.map { Resolved(id: $0, name: $0.hex) }
  }

  private func head(_ all: [RemoteReference]) -> String? {
    guard let head = all.first(where: { $0.name == "HEAD" }) else { return nil }
    let target = head.symbolicTarget ?? all.first { $0.name.hasPrefix("refs/heads/") && $0.id == head.id }?.name
    return target.map { $0.hasPrefix("refs/heads/") ? String($0.dropFirst("refs/heads/".count)) : $0 }
  }

  private func missingDefault(_ all: [RemoteReference]) -> Failure {
    let message = "repository '\(display)' has no branch '\(Self.defaultBranch)', which is the default"
    if let branch = head(all) {
      return Failure(
        .notFound, reason: "git-reference-unknown", "\(message); its HEAD is the branch '\(Self.shown(branch))'",
        hint: Self.word(branch, limit: Self.longestShown).map { "name the branch: --git-ref \($0)" }
          ?? "name a branch or a tag: --git-ref NAME")
    }
    return Failure(
      .notFound, reason: "git-reference-unknown", all.isEmpty ? "repository '\(display)' is empty" : message,
      hint: all.isEmpty ? "push a commit to it first" : "name a branch or a tag: --git-ref NAME")
  }

  /// Levenshtein's distance, bounded by what names are.
  private static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a.utf8.prefix(64)), Array(b.utf8.prefix(64)))
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let cost = min(diagonal + (x == y ? 0 : 1), row[j] + 1, row[j + 1] + 1)
        diagonal = row[j + 1]
        row[j + 1] = cost
      }
    }
    return row[b.count]
  }
}
