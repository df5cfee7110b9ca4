import Dockerfile

/// Collects uses of variables that nothing defines, while a stage's words are expanded.
final class UndefinedVariables {
  private var names: [String] = []

  /// Notes a use; `declared` are ARGs without a value, which are known and merely empty.
  func note(_ use: Expansion.VariableUse, declared: Set<String>) {
    guard !use.isSet, !use.hasFallback, !declared.contains(use.name), !names.contains(use.name) else { return }
    names.append(use.name)
  }

  /// The names noted since the last call.
  func take() -> [String] {
    defer { names = [] }
    return names
  }
}
