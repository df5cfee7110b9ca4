import Foundation
import Terminal

extension Console {
  /// What suits this output in this process's environment.
  var appearance: Appearance { appearance(nil) }

  /// The same with what the user asked for.
  func appearance(_ options: DisplayOptions?) -> Appearance {
    let environment = ProcessInfo.processInfo.environment
    return .suiting(
      isTTY: isTTY,
      width: width(environment: environment),
      environment: environment,
      color: options?.color ?? .auto,
      ascii: options?.ascii ?? false
    )
  }
}
