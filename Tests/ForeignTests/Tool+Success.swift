import TestSupport

extension Tool {
  struct Unsuccessful: Error, CustomStringConvertible {
    var description: String
  }

  /// Runs the program, which must end with 0.
  @discardableResult
  func succeed(_ arguments: [String], in folder: String? = nil) async throws -> Result {
    let result = try await run(arguments, in: folder)
    guard result.status == 0 else { throw Unsuccessful(description: "\(path) \(arguments): \(result.all)") }
    return result
  }
}

extension Tool.Result {
  /// Throws with the program's words unless it ended with 0.
  func expectSuccess() throws {
    guard status == 0 else { throw Tool.Unsuccessful(description: all) }
  }
}
