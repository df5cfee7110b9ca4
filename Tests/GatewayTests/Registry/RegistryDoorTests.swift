import Diagnostics
import Foundation
import HTTPTypes
import NIOCore
import OCI
import Testing

@testable import Gateway

/// The distribution API as registry clients see it; the table of `peers/registry.md` §5 in order.
@Suite struct RegistryDoorTests {
  static let config = "{}"
  static let configDigest = digest(config)

  static func digest(_ text: String, _ algorithm: Digest.Algorithm = .sha256) -> String {
    let hash = RunningDigest(algorithm)
    Array(text.utf8).withUnsafeBytes { hash.update($0) }
    return hash.digest().description
  }

  static func manifest(_ extra: String = "") -> String {
    #"{"schemaVersion":2,"mediaType":"\#(MediaType.ociManifest)","config":{"mediaType":"\#(MediaType.ociConfig)","#
      + #""digest":"\#(configDigest)","size":2},"layers":[]\#(extra)}"#
  }

  static let manifestHeaders: HTTPFields = [.contentType: MediaType.ociManifest.rawValue]

  /// A house with the empty config as a blob of `dev/app`.
  static func houseWithConfig() async throws -> TestHouse {
    let house = try await TestHouse()
    let pushed = try await house.send(.post, "/v2/dev/app/blobs/uploads/?digest=\(configDigest)", body: config)
    #expect(pushed.status == 201)
    return house
  }

  @Test("the version check answers, and every answer names the API")
  func version() async throws {
    let house = try await TestHouse()
    for path in ["/v2/", "/v2"] {
      let answer = try await house.send(.get, path)
      #expect(answer.status == 200)
      #expect(answer.headers[.distributionVersion] == "registry/2.0")
    }
    #expect(try await house.send(.post, "/v2/").status == 405)
  }

  @Test(
    "a blob goes up in one request, in POST and PUT, in one stream and in chunks",
    arguments: [
      "monolithic", "put", "stream", "chunks",
    ]
  )
  func upload(way: String) async throws {
    let house = try await TestHouse()
    let text = "twelve bytes"
    let digest = Self.digest(text)
    let uploads = "/v2/dev/sub/app/blobs/uploads/"
    let final: Answer
    if way == "monolithic" {
      final = try await house.send(.post, uploads + "?digest=\(digest)", body: text)
    } else {
      let begun = try await house.send(.post, uploads)
      #expect(begun.status == 202)
      let location = try #require(begun.headers[.location])
      #expect(location.hasPrefix(uploads))
      switch way {
      case "put": final = try await house.send(.put, location + "?digest=\(digest)", body: text)
      case "stream":
        let patched = try await house.send(.patch, location, body: text)
        #expect(patched.status == 202)
        #expect(patched.headers[.range] == "0-11")
        final = try await house.send(.put, location + "?digest=\(digest)")
      default:
        let first = try await house.send(.patch, location, headers: [.contentRange: "0-5"], body: "twelve")
        #expect(first.headers[.range] == "0-5")
        let status = try await house.send(.get, location)
        #expect(status.status == 204)
        #expect(status.headers[.range] == "0-5")
        final = try await house.send(
          .put,
          location + "?digest=\(digest)",
          headers: [.contentRange: "6-11"],
          body: " bytes"
        )
      }
    }
    #expect(final.status == 201)
    #expect(final.headers[.location] == "/v2/dev/sub/app/blobs/\(digest)")
    #expect(final.headers[.dockerContentDigest] == digest)
    let read = try await house.send(.get, "/v2/dev/sub/app/blobs/\(digest)")
    #expect(read.text == text)
  }

  @Test("a chunk at the wrong place is 416 and the upload goes on", arguments: ["1-3", "9-11", "2-1", "x"])
  func wrongChunk(range: String) async throws {
    let house = try await TestHouse()
    let location = try #require(try await house.send(.post, "/v2/dev/app/blobs/uploads/").headers[.location])
    _ = try await house.send(.patch, location, headers: [.contentRange: "0-2"], body: "abc")
    for method in [HTTPRequest.Method.patch, .put] {
      let path = method == .put ? location + "?digest=\(Self.digest("abcdef"))" : location
      let refused = try await house.send(method, path, headers: [.contentRange: range], body: "xyz")
      #expect(refused.status == 416)
      #expect(refused.headers[.range] == "0-2")
      #expect(refused.headers[.location] == location)
    }
    let last = try await house.send(
      .put,
      location + "?digest=\(Self.digest("abcdef"))",
      headers: [.contentRange: "3-5"],
      body: "def"
    )
    #expect(last.status == 201)
  }

