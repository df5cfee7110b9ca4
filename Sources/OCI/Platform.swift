/// `os/architecture[/variant]`.
package struct Platform: Sendable, Hashable, Codable, CustomStringConvertible {
  package var architecture: String
  package var os: String
  package var variant: String?

  package init(os: String, architecture: String, variant: String? = nil) {
    self.os = os
    self.architecture = architecture
    self.variant = variant
  }

  /// Parses `linux/amd64` or `linux/arm/v7`, with the usual aliases of machines (`x86_64`, `aarch64`, `armhf`), as
  /// containerd normalises them: `arm64/v8` is `arm64`, and `arm` is `arm/v7`.
  package init?(_ text: String) {
    let parts = text.lowercased().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard (2...3).contains(parts.count), parts.allSatisfy({ !$0.isEmpty }) else { return nil }
    self = Platform(os: parts[0], architecture: parts[1], variant: parts.count == 3 ? parts[2] : nil).normalized
  }

  /// The machine this runs on.
  package static var host: Platform {
    #if arch(arm64)
      Platform(os: "linux", architecture: "arm64")
    #else
      Platform(os: "linux", architecture: "amd64")
    #endif
  }

  /// The one way to write it: aliases resolved, `v` before a variant's number, and no variant where it is the usual one.
  package var normalized: Platform {
    var variant = variant.flatMap { $0.isEmpty ? nil : $0.first?.isNumber == true ? "v" + $0 : $0 }
    var architecture = architecture
    switch architecture {
    case "x86_64", "x86-64": architecture = "amd64"
    case "aarch64": architecture = "arm64"
    case "i386": (architecture, variant) = ("386", nil)
    case "armhf": (architecture, variant) = ("arm", "v7")
    case "armel": (architecture, variant) = ("arm", "v6")
    default: break
    }
    switch (architecture, variant) {
    case ("amd64", "v1"), ("arm64", "v8"), ("arm64", "v8.0"): variant = nil
    case ("arm", nil): variant = "v7"
    default: break
    }
    return Platform(os: os, architecture: architecture, variant: variant)
  }

  /// Whether an image for `self` runs where `other` is asked for; a missing variant matches any.
  package func matches(_ other: Platform) -> Bool {
    let (own, asked) = (normalized, other.normalized)
    return own.os == asked.os && own.architecture == asked.architecture
      && (variant == nil || other.variant == nil || own.variant == asked.variant)
  }

  /// How much older this variant is than the one that is asked for, which can run it: 0 for the same one; nil for what
  /// is newer or another architecture.
  func distance(from other: Platform) -> Int? {
    let (own, asked) = (normalized, other.normalized)
    guard own.os == asked.os, own.architecture == asked.architecture else { return nil }
    if own.variant == asked.variant { return 0 }
    guard let level = own.level, let wanted = asked.level, level <= wanted else { return nil }
    return wanted - level
  }

  /// The variant's number; nil where variants have no order.
  private var level: Int? {
    guard let variant else { return ["amd64": 1, "arm64": 8][architecture] }
    guard ["amd64", "arm", "arm64"].contains(architecture) else { return nil }
    return Int(variant.dropFirst())
  }

  package var description: String { "\(os)/\(architecture)" + (variant.map { "/" + $0 } ?? "") }
}
