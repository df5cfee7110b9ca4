import Diagnostics
import Registry
import Testing

@Suite struct FailureTests {
  @Test(
    "a reason has the registry's word, and any other failure the word of its kind",
    arguments: [
      ("upload-unknown", Code.notFound, "BLOB_UPLOAD_UNKNOWN"), ("tag-invalid", .invalidArgument, "TAG_INVALID"),
      ("token-missing", .unauthenticated, "UNAUTHORIZED"), ("denied", .permissionDenied, "DENIED"),
      ("disk-full", .resourceExhausted, "TOOMANYREQUESTS"), ("io-failed", .internal, "UNKNOWN"),
    ]
  )
  func words(reason: String, code: Code, word: String) {
    #expect(Failure(code, reason: reason, "m").ociCode == word)
  }
}
