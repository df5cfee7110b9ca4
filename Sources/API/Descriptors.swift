import SwiftProtobuf

/// The descriptors of every proto the server speaks, with everything they import.
package enum Descriptors {
  /// In order of dependency: a file stands after the files it imports.
  package static let files: [Google_Protobuf_FileDescriptorProto] = {
    // The well-known wrapper type reads base 64 as its JSON form, which spares a decoder of our own.
    guard
      let bytes = try? Google_Protobuf_BytesValue(jsonString: "\"\(descriptorSetText)\""),
      let set = try? Google_Protobuf_FileDescriptorSet(
        serializedBytes: bytes.value,
        extensions: Google_Api_Annotations_Extensions
      )
    else { return [] }
    return set.file
  }()
}
