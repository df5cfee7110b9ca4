import Diagnostics
import FoundationEssentials
import OCI
import Storage

/// What scripted builds do: the first entry that matches a build is played, and one that matches nothing succeeds.
package struct BuildScript: Sendable, Hashable, Decodable {
  package struct Entry: Sendable, Hashable, Decodable {
    package enum Outcome: String, Sendable, Hashable, Decodable {
      case succeeded, failed
      /// Runs until somebody cancels it or its time is over.
      case hang
    }

    /// A word for the entry: builds with the argument `KINDLING_SCRIPT=NAME` are played it.
    package var name: String?
    /// All of these must hold.
    package var build: String?
    package var tag: String?
    package var buildArgs: [String: String]
    package var log: [Line]
    package var outcome: Outcome
    /// Why it failed.
    package var error: String?
    package var layers: Int
    /// After the last line.
    package var delayMilliseconds: Int64

    private enum Key: String, CodingKey, CaseIterable {
      case name, build, tag, buildArgs, log, outcome, error, layers, delayMs
    }

    package init(from decoder: any Decoder) throws {
      try UnknownMembers.refuse(decoder, known: Key.allCases.map(\.rawValue))
      let members = try decoder.container(keyedBy: Key.self)
      name = try members.decodeIfPresent(String.self, forKey: .name)
      build = try members.decodeIfPresent(String.self, forKey: .build)
      tag = try members.decodeIfPresent(String.self, forKey: .tag)
      buildArgs = try members.decodeIfPresent([String: String].self, forKey: .buildArgs) ?? [:]
      log = try members.decodeIfPresent([Line].self, forKey: .log) ?? []
      outcome = try members.decodeIfPresent(Outcome.self, forKey: .outcome) ?? .succeeded
      error = try members.decodeIfPresent(String.self, forKey: .error)
      layers = try members.decodeIfPresent(Int.self, forKey: .layers) ?? 1
      delayMilliseconds = try members.decodeIfPresent(Int64.self, forKey: .delayMs) ?? 0
      guard (1...100).contains(layers), (0...86_400_000).contains(delayMilliseconds) else {
        throw DecodingError.dataCorrupted(
          .init(codingPath: decoder.codingPath, debugDescription: "layers is 1 to 100, delayMs up to a day"))
      }
    }

    init(_ outcome: Outcome, name: String? = nil) {
      self.name = name
      self.outcome = outcome
      buildArgs = [:]
      log = []
      layers = 1
      delayMilliseconds = 0
    }

    func matches(_ record: BuildRecord) -> Bool {
      if let asked = record.buildArgs[BuildScript.argument] { return asked == name }
      guard build != nil || tag != nil || !buildArgs.isEmpty else { return name == nil }
      return (build ?? record.name) == record.name
        && (tag.map { tag in record.tags.contains { $0.description == tag } } ?? true)
        && buildArgs.allSatisfy { record.buildArgs[$0.key] == $0.value }
    }
  }

  /// A line of the log: a text, or `{"line": …, "afterMs": …, "stderr": true}`.
  package struct Line: Sendable, Hashable, Decodable {
    package var text: String
    package var afterMilliseconds: Int64
    package var isError: Bool

    private enum Key: String, CodingKey, CaseIterable { case line, afterMs, stderr }

    package init(from decoder: any Decoder) throws {
      afterMilliseconds = 0
      isError = false
      if let text = try? decoder.singleValueContainer().decode(String.self) {
        self.text = text
        return
      }
      try UnknownMembers.refuse(decoder, known: Key.allCases.map(\.rawValue))
      let members = try decoder.container(keyedBy: Key.self)
      text = try members.decode(String.self, forKey: .line)
      afterMilliseconds = max(0, try members.decodeIfPresent(Int64.self, forKey: .afterMs) ?? 0)
      isError = try members.decodeIfPresent(Bool.self, forKey: .stderr) ?? false
    }
  }

  /// The build argument that names an entry.
  package static let argument = "KINDLING_SCRIPT"

  package var builds: [Entry]

  /// Every build succeeds at once, but for those whose argument says `fail` or `hang`.
  package init() { builds = [] }

  /// Reads `{"builds": [ENTRY, …]}`. Throws `script-invalid`.
  package init(json: [UInt8], file: String) throws(Failure) {
    do { self = try JSONDecoder().decode(Self.self, from: Data(json)) } catch {
      throw Failure(
        .invalidArgument, reason: "script-invalid", "'\(file)' is no script of builds",
        hint: #"write {"builds": [{"build": "app", "log": ["a line"], "outcome": "failed", "error": "why"}]}"#,
        cause: String(describing: error))
    }
  }

  private static let always = [
    Entry(.succeeded, name: "succeed"), Entry(.failed, name: "fail"), Entry(.hang, name: "hang"),
  ]

  /// Throws `script-unknown` for a build that asks for an entry that is not there.
  func entry(for record: BuildRecord) throws(Failure) -> Entry {
    if let entry = builds.first(where: { $0.matches(record) }) { return entry }
    guard let asked = record.buildArgs[Self.argument] else { return Entry(.succeeded) }
    if let entry = Self.always.first(where: { $0.name == asked }) { return entry }
    throw Failure(
      .invalidArgument, reason: "script-unknown", "no script is called '\(Shown.text(asked))'",
      hint: "there are " + (builds.compactMap(\.name) + Self.always.compactMap(\.name)).joined(separator: ", "))
  }
}

/// A misspelt member must not be taken for one that was left out.
enum UnknownMembers {
  private struct AnyKey: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  static func refuse(_ decoder: any Decoder, known: [String]) throws {
    let all = try decoder.container(keyedBy: AnyKey.self)
    if let odd = all.allKeys.first(where: { !known.contains($0.stringValue) }) {
      throw DecodingError.dataCorruptedError(
        forKey: odd, in: all, debugDescription: "unknown member '\(odd.stringValue)'; there are \(known)")
    }
  }
}