  @Test("a chunk of another length than its range says is refused before it is read")
  func shortChunk() async throws {
    let house = try await TestHouse()
    let location = try #require(try await house.send(.post, "/v2/dev/app/blobs/uploads/").headers[.location])
    let refused = try await house.send(
      .patch,
      location,
      headers: [.contentRange: "0-9", .contentLength: "3"],
      body: "abc"
    )
    #expect(refused.status == 400)
    #expect(refused.text.contains("SIZE_INVALID"))
    #expect(try await house.send(.get, location).headers[.range] == "0-0")
  }

  @Test("an upload can be given up, and unknown ones are unknown")
  func cancelUpload() async throws {
    let house = try await TestHouse()
    let location = try #require(try await house.send(.post, "/v2/dev/app/blobs/uploads/").headers[.location])
    #expect(try await house.send(.delete, location).status == 204)
    for path in [location, "/v2/dev/app/blobs/uploads/nonsense"] {
      let answer = try await house.send(.get, path)
      #expect(answer.status == 404)
      #expect(answer.text.contains("BLOB_UPLOAD_UNKNOWN"))
    }
  }

  @Test("an upload of one repository is unknown in another")
  func foreignUpload() async throws {
    let house = try await TestHouse()
    let location = try #require(try await house.send(.post, "/v2/dev/app/blobs/uploads/").headers[.location])
    let other = location.replacing("/dev/app/", with: "/acme/app/")
    #expect(try await house.send(.patch, other, body: "x").status == 404)
  }

  @Test(
    "empty and tiny blobs, in both algorithms",
    arguments: ["", "{}"],
    [Digest.Algorithm.sha256, .sha512]
  )
  func algorithms(text: String, algorithm: Digest.Algorithm) async throws {
    let house = try await TestHouse()
    let digest = Self.digest(text, algorithm)
    #expect(try await house.send(.post, "/v2/dev/app/blobs/uploads/?digest=\(digest)", body: text).status == 201)
    let head = try await house.send(.head, "/v2/dev/app/blobs/\(digest)")
    #expect(head.status == 200)
    #expect(head.headers[.contentLength] == "\(text.utf8.count)")
    #expect(try await house.send(.get, "/v2/dev/app/blobs/\(digest)").text == text)
  }

  @Test("a wrong digest stores nothing, a malformed one is refused at every verb")
  func wrongDigest() async throws {
    let house = try await TestHouse()
    let wrong = Self.digest("other")
    let refused = try await house.send(.post, "/v2/dev/app/blobs/uploads/?digest=\(wrong)", body: "text")
    #expect(refused.status == 400)
    #expect(refused.text.contains("DIGEST_INVALID"))
    for digest in [wrong, Self.digest("text")] {
      #expect(try await house.send(.head, "/v2/dev/app/blobs/\(digest)").status == 404)
    }
    for (method, path) in [
      (HTTPRequest.Method.get, "/v2/dev/app/blobs/sha256:xyz"), (.delete, "/v2/dev/app/blobs/md5:0123"),
      (.post, "/v2/dev/app/blobs/uploads/?digest=sha256:1"), (.get, "/v2/dev/app/manifests/sha256:1"),
      (.put, "/v2/dev/app/manifests/sha256:1"), (.get, "/v2/dev/app/referrers/latest"),
    ] {
      let answer = try await house.send(method, path)
      #expect(answer.status == 400, "\(method) \(path)")
      #expect(answer.text.contains("DIGEST_INVALID"), "\(method) \(path)")
    }
  }

  @Test(
    "parts of a blob",
    arguments: [
      ("bytes=500-1499", 206, 1000, "bytes 500-1499/2048"), ("bytes=-500", 206, 500, "bytes 1548-2047/2048"),
      ("bytes=2000-5000", 206, 48, "bytes 2000-2047/2048"), ("bytes=500-0", 416, 0, "bytes */2048"),
      ("lines=1-2", 200, 2048, nil),
    ] as [(String, Int, Int, String?)]
  )
  func ranges(range: String, status: Int, length: Int, contentRange: String?) async throws {
    let house = try await TestHouse()
    let text = String(repeating: "0123456789abcdef", count: 128)
    let path = "/v2/dev/app/blobs/\(Self.digest(text))"
    _ = try await house.send(.post, "/v2/dev/app/blobs/uploads/?digest=\(Self.digest(text))", body: text)
    let answer = try await house.send(.get, path, headers: [.range: range])
    #expect(answer.status == status)
    #expect(answer.text.utf8.count == length)
    #expect(answer.headers[.contentRange] == contentRange)
    let other = try await house.send(.get, path, headers: [.range: range, .ifRange: "\"other\""])
    #expect(other.status == 200)
  }

