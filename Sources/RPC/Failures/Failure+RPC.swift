import Diagnostics
import FoundationEssentials
import GRPCCore
import GRPCProtobuf

/// What a service throws is what the caller gets: the code, one line of text with the hint, and the parts again as
/// google.rpc.ErrorInfo in the trailer that gRPC tools decode.
extension Failure: RPCErrorConvertible {
  static let domain = "kindling"

  package var rpcErrorCode: RPCError.Code { RPCError.Code(code) }

  package var rpcErrorMessage: String { Self.clip(oneLine, to: 1500) }

  package var rpcErrorMetadata: Metadata {
    var parts = ["message": Self.clip(message, to: 1000)]
    if let hint { parts["hint"] = Self.clip(hint, to: 500) }
    if let cause { parts["cause"] = Self.clip(cause, to: 1000) }
    let status = GoogleRPCStatus(
      code: rpcErrorCode,
      message: message.isEmpty ? "" : parts["message"] ?? "",
      details: .errorInfo(reason: reason, domain: Self.domain, metadata: parts)
    )
    return status.rpcErrorMetadata
  }

  /// Takes the middle out of a long text: clients refuse trailers above 8 KiB altogether, and what matters
  /// stands at the ends.
  static func clip(_ text: String, to limit: Int) -> String {
    guard text.utf8.count > limit else { return text }
    let half = (limit - 5) / 2
    let head = String(decoding: text.utf8.prefix(half), as: UTF8.self)
    let tail = String(decoding: text.utf8.suffix(half), as: UTF8.self)
    return "\(head) ... \(tail)"
  }
}

extension RPCError.Code {
  init(_ code: Code) {
    self = Status.Code(rawValue: code.rawValue).flatMap { RPCError.Code($0) } ?? .unknown
  }
}

extension Failure {
  /// What a call to `server` threw, as the letter the server wrote, or one about not reaching it.
  init(answer error: any Error, server: Door.Address) {
    if let failure = error as? Failure {
      self = failure
      return
    }
    if error is CancellationError {
      self.init(.cancelled, reason: "cancelled", "the call was cancelled")
      return
    }
    guard let status = error as? RPCError else {
      self.init(wrapping: error, reason: "call-failed", while: "calling the server at \(server)")
      return
    }
    let code = Code(rawValue: status.code.rawValue) ?? .unknown
    let details = (try? status.unpackGoogleRPCStatus())?.details ?? []
    if let info = details.lazy.compactMap(\.errorInfo).first(where: { $0.domain == Self.domain }) {
      self.init(
        code,
        reason: info.reason,
        info.metadata["message"] ?? status.message,
        hint: info.metadata["hint"],
        cause: info.metadata["cause"]
      )
    } else if code == .unavailable {
      self.init(
        .unavailable,
        reason: "server-unreachable",
        "no server answers at \(server)",
        hint: "start it with: kindling start",
        cause: status.cause.map { "\($0)" } ?? status.message
      )
    } else {
      self.init(code, reason: "rpc-\(code.name.lowercased().replacing("_", with: "-"))", status.message)
    }
  }
}
