/// A path of google.api.http: literal components and whole-component variables, such as `/v1/ignite/builds/{build_id}`.
struct PathTemplate: Sendable, CustomStringConvertible {
  private enum Component: Sendable {
    case literal(Substring)
    case variable(String)
  }

  let description: String
  private let components: [Component]

  init(_ text: String) {
    description = text
    components = text.split(separator: "/").map { component in
      component.hasPrefix("{") && component.hasSuffix("}")
        ? .variable(String(component.dropFirst().dropLast())) : .literal(component)
    }
  }

  /// The variables' decoded values by name, or nil when the path is another one. A variable is never empty.
  func match(_ path: [Substring]) -> [String: String]? {
    guard path.count == components.count else { return nil }
    var variables: [String: String] = [:]
    for (component, text) in zip(components, path) {
      switch component {
      case .literal(let literal): guard literal == text else { return nil }
      case .variable(let name):
        guard !text.isEmpty else { return nil }
        variables[name] = PercentText.decoded(String(text))
      }
    }
    return variables
  }
}
