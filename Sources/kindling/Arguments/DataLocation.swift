import Diagnostics
import Foundation
import SystemPackage

/// Where the server of this user keeps its data; looked up, never made.
struct DataLocation: Sendable, Hashable {
  let path: FilePath

  /// `--data-dir`, else `KINDLING_DATA_DIR`, else `XDG_DATA_HOME/kindling`, else `~/.local/share/kindling`.
  init(flag: String?, environment: [String: String] = ProcessInfo.processInfo.environment) throws(Failure) {
    if let flag {
      path = FilePath(flag)
    } else if let own = environment["KINDLING_DATA_DIR"], !own.isEmpty {
      path = FilePath(own)
    } else if let data = environment["XDG_DATA_HOME"], data.hasPrefix("/") {
      // Spec: XDG Base Directory says to ignore a relative XDG_DATA_HOME.
      path = FilePath(data).appending("kindling")
    } else if let home = environment["HOME"], !home.isEmpty {
      path = FilePath(home).appending(".local/share/kindling")
    } else {
      throw Failure(
        .failedPrecondition,
        reason: "home-unknown",
        "neither HOME nor KINDLING_DATA_DIR is set",
        hint: "name the data directory with --data-dir"
      )
    }
  }
}
