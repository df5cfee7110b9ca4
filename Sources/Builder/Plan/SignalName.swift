/// What STOPSIGNAL may name.
enum SignalName {
  /// A number but 0, or a name with or without its SIG, in any case.
  static func isKnown(_ word: String) -> Bool {
    if let number = Int32(word) { return number != 0 }
    var name = word.uppercased()[...]
    if name.hasPrefix("SIG") { name = name.dropFirst(3) }
    return names.contains(name) || isRealTime(name)
  }

  private static let names: Set<Substring> = [
    "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
    "PROF", "PWR", "QUIT", "RTMAX", "RTMIN", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU",
    "URG", "USR1", "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ",
  ]

  /// `RTMIN+1` to `RTMIN+15`, `RTMAX-14` to `RTMAX-1`.
  private static func isRealTime(_ name: Substring) -> Bool {
    for (base, last) in [("RTMIN+", 15), ("RTMAX-", 14)] where name.hasPrefix(base) {
      return Int(name.dropFirst(base.count)).map { (1...last).contains($0) } ?? false
    }
    return false
  }
}
