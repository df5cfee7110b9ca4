import Diagnostics

extension Failure {
  /// The registry's word for the failure (distribution-spec, "Error codes").
  package var ociCode: String {
    switch reason {
    case "blob-unknown": "BLOB_UNKNOWN"
    case "manifest-unknown": "MANIFEST_UNKNOWN"
    case "manifest-blob-unknown": "MANIFEST_BLOB_UNKNOWN"
    case "manifest-invalid": "MANIFEST_INVALID"
    case "name-invalid": "NAME_INVALID"
    case "name-unknown": "NAME_UNKNOWN"
    case "digest-invalid": "DIGEST_INVALID"
    case "tag-invalid": "TAG_INVALID"
    case "size-invalid": "SIZE_INVALID"
    case "range-invalid": "RANGE_INVALID"
    case "upload-unknown": "BLOB_UPLOAD_UNKNOWN"
    case "upload-invalid": "BLOB_UPLOAD_INVALID"
    case "unauthorized": "UNAUTHORIZED"
    case "denied": "DENIED"
    case "unsupported": "UNSUPPORTED"
    case "too-many-requests": "TOOMANYREQUESTS"
    default: ociCodeOfKind
    }
  }

  private var ociCodeOfKind: String {
    switch code {
    case .unauthenticated: "UNAUTHORIZED"
    case .permissionDenied: "DENIED"
    case .unimplemented: "UNSUPPORTED"
    case .resourceExhausted: "TOOMANYREQUESTS"
    default: "UNKNOWN"
    }
  }
}
