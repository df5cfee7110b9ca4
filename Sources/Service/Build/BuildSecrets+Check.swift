import Diagnostics
import Remote

extension BuildSecrets {
  /// Throws INVALID_ARGUMENT for what no later build could use, with its name and never with its value.
  func check() throws(Failure) {
    for (key, value) in registryCredentials {
      guard Self.isHost(BuildSecretStore.registryHost(key)) else {
        throw Failure(
          .invalidArgument, reason: "registry-host-invalid",
          "registry_credentials has the key '\(Shown.text(key))', which names no registry",
          hint: "use the host as references write it, such as ghcr.io or localhost:5000")
      }
      _ = try RegistryCredential(saved: value, host: Shown.text(key))
    }
    if let git = gitCredentials {
      guard !git.password.isEmpty else {
        throw Failure(
          .invalidArgument, reason: "git-credentials-invalid", "git_credentials has no password",
          hint: "send the access token as the password; the user name is any where the server asks for none")
      }
      guard !Self.isTorn(git.username), !Self.isTorn(git.password), !git.username.contains(":") else {
        throw Failure(
          .invalidArgument, reason: "git-credentials-invalid",
          "git_credentials holds a line break, a NUL byte, or a ':' in the user name, which HTTP cannot carry",
          hint: "send both as they are typed at a prompt")
      }
    }
    for name in buildSecrets.keys {
      guard BuildArgumentName.isValid(name) else {
        throw Failure(
          .invalidArgument, reason: "build-secret-invalid", "build secret name '\(Shown.text(name))' is not valid",
          hint: BuildArgumentName.rule)
      }
    }
  }

  static func isHost(_ text: String) -> Bool {
    let isWord: (UInt8) -> Bool = { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x3a, 0x5b, 0x5d, 0x5f: true
      default: false
      }
    }
    return (1...255).contains(text.utf8.count) && text.utf8.allSatisfy(isWord)
  }

  private static func isTorn(_ text: String) -> Bool { text.utf8.contains { $0 == 0 || $0 == 0x0a || $0 == 0x0d } }
}

/// The names of build arguments and build secrets: what ARG can declare and `id=` can name.
enum BuildArgumentName {
  static let rule = "use 1 to 255 characters without '=', blanks and control characters"

  static func isValid(_ name: String) -> Bool {
    (1...255).contains(name.utf8.count) && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x3d && $0 != 0x7f }
  }
}
