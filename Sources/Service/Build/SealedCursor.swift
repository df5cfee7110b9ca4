import Diagnostics
import Foundation
import Storage

/// Where a page of a list ended, as callers see it: sealed, so that it says nothing, cannot be made up, and is good for
/// one list alone.
struct SealedCursor {
  private let seal: Seal
  private let context: String
  private let rpc: String
  private let first: String

  /// `context` is the list: whose, of what and by which filter. `rpc` and `first` are words for who brings a wrong one.
  init(_ data: DataDirectory, _ context: String, of rpc: String, first: String) {
    seal = data.seal
    self.context = context
    self.rpc = rpc
    self.first = first
  }

  /// The cursor that continues after `last`.
  func text(after last: String) throws(Failure) -> String {
    // Fits a query as it is.
    Data(try seal.seal(Array(last.utf8), context: context)).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  /// What the page before ended with. Throws `cursor-invalid`.
  func last(in text: String) throws(Failure) -> String {
    var base64 = text.replacing("-", with: "+").replacing("_", with: "/")
    base64 += String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
    guard text.utf8.count <= 300, let sealed = Data(base64Encoded: base64),
      let plain = try? seal.open(Array(sealed), context: context)
    else { throw invalid(text) }
    return String(decoding: plain, as: UTF8.self)
  }

  func invalid(_ text: String) -> Failure {
    Failure(
      .invalidArgument, reason: "cursor-invalid",
      "cursor '\(text.prefix(100))' did not come from \(rpc) with the same filter",
      hint: "leave it out to begin at the \(first)")
  }
}
