import API
import Diagnostics
import Foundation
import OCI
import Service
import Storage
import SwiftProtobuf
import Testing

@testable import Wire

@Suite struct BuildMessageTests {
  private func record() throws -> BuildRecord {
    BuildRecord(
      id: BuildID.make(at: Timestamp(milliseconds: 5)),
      organization: try OrganizationName("acme"),
      name: "greeter",
      dockerfile: "Dockerfile",
      tags: [.latest, try Tag("v1")],
      buildArgs: ["MODE": "prod"],
      platform: Platform(os: "linux", architecture: "arm64", variant: "v8"),
      noCache: true,
      timeoutSeconds: 90,
      source: .archive(try Digest("sha256:" + String(repeating: "a", count: 64)), context: nil),
      registry: "ignored",
      repository: "ignored",
      createdAt: Timestamp(milliseconds: 5)
    )
  }

  @Test("a waiting build says what was asked and nothing about an outcome")
  func pending() throws {
    let build = Dodil_Ignite_V1_Build(try record())
    #expect(build.status == .pending)
    #expect(build.tags == ["latest", "v1"])
    #expect(build.platform == "linux/arm64/v8")
    #expect(build.buildArgs == ["MODE": "prod"])
    #expect(build.timeoutSecs == 90)
    #expect(build.organizationName == "acme")
    #expect(!build.hasMetrics)
    #expect(build.error.isEmpty && build.contextID.isEmpty && build.completedAtMs == 0)
  }

  @Test("a build from git echoes what was asked, whatever commit it turned out to be")
  func git() throws {
    var record = try record()
    record.source = .git(
      GitBuildSource(url: "https://h/x.git", reference: "main", directory: "web", commit: "0123"))
    let build = Dodil_Ignite_V1_Build(record)
    #expect(build.gitSource.url == "https://h/x.git")
    #expect(build.gitSource.reference == "main" && build.gitSource.contextDir == "web")
    #expect(
      try build.jsonString().contains(#""gitSource":{"url":"https://h/x.git","reference":"main","contextDir":"web"}"#))
    #expect(!(try Dodil_Ignite_V1_Build(self.record()).hasGitSource))
  }

  @Test("a failed build's error is one line with the hint")
  func failed() throws {
    var failed = try record()
    failed.status = .failed
    failed.failure = Failure(.invalidArgument, reason: "r", "step 'RUN make' failed", hint: "look\nabove")
    failed.completedAt = Timestamp(milliseconds: 9)
    let build = Dodil_Ignite_V1_Build(failed)
    #expect(build.error == "step 'RUN make' failed; look above")
    #expect(build.completedAtMs == 9)
  }

  @Test("metrics read as the contract's JSON prints them")
  func metrics() throws {
    var done = try record()
    done.status = .succeeded
    done.metrics = BuildMetrics(
      durationMilliseconds: 8123,
      imageSize: ByteCount(48_211_034),
      layerCount: 7,
      cacheUsed: true
    )
    let json = try Dodil_Ignite_V1_Build(done).metrics.jsonString()
    #expect(
      json == #"{"durationMs":"8123","imageSizeBytes":"48211034","layerCount":7,"cacheUsed":true}"#
    )
  }

  @Test("every status has a number of its own and reads back as the filter", arguments: BuildStatus.allCases)
  func statuses(status: BuildStatus) throws {
    let message = Dodil_Ignite_V1_BuildStatus(status)
    #expect(message != .unspecified)
    #expect(try message.filter == status)
  }

  @Test("no status filters nothing, an unknown number is refused")
  func strangeStatuses() throws {
    #expect(try Dodil_Ignite_V1_BuildStatus.unspecified.filter == nil)
    let failure = #expect(throws: Failure.self) { try Dodil_Ignite_V1_BuildStatus.UNRECOGNIZED(42).filter }
    #expect(failure?.reason == "status-unknown")
  }

  @Test(
    "both spellings of the contract's JSON become the same request",
    arguments: [
      #"{"name":"n","buildArgs":{"A":"1"},"noCache":true,"timeoutSecs":"7","gitSource":{"url":"u","contextDir":"d"}}"#,
      #"{"name":"n","build_args":{"A":"1"},"no_cache":true,"timeout_secs":7,"git_source":{"url":"u","context_dir":"d"}}"#,
    ]
  )
  func requests(json: String) throws {
    let request = BuildRequest(try Dodil_Ignite_V1_CreateBuildRequest(jsonString: json))
    #expect(request.name == "n" && request.noCache && request.timeoutSeconds == 7)
    #expect(request.buildArgs == ["A": "1"])
    guard case .git(let url, let reference, let directory) = request.source else {
      Issue.record("no git source")
      return
    }
    #expect(url == "u" && reference.isEmpty && directory == "d")
  }

  @Test("a request without a source has none")
  func noSource() throws {
    #expect(BuildRequest(Dodil_Ignite_V1_CreateBuildRequest()).source == nil)
  }

  @Test("empty git credentials count as absent")
  func secrets() throws {
    let absent = BuildSecrets(try .init(jsonString: #"{"gitCredentials":{},"buildSecrets":{"T":"x"}}"#))
    #expect(absent.gitCredentials == nil && absent.buildSecrets == ["T": "x"])
    let present = BuildSecrets(try .init(jsonString: #"{"gitCredentials":{"password":"p"}}"#))
    #expect(present.gitCredentials?.password == "p")
  }
}
