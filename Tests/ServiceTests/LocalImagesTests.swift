import Diagnostics
import OCI
import Registry
import Storage
import Testing

@testable import Service

@Suite("Images here")
struct LocalImagesTests {
  @Test(
    "a reference means a repository of the caller's organisation",
    arguments: [
      ("busybox", "dev/busybox"), ("busybox:1.36", "dev/busybox"), ("library/busybox", "dev/busybox"),
      ("docker.io/busybox", "dev/busybox"), ("docker.io/library/busybox:1", "dev/busybox"),
      ("index.docker.io/library/busybox", "dev/busybox"), ("docker.io/acme/app", "dev/acme/app"),
      ("acme/app", "dev/acme/app"), ("dev/app", "dev/app"), ("localhost:4480/dev/app", "dev/app"),
      ("localhost:4480/other/app", "dev/other/app"), ("ghcr.io/acme/base", "dev/ghcr.io/acme/base"),
      ("localhost:5000/base", "dev/localhost-5000/base"), ("ghcr.io/library/x", "dev/ghcr.io/library/x"),
      ("[::1]:5000/base", "dev/ipv6---1.5000/base"), ("[fe80::]/base", "dev/ipv6-fe80--0/base"),
      ("[a::1:5000]/x", "dev/ipv6-a--1-5000/x"), ("[A::1]:5000/x", "dev/ipv6-a--1.5000/x"),
    ])
  func names(reference: String, repository: String) throws {
    let shelf = try Shelf()
    let images = LocalImages(registry: ImageRegistry(data: shelf.data), ownHosts: { ["localhost:4480"] })
    #expect(try images.repository(of: Reference(reference), for: OrganizationName("dev")).name == repository)
  }

  @Test("one that is not here is said to be missing, with how to get it")
  func missing() async throws {
    let shelf = try Shelf()
    let images = LocalImages(registry: ImageRegistry(data: shelf.data), ownHosts: { [] })
    let failure = try #require(
      await #expect(throws: Failure.self) {
        _ = try await images.image("nothing:1", platform: .host, for: OrganizationName("dev"))
      })
    #expect(failure.reason == "base-image-unknown")
    #expect(failure.hint?.contains("kindling image import nothing:1") == true)
  }
}
