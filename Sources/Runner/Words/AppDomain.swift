import Diagnostics
import Storage

/// The domain below which apps have their host names: `<app>-<org>[-<port>].<domain>` (contract §1.2, "Host-based
/// invocation").
package struct AppDomain: Sendable, Hashable, CustomStringConvertible {
  package let name: String
  /// The domain's bytes with a point before them.
  private let suffix: [UInt8]

  /// Names below `localhost` lead to this machine without any set-up (RFC 6761 §6.3).
  package static let standard = AppDomain(unchecked: "ignite.localhost")

  /// Throws `app-domain-invalid` unless `name` is a domain name.
  package init(_ name: String) throws(Failure) {
    let lower = name.lowercased()
    let labels = lower.split(separator: ".", omittingEmptySubsequences: false)
    guard lower.utf8.count <= 180, labels.allSatisfy({ Self.isLabel($0) }) else {
      throw Failure(
        .invalidArgument, reason: "app-domain-invalid", "app domain '\(name.prefix(200))' is not a domain name",
        hint: "use one such as \(Self.standard)")
    }
    self.init(unchecked: lower)
  }

  private init(unchecked name: String) {
    self.name = name
    suffix = Array(".\(name)".utf8)
  }

  package var description: String { name }

  /// What stands before the domain in the value of a `Host` header, in lower case; nil for a host that is not below it.
  package func label(of authority: String) -> String? {
    var host = authority.utf8[...]
    if let colon = host.firstIndex(of: 0x3a) { host = host[..<colon] }
    if host.last == 0x2e { host = host.dropLast() }
    let length = host.count - suffix.count
    guard length > 0 else { return nil }
    let end = host.index(host.startIndex, offsetBy: length)
    guard zip(host[end...], suffix).allSatisfy({ Self.lower($0) == $1 }) else { return nil }
    let label = host[..<end]
    let text = String(Substring(label))
    return label.contains { (0x41...0x5a).contains($0) } ? text.lowercased() : text
  }

  /// The label of an app's port: points of its name are written out, and the standard port is not said.
  package static func label(of app: AppID, port: AppPort = .standard) -> String {
    let name = app.name.name.replacing(".", with: "-dot-")
    return "\(name)-\(app.organization)" + (port == .standard ? "" : "-\(port)")
  }

  /// The host name of an app's port.
  package func host(of app: AppID, port: AppPort = .standard) -> String {
    "\(Self.label(of: app, port: port)).\(name)"
  }

  private static func isLabel(_ text: Substring) -> Bool {
    (1...63).contains(text.utf8.count) && text.utf8.first != 0x2d && text.utf8.last != 0x2d
      && text.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
  }

  private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }
}