  @Test("a large blob is read in pieces, whole and in part")
  func largeBlob() async throws {
    let house = try await TestHouse()
    let text = String(repeating: "0123456789abcdef", count: 100_000)
    let digest = Self.digest(text)
    _ = try await house.send(.post, "/v2/dev/app/blobs/uploads/?digest=\(digest)", body: text)
    let path = "/v2/dev/app/blobs/\(digest)"
    #expect(try await house.send(.get, path).text == text)
    let part = try await house.send(.get, path, headers: [.range: "bytes=3-1500000"])
    #expect(part.text == String(text.dropFirst(3).prefix(1_499_998)))
    #expect(part.headers[.contentLength] == "1499998")
  }

  @Test("a blob the client has is not sent again")
  func conditional() async throws {
    let house = try await Self.houseWithConfig()
    let answer = try await house.send(
      .get,
      "/v2/dev/app/blobs/\(Self.configDigest)",
      headers: [.ifNoneMatch: "\"\(Self.configDigest)\""]
    )
    #expect(answer.status == 304)
    #expect(answer.text.isEmpty)
  }

  @Test("a mount makes a blob visible, and one of nothing becomes an upload")
  func mount() async throws {
    let house = try await Self.houseWithConfig()
    let query = "mount=\(Self.configDigest)"
    #expect(try await house.send(.head, "/v2/dev/other/blobs/\(Self.configDigest)").status == 404)
    let mounted = try await house.send(.post, "/v2/dev/other/blobs/uploads/?\(query)&from=dev/app")
    #expect(mounted.status == 201)
    #expect(mounted.headers[.location] == "/v2/dev/other/blobs/\(Self.configDigest)")
    #expect(try await house.send(.head, "/v2/dev/other/blobs/\(Self.configDigest)").status == 200)
    #expect(try await house.send(.post, "/v2/dev/third/blobs/uploads/?\(query)").status == 201)
    #expect(try await house.send(.post, "/v2/acme/app/blobs/uploads/?\(query)").status == 202)
    #expect(try await house.send(.post, "/v2/dev/app/blobs/uploads/?\(query)&from=dev/nothing").status == 202)
  }

