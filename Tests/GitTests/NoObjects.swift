import Diagnostics

@testable import Git

/// Nothing at hand that a delta could build on.
struct NoObjects: ObjectSource {
  func find(_ id: ObjectID) throws(Failure) -> StoredObject? { nil }
}
