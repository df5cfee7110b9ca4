import Diagnostics
import OCI
import SystemPackage
import Testing

@testable import Service

@Suite("OCI layouts that builds name")
struct LayoutImagesTests {
  static let digest = "sha256:" + String(repeating: "0a", count: 32)

  @Test(
    "are a folder and one of its images",
    arguments: [
      ("oci-layout://a/b", "a/b", nil), ("oci-layout:///a/b:v1", "/a/b", "v1"), ("oci-layout://c:1/b", "c:1/b", nil),
      ("oci-layout://a@" + digest, "a", digest), ("oci-layout://a:v1@" + digest, "a", digest),
      ("oci-layout://me@home/a", "me@home/a", nil),
    ] as [(String, String, String?)])
  func places(text: String, folder: String, manifest: String?) throws {
    let place = try LayoutImages.Place(text)
    #expect(place.folder == FilePath(folder) && place.manifest?.description == manifest)
  }

  @Test("are refused without a folder, and with a tag or digest that is none")
  func refusals() {
    for text in ["oci-layout://", "oci-layout://:v1", "oci-layout://a:", "oci-layout://a@sha256:1"] {
      #expect(throws: Failure.self) { try LayoutImages.Place(text) }
    }
  }
}