  @Test("a manifest comes back as it was pushed, by tag and by digest")
  func manifests() async throws {
    let house = try await Self.houseWithConfig()
    let text = Self.manifest(#","x-custom": {"kept": true}"#)
    let digest = Self.digest(text)
    let pushed = try await house.send(
      .put,
      "/v2/dev/app/manifests/v1",
      headers: Self.manifestHeaders,
      body: text
    )
    #expect(pushed.status == 201)
    #expect(pushed.headers[.dockerContentDigest] == digest)
    #expect(pushed.headers[.location] == "/v2/dev/app/manifests/\(digest)")
    for reference in ["v1", digest] {
      let get = try await house.send(.get, "/v2/dev/app/manifests/\(reference)")
      #expect(get.text == text)
      #expect(get.headers[.contentType] == MediaType.ociManifest.rawValue)
      let head = try await house.send(.head, "/v2/dev/app/manifests/\(reference)")
      #expect(head.status == 200)
      #expect(head.text.isEmpty)
      for name in [HTTPField.Name.contentType, .contentLength, .dockerContentDigest, .eTag] {
        #expect(head.headers[name] == get.headers[name])
      }
    }
  }

  @Test("tags named with a push by digest are moved and told")
  func tagParameters() async throws {
    let house = try await Self.houseWithConfig()
    let text = Self.manifest()
    let digest = Self.digest(text, .sha512)
    let pushed = try await house.send(
      .put,
      "/v2/dev/app/manifests/\(digest)?tag=a&tag=b",
      headers: Self.manifestHeaders,
      body: text
    )
    #expect(pushed.status == 201)
    #expect(pushed.headers[values: .ociTag] == ["a", "b"])
    #expect(try await house.send(.head, "/v2/dev/app/manifests/b").status == 200)
  }

  @Test("a manifest whose blobs are not there is refused by the blob's name")
  func missingBlob() async throws {
    let answer = try await TestHouse().send(
      .put,
      "/v2/dev/app/manifests/v1",
      headers: Self.manifestHeaders,
      body: Self.manifest()
    )
    #expect((400...404).contains(answer.status))
    #expect(answer.text.contains("MANIFEST_BLOB_UNKNOWN"))
    #expect(answer.text.contains(Self.configDigest))
  }

  @Test("a manifest beyond 4 MiB is too large")
  func largeManifest() async throws {
    let house = try await Self.houseWithConfig()
    let answer = try await house.send(
      .put,
      "/v2/dev/app/manifests/v1",
      headers: Self.manifestHeaders,
      bytes: ByteBuffer(repeating: 0x20, count: (4 << 20) + 1)
    )
    #expect(answer.status == 413)
    #expect(answer.text.contains("SIZE_INVALID"))
  }

  @Test("deleting a tag leaves the manifest, deleting the manifest takes its tags")
  func deletes() async throws {
    let house = try await Self.houseWithConfig()
    let digest = Self.digest(Self.manifest())
    let manifests = "/v2/dev/app/manifests/"
    for tag in ["v1", "v2"] {
      _ = try await house.send(.put, manifests + tag, headers: Self.manifestHeaders, body: Self.manifest())
    }
    #expect(try await house.send(.delete, manifests + "v1").status == 202)
    #expect(try await house.send(.get, manifests + "v1").status == 404)
    #expect(try await house.send(.get, manifests + digest).status == 200)
    #expect(try await house.send(.delete, manifests + digest).status == 202)
    #expect(try await house.send(.get, manifests + "v2").text.contains("MANIFEST_UNKNOWN"))
    #expect(try await house.send(.delete, "/v2/dev/app/blobs/\(Self.configDigest)").status == 202)
    #expect(try await house.send(.delete, "/v2/dev/app/blobs/\(Self.configDigest)").status == 404)
  }

  @Test("tags come in pages with a link to the next")
  func tags() async throws {
    let house = try await Self.houseWithConfig()
    for tag in ["a", "b", "c"] {
      _ = try await house.send(
        .put,
        "/v2/dev/app/manifests/\(tag)",
        headers: Self.manifestHeaders,
        body: Self.manifest()
      )
    }
    let first = try await house.send(.get, "/v2/dev/app/tags/list?n=2")
    #expect(first.json["name"] as? String == "dev/app")
    #expect(first.json["tags"] as? [String] == ["a", "b"])
    #expect(first.headers[.link] == #"</v2/dev/app/tags/list?n=2&last=b>; rel="next""#)
    let second = try await house.send(.get, "/v2/dev/app/tags/list?n=2&last=b")
    #expect(second.json["tags"] as? [String] == ["c"])
    #expect(second.headers[.link] == nil)
    let none = try await house.send(.get, "/v2/dev/app/tags/list?n=0")
    #expect(none.json["tags"] as? [String] == [])
    #expect(try await house.send(.get, "/v2/dev/app/tags/list?n=x").status == 400)
    #expect(try await house.send(.get, "/v2/dev/nothing/tags/list").text.contains("NAME_UNKNOWN"))
    let catalog = try await house.send(.get, "/v2/_catalog")
    #expect(catalog.json["repositories"] as? [String] == ["dev/app"])
  }

  @Test("referrers are an index, empty or filtered")
  func referrers() async throws {
    let house = try await Self.houseWithConfig()
    let subject = Self.digest("not here")
    let empty = try await house.send(.get, "/v2/dev/app/referrers/\(subject)")
    #expect(empty.status == 200)
    #expect(empty.headers[.contentType] == MediaType.ociIndex.rawValue)
    #expect((empty.json["manifests"] as? [Any])?.isEmpty == true)
    let text = Self.manifest(
      #","artifactType":"a/b","subject":{"mediaType":"\#(MediaType.ociManifest)","digest":"\#(subject)","size":8}"#
    )
    let pushed = try await house.send(
      .put,
      "/v2/dev/app/manifests/\(Self.digest(text))",
      headers: Self.manifestHeaders,
      body: text
    )
    #expect(pushed.headers[.ociSubject] == subject)
    let found = try await house.send(.get, "/v2/dev/app/referrers/\(subject)?artifactType=a%2Fb")
    #expect(found.headers[.ociFiltersApplied] == "artifactType")
    #expect((found.json["manifests"] as? [[String: Any]])?.first?["artifactType"] as? String == "a/b")
    let other = try await house.send(.get, "/v2/dev/app/referrers/\(subject)?artifactType=c")
    #expect((other.json["manifests"] as? [Any])?.isEmpty == true)
  }

  @Test(
    "names that cannot be are refused with what to write",
    arguments: [
      ("/v2/alpine/manifests/latest", "NAME_INVALID", "localhost:4480/ORGANISATION/alpine"),
      ("/v2/my_org/app/tags/list", "NAME_INVALID", "inner hyphens"),
      ("/v2/Dev/app/tags/list", "NAME_INVALID", "lower-case"), ("/v2/dev/app/manifests/-x", "TAG_INVALID", "tag '-x'"),
    ]
  )
  func names(path: String, code: String, said: String) async throws {
    let answer = try await TestHouse().send(.get, path)
    #expect(answer.status == 400)
    #expect(answer.text.contains(code))
    #expect(answer.text.contains(said), "\(answer.text)")
  }
}
