/// Collects the names of ARGs that hold a secret and are used, while a stage's words are expanded.
final class UsedSecrets {
  private var names: Set<String> = []

  func note(_ name: String) { names.insert(name) }

  /// The names noted since the last call.
  func take() -> Set<String> {
    defer { names = [] }
    return names
  }
}
