import NIOCore
import NIOHTTP1

/// Whoever made a call hears here what becomes of it, on the call's event loop. After `answerEnded` or `callFailed`
/// nothing more is told.
package protocol CallSink: AnyObject {
  /// Whether more of the answer may come now; when that changes, `ReplicaCall.readMore` has to be called.
  var takesMore: Bool { get }
  /// More of the request may be sent.
  func requestMayContinue()

  /// An informational head (1xx), of which there can be any number before the answer's own.
  func informed(_ head: HTTPResponseHead)
  func answered(_ head: HTTPResponseHead)
  func answered(_ piece: ByteBuffer)
  /// What came at once has been told.
  func flushAnswer()
  func answerEnded(_ trailers: HTTPHeaders?)
  func callFailed(_ failure: CallFailure)

  /// The app takes the upgrade. `raw` carries bytes from now on, read by nobody yet.
  func upgraded(_ head: HTTPResponseHead, _ raw: RawReplicaConnection)
}

extension CallSink {
  package func informed(_ head: HTTPResponseHead) {}
  package func upgraded(_ head: HTTPResponseHead, _ raw: RawReplicaConnection) { raw.close() }
}

/// A replica's end of an upgraded connection. The call's admission lasts as long as this does.
package final class RawReplicaConnection {
  private let connection: ReplicaConnection
  private let admission: Admission
  package let channel: (any Channel)?

  init(_ connection: ReplicaConnection, admission: Admission) {
    self.connection = connection
    self.admission = admission
    channel = connection.channel
    // The admission ends with the connection, whoever forgets whom.
    channel?.closeFuture.whenComplete { _ in admission.end() }
  }

  /// Hands what comes to `handler` as bytes; the future is there when bytes may be written.
  package func attach(_ handler: any ChannelHandler) -> EventLoopFuture<Void>? { connection.becomeRaw(with: handler) }

  package func close() {
    channel?.close(promise: nil)
    admission.end()
  }
}
