import OCI

/// The signal an image wants to be stopped with.
struct StopSignal: Sendable, Hashable {
  let number: UInt8

  static let term = StopSignal(number: 15)

  private init(number: UInt8) { self.number = number }

  init(of config: ImageConfig) {
    // Docker refuses such an image; a build here does, so that only others' images can have one.
    self = config.config?.stopSignal.flatMap(StopSignal.init(_:)) ?? .term
  }

  /// `SIGTERM`, `term`, `15` or `SIGRTMIN+3`; nil for what is no signal of Linux.
  init?(_ text: String) {
    var word = text.uppercased()
    if word.hasPrefix("SIG") { word.removeFirst(3) }
    if let number = UInt8(word), (1...64).contains(number) {
      self.init(number: number)
    } else if let index = Self.names.firstIndex(of: word) {
      self.init(number: UInt8(index + 1))
    } else if word.hasPrefix("RTMIN"), let offset = word == "RTMIN" ? 0 : UInt8(word.dropFirst(6)), offset <= 30 {
      self.init(number: 34 + offset)
    } else if word.hasPrefix("RTMAX"), let offset = word == "RTMAX" ? 0 : UInt8(word.dropFirst(6)), offset <= 30 {
      self.init(number: 64 - offset)
    } else {
      return nil
    }
  }

  var name: String { Self.name(of: Int(number)) }

  static func name(of number: Int) -> String {
    (1...names.count).contains(number) ? "SIG\(names[number - 1])" : "signal \(number)"
  }

  /// From 1 on (signal(7)).
  private static let names = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
  ]
}
