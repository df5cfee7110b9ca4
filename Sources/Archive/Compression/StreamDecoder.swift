import Diagnostics

/// One decompression library, made to look like the others.
protocol StreamDecoder: AnyObject {
  /// The name for messages, such as `gzip`.
  var name: String { get }
  /// What may follow a finished member.
  var continuation: MemberContinuation { get }

  /// Unpacks from `input` into `output`, as far as one of them goes.
  ///
  /// `inputEnded` says that nothing will follow `input`.
  func decode(
    _ input: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawBufferPointer,
    inputEnded: Bool
  ) throws(Failure) -> DecodingStep

  /// Makes ready for the next member.
  func restart()
}

/// How far one call of a decoder came.
struct DecodingStep {
  var consumed: Int
  var produced: Int
  /// The member is complete and its checksum right.
  var memberEnded: Bool
}

/// What may follow a finished member.
enum MemberContinuation: Equatable {
  /// Another member, told by its first byte, or zeros.
  case member(firstByte: UInt8)
  /// Whatever the library itself takes.
  case library
  case nothing
}

/// What is around deflated data.
enum DeflateWrapping { case gzip, bare }
