import Diagnostics
import OCI
import SystemPackage

/// The small files that tell a pipeline what was built, byte for byte as Kaniko writes them.
struct DigestFiles {
  let outputs: ExecutorSettings.Outputs
  let destinations: [ImageDestination]

  func write(_ digest: Digest) throws(Failure) {
    if let path = outputs.digest { try OutputFile.write(Array(digest.description.utf8), to: path) }
    let names = Array(names(digest).utf8)
    if let path = outputs.names { try OutputFile.write(names, to: path) }
    if let path = outputs.namesAndTags { try OutputFile.write(names, to: path) }
  }

  /// Kaniko: what was pushed, one JSON object a line, in `images` of the folder that BUILDER_OUTPUT names.
  func writePushed(_ digest: Digest, to folder: String?) throws(Failure) {
    guard let folder, !folder.isEmpty else { return }
    // A reference and a digest hold nothing that JSON would escape.
    let lines = destinations.map { "{\"name\":\"\($0.reference)\",\"digest\":\"\(digest)\"}\n" }.joined()
    try OutputFile.write(Array(lines.utf8), to: FilePath(folder).appending("images"))
  }

  /// One line for each destination. Kaniko: asking for the file with tags puts them into the other one too.
  func names(_ digest: Digest) -> String {
    destinations.map { destination in
      let tag = outputs.namesAndTags == nil ? "" : ":\(destination.tag)"
      return "\(destination.fullName)\(tag)@\(digest)\n"
    }.joined()
  }
}
