import ArgumentParser
import AsyncHTTPClient
import Diagnostics
import Foundation
import NIOCore
import NIOHTTP1
import SystemPackage
import Terminal

/// `image import REF FILE|DIR`: brings an image in without a network.
struct ImageImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Import an image from an archive or a directory",
    usage: "kindling image import <ref> <file-or-dir> [options]",
    discussion: """
      Takes an OCI layout, what 'docker save' writes, or a root file system; as a \
      directory, a tar, or a packed tar. Prints reference@digest.

      Examples:
        docker save alpine:3 | kindling image import alpine:3 -
        kindling image import base:1 ./rootfs
      """
  )

  @Argument(help: ArgumentHelp("What the image is to be called", valueName: "ref"))
  var reference: String

  @Argument(help: ArgumentHelp("A file, a directory, or - for standard input", valueName: "file-or-dir"))
  var source: String

  @OptionGroup var shared: SharedOptions

  /// What the server answers.
  struct Imported: Codable, Sendable {
    var reference: String
    var digest: String
    var layers: Int
    var size: Int64
  }

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    let upload = try ImageUpload(FilePath(source), isStandardInput: source == "-")
    let path = "/_kindling/images/import?ref=" + Self.escaped(reference)
    let data = try await HTTPDoor.open(access) { door in
      try await door.read(
        .POST,
        path,
        body: .stream(upload.chunks, length: upload.length),
        limit: access.timeout
      )
    }
    try upload.check()
    guard let image = try? JSONDecoder().decode(Imported.self, from: data) else {
      throw Failure(.internal, reason: "answer-unreadable", "the server's answer about '\(reference)' cannot be read")
    }
    switch shared.output {
    case .json: Console.standardOutput.write(JSONText.line(image) + "\n")
    case .table:
      Console.standardOutput.write(
        image.reference.contains("@") ? image.reference + "\n" : "\(image.reference)@\(image.digest)\n"
      )
    }
  }

  static func escaped(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "-._~/:"))) ?? text
  }
}
