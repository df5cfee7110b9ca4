import Diagnostics
import Foundation
import Storage

/// Where a page of builds ended, as callers see it: sealed, so that it says nothing, cannot be made up, and is good for
/// the organisation and the filter it was given for alone.
struct PageCursor {
  private let seal: Seal
  private let context: String

  init(_ data: DataDirectory, _ organization: OrganizationName, _ status: BuildStatus?) {
    seal = data.seal
    context = "list-builds/\(organization)/\(status?.rawValue ?? "all")"
  }

  /// The cursor that continues after `last`.
  func text(after last: BuildID) throws(Failure) -> String {
    // Fits a query as it is.
    Data(try seal.seal(Array(last.text.utf8), context: context)).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  /// The build the page before ended with. Throws `cursor-invalid`.
  func last(in text: String) throws(Failure) -> BuildID {
    var base64 = text.replacing("-", with: "+").replacing("_", with: "/")
    base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
    guard text.utf8.count <= 200, let sealed = Data(base64Encoded: base64),
      let plain = try? seal.open(Array(sealed), context: context),
      let id = BuildID(String(decoding: plain, as: UTF8.self))
    else {
      throw Failure(
        .invalidArgument, reason: "cursor-invalid",
        "cursor '\(text.prefix(100))' did not come from ListBuilds with the same filter",
        hint: "leave it out to begin at the newest build")
    }
    return id
  }
}
