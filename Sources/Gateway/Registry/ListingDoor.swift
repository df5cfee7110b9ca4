import Diagnostics
import HTTPTypes
import HummingbirdCore
import NIOCore
import OCI
import Registry

/// The registry's lists: tags, repositories, referrers.
struct ListingDoor: Sendable {
  /// The most entries of one page; a client that asks for none gets them all up to here, with a link to the rest.
  private static let largestPage = 10_000

  let registry: ImageRegistry

  func tags(_ call: Call, _ repository: Repository) throws(Failure) -> Response {
    struct Answer: Encodable {
      var name: String
      var tags: [String]
    }
    let page = try Page(call.query, limit: Self.largestPage)
    let found = try registry.tags(in: repository, after: page.last, limit: page.size + 1).map(\.name)
    var response = Response.json(Answer(name: repository.name, tags: Array(found.prefix(page.size))))
    response.headers[.link] = page.link(to: "/v2/\(repository)/tags/list", found)
    return response
  }

  func catalog(_ call: Call, _ caller: RegistryCaller) throws(Failure) -> Response {
    let page = try Page(call.query, limit: Self.largestPage)
    let found = try registry.repositories(of: caller.owner, after: page.last, limit: page.size + 1).map(\.name)
    var response = Response.json(["repositories": Array(found.prefix(page.size))])
    response.headers[.link] = page.link(to: "/v2/_catalog", found)
    return response
  }

  /// Spec: an empty index, never 404, when nothing refers to the digest.
  func referrers(_ call: Call, _ repository: Repository, _ digest: Digest) throws(Failure) -> Response {
    let type = call.query["artifactType"]
    let index = try registry.referrers(of: digest, in: repository, artifactType: type)
    var response = Response.json(index)
    response.headers[.contentType] = MediaType.ociIndex.rawValue
    if type != nil { response.headers[.ociFiltersApplied] = "artifactType" }
    return response
  }

  /// The part of a list that `n` and `last` ask for.
  private struct Page {
    var size: Int
    var last: String?

    init(_ query: Query, limit: Int) throws(Failure) {
      size = limit
      last = query["last"]
      guard let text = query["n"] else { return }
      guard let wanted = Int(text), wanted >= 0 else {
        throw Failure(
          .invalidArgument,
          reason: "page-size-invalid",
          "page size '\(text.prefix(100))' is not a number",
          hint: "n is how many entries the page may have"
        )
      }
      size = min(wanted, limit)
    }

    /// The next page's address when `found` goes beyond this one. A page of no entries has no next one.
    func link(to path: String, _ found: [String]) -> String? {
      guard size > 0, found.count > size else { return nil }
      return "<\(path)?n=\(size)&last=\(PercentText.encoded(found[size - 1]))>; rel=\"next\""
    }
  }
}
