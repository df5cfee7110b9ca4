/// The parameters of a request's query, decoded, in their order.
struct Query: Sendable {
  let parameters: [(name: String, value: String)]

  /// `+` is a blank, as HTML forms write it; a stray `%` stands for itself.
  init(_ text: some StringProtocol) {
    parameters = text.split(separator: "&").map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (Self.decoded(parts[0]), parts.count > 1 ? Self.decoded(parts[1]) : "")
    }
  }

  init(_ parameters: [(name: String, value: String)]) { self.parameters = parameters }

  init(_ text: String?) { self.init(text ?? "") }

  /// The first value of that name.
  subscript(name: String) -> String? { parameters.first { $0.name == name }?.value }

  /// Every value of that name.
  func all(_ name: String) -> [String] { parameters.filter { $0.name == name }.map(\.value) }

  private static func decoded(_ text: some StringProtocol) -> String {
    PercentText.decoded(text.utf8.contains(0x2b) ? String(text).replacing("+", with: " ") : String(text))
  }
}
