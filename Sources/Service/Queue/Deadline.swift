import Diagnostics

/// Runs `work` and cancels it when `limit` has passed; it then throws `failure`, for a build that it timed out, once the
/// work has let go.
package func withDeadline<Value: Sendable>(
  _ limit: Duration, failing failure: Failure? = nil, _ work: @escaping @Sendable () async throws(Failure) -> Value
) async throws(Failure) -> Value {
  let result: Result<Value, Failure> = await withTaskGroup(of: Result<Value, Failure>?.self) { group in
    group.addTask {
      do throws(Failure) { return .success(try await work()) } catch { return .failure(error) }
    }
    group.addTask {
      do { try await Task.sleep(for: limit) } catch { return nil }
      return .failure(
        failure
          ?? Failure(
            .deadlineExceeded, reason: "build-timeout", "timed out after \(limit.components.seconds) s",
            hint: "give it more time with timeout_secs, or find the slow step in the log"))
    }
    // The first to end decides; the group then waits for the other one, so nothing outlives this call.
    let first = await group.next() ?? nil
    group.cancelAll()
    let second = await group.next() ?? nil
    // Work that ended well in spite of the deadline has moved tags: then that is what happened.
    if case .success? = second, let second { return second }
    return first ?? second
      ?? .failure(Failure(.cancelled, reason: "cancelled", "the build was cancelled"))
  }
  return try result.get()
}
