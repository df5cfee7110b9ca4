import Diagnostics
import Storage

/// Where a page of builds ended; good for the organisation and the filter it was given for alone.
struct PageCursor {
  private let cursor: SealedCursor

  init(_ data: DataDirectory, _ organization: OrganizationName, _ status: BuildStatus?) {
    cursor = SealedCursor(
      data, "list-builds/\(organization)/\(status?.rawValue ?? "all")", of: "ListBuilds", first: "newest build")
  }

  /// The cursor that continues after `last`.
  func text(after last: BuildID) throws(Failure) -> String { try cursor.text(after: last.text) }

  /// The build the page before ended with. Throws `cursor-invalid`.
  func last(in text: String) throws(Failure) -> BuildID {
    guard let id = BuildID(try cursor.last(in: text)) else { throw cursor.invalid(text) }
    return id
  }
}
