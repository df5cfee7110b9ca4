import API
import Diagnostics
import RPC
import Storage

/// Turns what people write for a build into its identifier.
enum BuildLookup {
  private static let page: UInt32 = 200
  /// How far back a prefix is looked for.
  private static let pages = 10

  /// How a build can be named.
  enum Name: Sendable, Hashable {
    case exact(String)
    /// Counted back from the newest, which is 0.
    case recent(Int)
    case prefix(String)
  }

  /// `^0` is the newest build, `^1` the one before; `bld_…` whole is itself; anything else the beginning of one.
  static func name(_ text: String) throws(Failure) -> Name {
    if text.hasPrefix("^") {
      let digits = text.dropFirst()
      guard let number = digits.isEmpty ? 0 : Int(digits), (0..<Int(page) * pages).contains(number) else {
        throw Failure(
          .invalidArgument,
          reason: "build-id-invalid",
          "'\(text)' does not count back to a build",
          hint: "^0 is the newest build, ^1 the one before"
        )
      }
      return .recent(number)
    }
    let bare = text.hasPrefix(BuildID.prefix) ? String(text.dropFirst(BuildID.prefix.count)) : text
    guard !bare.isEmpty, bare.utf8.count <= 26, bare.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
      throw Failure(
        .invalidArgument,
        reason: "build-id-invalid",
        "'\(text)' is not a build's id",
        hint: "write the whole id, its beginning, or ^0 for the newest; see: kindling build list"
      )
    }
    let whole = BuildID.prefix + bare.uppercased()
    return bare.utf8.count == 26 ? .exact(whole) : .prefix(whole)
  }

  /// Throws `build-not-found` when there is none, `build-id-ambiguous` when a beginning fits several.
  static func id(_ text: String, _ client: IgniteClient) async throws(Failure) -> String {
    switch try name(text) {
    case .exact(let id): return id
    case .recent(let number):
      let recent = try await builds(client, atLeast: number + 1) { _ in true }
      guard recent.count > number else {
        throw Failure(
          .notFound,
          reason: "build-not-found",
          recent.isEmpty ? "there is no build yet" : "there are only \(recent.count) builds, none is '\(text)'",
          hint: recent.isEmpty ? "make one with: kindling build ." : "see: kindling build list"
        )
      }
      return recent[number]
    case .prefix(let prefix):
      let found = try await builds(client, atLeast: 2) { $0.hasPrefix(prefix) }
      if found.count > 1 {
        throw Failure(
          .invalidArgument,
          reason: "build-id-ambiguous",
          "'\(text)' is the beginning of several builds, such as '\(found[0])' and '\(found[1])'",
          hint: "write more of it"
        )
      }
      guard let id = found.first else {
        throw Failure(
          .notFound,
          reason: "build-not-found",
          "no build begins with '\(text)'",
          hint: "see: kindling build list"
        )
      }
      return id
    }
  }

  private static func builds(
    _ client: IgniteClient,
    atLeast count: Int,
    _ isWanted: (String) -> Bool
  ) async throws(Failure) -> [String] {
    var found: [String] = []
    var request = Dodil_Ignite_V1_ListBuildsRequest()
    request.limit = page
    for _ in 0..<pages {
      let answer = try await client.listBuilds(request)
      found += answer.builds.map(\.buildID).filter(isWanted)
      request.cursor = answer.nextCursor
      if found.count >= count || answer.nextCursor.isEmpty { break }
    }
    return found
  }
}
