import Diagnostics
import SystemPackage

/// The few words of a repository's config that say how it is stored; includes are not followed.
struct LocalConfig {
  private var values: [String: String] = [:]

  init(_ path: FilePath) throws(Failure) {
    var section = ""
    for line in try LocalLayout.lines(path) {
      let text = line.trimmingPrefix { $0 == " " || $0 == "\t" }
      if text.hasPrefix("[") {
        section = text.dropFirst().prefix { $0 != "]" && $0 != " " }.lowercased()
      } else if !text.hasPrefix("#"), !text.hasPrefix(";") {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard let key = parts.first.map(Self.trimmed)?.lowercased() else { continue }
        values["\(section).\(key)"] = parts.count == 2 ? Self.trimmed(parts[1]).lowercased() : "true"
      }
    }
  }

  var format: ObjectID.Format { values["extensions.objectformat"] == "sha256" ? .sha256 : .sha1 }

  /// Throws `git-repository-unsupported` for what this reader would misread.
  func checkSupported(_ path: FilePath) throws(Failure) {
    func refuse(_ what: String) -> Failure {
      Failure(
        .unimplemented, reason: "git-repository-unsupported", "the repository '\(path)' \(what)",
        hint: "serve it over http or ssh, or clone it whole: git clone --mirror '\(path)' COPY")
    }
    let version = values["core.repositoryformatversion"] ?? "0"
    guard version == "0" || version == "1" else { throw refuse("has the format version '\(version)'") }
    if let storage = values["extensions.refstorage"], storage != "files" {
      throw refuse("keeps its references as '\(storage)'")
    }
    if values["extensions.partialclone"] != nil || values["remote.promisor"] == "true" {
      throw refuse("is a partial clone, so objects are missing")
    }
    if let format = values["extensions.objectformat"], format != "sha1", format != "sha256" {
      throw refuse("names objects by '\(format)'")
    }
    let harmless: Set = [
      "objectformat", "refstorage", "noop", "noop-v1", "preciousobjects", "worktreeconfig", "compatobjectformat",
      "relativeworktrees",
    ]
    guard version == "1" else { return }
    for key in values.keys.sorted() where key.hasPrefix("extensions.") {
      let name = String(key.dropFirst("extensions.".count))
      guard harmless.contains(name) else { throw refuse("needs the extension '\(name)'") }
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    var rest = text
    while let first = rest.first, first.isWhitespace { rest.removeFirst() }
    while let last = rest.last, last.isWhitespace { rest.removeLast() }
    if rest.count >= 2, rest.first == "\"", rest.last == "\"" { rest = rest.dropFirst().dropLast() }
    return String(rest)
  }
}
