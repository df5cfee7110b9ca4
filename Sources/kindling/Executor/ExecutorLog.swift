import Diagnostics
import Foundation
import Terminal

/// The executor's own lines on standard error, in the shapes Kaniko's have, so that what reads those reads these.
struct ExecutorLog: Sendable {
  /// Most talkative last.
  enum Level: Int, Sendable, Comparable {
    case panic, fatal, error, warning, info, debug, trace

    /// The words `--verbosity` takes.
    init?(_ text: String) {
      switch text.lowercased() {
      case "panic": self = .panic
      case "fatal": self = .fatal
      case "error": self = .error
      case "warn", "warning": self = .warning
      case "info": self = .info
      case "debug": self = .debug
      case "trace": self = .trace
      default: return nil
      }
    }

    static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    var word: String { String(describing: self) }
    fileprivate var color: Int {
      switch self {
      case .panic, .fatal, .error: 31
      case .warning: 33
      case .info: 36
      case .debug, .trace: 37
      }
    }
  }

  enum Format: String, Sendable, CaseIterable { case color, text, json }

  struct Settings: Sendable, Hashable {
    var level = Level.info
    var format = Format.color
    /// Dates instead of seconds since the start.
    var hasTimestamps = false

    init() {}

    init(_ flags: FlagValues) throws(Failure) {
      if let text = flags.last("verbosity") {
        guard let level = Level(text) else {
          throw FlagValues.invalid("verbosity", text, "trace, debug, info, warn, error, fatal or panic")
        }
        self.level = level
      }
      format = try flags.choice("log-format", Format.self) ?? .color
      hasTimestamps = try flags.isOn("log-timestamp")
    }
  }

  let settings: Settings
  /// Here: colours only where somebody sees them; Kaniko writes them into files too.
  let usesColor: Bool
  let began: Date

  init(_ settings: Settings, usesColor: Bool, began: Date = Date()) {
    self.settings = settings
    self.usesColor = usesColor
    self.began = began
  }

  func write(_ level: Level, _ message: String) {
    if let line = line(level, message, at: Date()) { Console.standardError.write(line + "\n") }
  }

  /// The line; nil when it is more than was asked for.
  func line(_ level: Level, _ message: String, at moment: Date) -> String? {
    guard level <= settings.level else { return nil }
    let time = moment.formatted(.iso8601)
    switch settings.format {
    case .json:
      return JSONText.line(["level": level.word, "msg": message, "time": time])
    case .text:
      return "time=\"\(time)\" level=\(level.word) msg=\(Self.quoted(message))"
    case .color:
      let seconds = String(max(0, Int(moment.timeIntervalSince(began))))
      let stamp = settings.hasTimestamps ? time : String(repeating: "0", count: max(0, 4 - seconds.count)) + seconds
      let name = level.word.uppercased().prefix(4)
      let head = usesColor ? "\u{1b}[\(level.color)m\(name)\u{1b}[0m" : String(name)
      return "\(head)[\(stamp)] \(message)"
    }
  }

  /// Words of letters, digits and a few marks stand as they are (logrus).
  private static func quoted(_ text: String) -> String {
    let isPlain = text.unicodeScalars.allSatisfy {
      $0.isASCII
        && ($0.properties.isAlphabetic || $0.properties.numericType != nil || "-._/@^+".unicodeScalars.contains($0))
    }
    guard !isPlain || text.isEmpty else { return text }
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
