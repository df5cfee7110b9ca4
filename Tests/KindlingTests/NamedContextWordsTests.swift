import Diagnostics
import Service
import SystemPackage
import TestSupport
import Testing

@testable import kindling

@Suite("--build-context")
struct NamedContextWordsTests {
  @Test("is told apart by what it begins with, as buildx does")
  func places() throws {
    let words = try NamedContextWords([
      "image=docker-image://busybox:1", "stage=target:build", "layout=oci-layout:///l:v1",
      "https=https://git.example/a.git#v1:dir", "scp=git@git.example:a", "folder=../lib", "folder=./lib",
      "kaniko=dir:///lib", "archive=tar://lib.tgz",
    ])
    let layout = "oci-layout:///l:v1"
    #expect(
      words.places == [
        "image": .image("busybox:1"), "stage": .stage("build"),
        "layout": .layout(layout, try LayoutImages.Place(layout)),
        "https": .git("https://git.example/a.git#v1:dir"), "scp": .git("git@git.example:a"),
        "folder": .path("./lib"), "kaniko": .path("/lib"), "archive": .path("lib.tgz"),
      ])
    #expect(words.layouts.keys.sorted() == [layout])
    #expect(words.repositories == ["https://git.example/a.git#v1:dir", "git@git.example:a"])
  }

  @Test(
    "is refused where nothing could be read",
    arguments: ["lib", "=lib", "a=", "a=https://files.example/a.tgz", "a=s3://bucket"])
  func refusals(word: String) throws {
    let failure = try #require(throws: Failure.self) { try NamedContextWords([word]) }
    #expect(failure.reason == "build-context-invalid")
  }

  @Test("needs its folder to be there")
  func missing() throws {
    let words = try NamedContextWords(["a=/nowhere/at/all"])
    let failure = try #require(throws: Failure.self) { try words.contexts() }
    #expect(failure.reason == "context-missing")
  }
}
