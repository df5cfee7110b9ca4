import Testing

@testable import Gateway

@Suite struct RegistryRouteTests {
  @Test(
    "paths are read from their end",
    arguments: [
      ("/v2", .version), ("/v2/", .version), ("/v2/token", .token), ("/v2/_catalog", .catalog),
      ("/v2/a/b/blobs/sha256:1", .blob("a/b", digest: "sha256:1")),
      ("/v2/a/b/blobs/sha256%3A1", .blob("a/b", digest: "sha256:1")),
      ("/v2/a/b/c/d/blobs/uploads/", .uploads("a/b/c/d")), ("/v2/a/b/blobs/uploads", .uploads("a/b")),
      ("/v2/a/b/blobs/uploads/1-2", .upload("a/b", id: "1-2")),
      ("/v2/a/uploads/manifests/latest", .manifest("a/uploads", reference: "latest")),
      ("/v2/a/blobs/manifests/v1", .manifest("a/blobs", reference: "v1")),
      ("/v2/blobs/uploads/blobs/x", .blob("blobs/uploads", digest: "x")),
      ("/v2/a/b/tags/list", .tags("a/b")), ("/v2/a/tags/tags/list", .tags("a/tags")),
      ("/v2/a/b/referrers/sha256:1", .referrers("a/b", digest: "sha256:1")),
      ("/v2/alpine/manifests/latest", .manifest("alpine", reference: "latest")),
      ("/v2/a/b/tags", nil), ("/v2/a/b/tags/other", nil), ("/v2/x", nil), ("/v2/a/b/uploads/1", nil),
    ] as [(String, RegistryRoute?)]
  )
  func routes(path: String, route: RegistryRoute?) {
    #expect(RegistryRoute(path) == route)
  }
}
