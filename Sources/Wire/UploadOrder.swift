import Diagnostics

/// What can be wrong with the order of an upload's messages.
enum UploadOrder {
  private static let hint = "send one message with metadata, then messages with chunk only"

  static let metadataMissing = Failure(
    .invalidArgument,
    reason: "upload-metadata-missing",
    "the upload's first message is not metadata",
    hint: hint
  )
  static let metadataTwice = Failure(
    .invalidArgument,
    reason: "upload-metadata-twice",
    "the upload carries metadata a second time",
    hint: hint
  )
  static let payloadMissing = Failure(
    .invalidArgument,
    reason: "upload-payload-missing",
    "an upload message carries neither metadata nor chunk",
    hint: hint
  )
}
