import HTTPTypes

extension HTTPField.Name {
  static let kindlingVersion = known("kindling-version")
  static let requestID = known("request-id")
  static let secFetchSite = known("sec-fetch-site")
  static let lastEventID = known("last-event-id")
  // Written by the platform's gateway, and by clients of `--auth off`.
  static let organizationName = known("x-organization-name")
  static let organizationID = known("x-organization-id")
  /// A second `Host`: the first is the request's authority.
  static let secondHost = known("host")
  static let link = known("link")
  static let referrerPolicy = known("referrer-policy")

  // Names of distribution-spec 1.1 and of the Docker registry API before it.
  static let dockerContentDigest = known("docker-content-digest")
  static let dockerUploadID = known("docker-upload-uuid")
  static let distributionVersion = known("docker-distribution-api-version")
  static let ociSubject = known("oci-subject")
  static let ociFiltersApplied = known("oci-filters-applied")
  static let warning = known("warning")
  static let ociTag = known("oci-tag")

  private static func known(_ text: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(text) else { preconditionFailure("'\(text)' is not a header name") }
    return name
  }
}
