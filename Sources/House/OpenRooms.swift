import Diagnostics
import Gateway
import Service
import Storage
import Synchronization

/// The rooms that serve now. While a reset makes others, who asks waits for those.
final class OpenRooms: Sendable {
  private struct State {
    var rooms: Rooms?
    var isResetting = false
    var waiting: [CheckedContinuation<Rooms?, Never>] = []
  }

  private let ground: Rooms.Ground
  private let state = Mutex(State())

  init(_ ground: Rooms.Ground) { self.ground = ground }

  /// Makes the first rooms.
  func start(_ data: DataDirectory) throws -> Rooms {
    let rooms = try makeRooms(data)
    state.withLock { $0.rooms = rooms }
    return rooms
  }

  private func makeRooms(_ data: DataDirectory) throws -> Rooms {
    try Rooms(ground, data: data) { [weak self] scope throws(Failure) in
      guard let self else { throw Self.stopped }
      return try await self.reset(scope)
    }
  }

  /// The rooms of this moment, those before a reset while it lasts.
  var now: Rooms? { state.withLock { $0.rooms } }

  /// The rooms to call; waits for a reset to end.
  func current() async -> Rooms? {
    await withCheckedContinuation { continuation in
      let rooms = state.withLock { state -> Rooms?? in
        guard state.isResetting else { return .some(state.rooms) }
        state.waiting.append(continuation)
        return nil
      }
      if let rooms { continuation.resume(returning: rooms) }
    }
  }

  /// Back to empty, or to the seed. Builds are cancelled first; who follows one sees its end. Calls that are under way get
  /// UNAVAILABLE, later ones wait. When it fails the old rooms stay, closed, and the next start completes it.
  private func reset(_ scope: ResetScope) async throws(Failure) -> [SeedResult] {
    let old = state.withLock { state -> Rooms? in
      guard !state.isResetting else { return nil }
      state.isResetting = true
      return state.rooms
    }
    guard let old else {
      throw Failure(
        .aborted, reason: "reset-under-way", "another reset is under way", hint: "wait for it: kindling wait")
    }
    await old.queue.cancelAll()
    await old.close()
    let (fresh, failure) = await remade(old, scope)
    ground.seed.forget()
    // Nothing is left of other rooms' apps; where nothing was emptied, the old ones are taken over.
    try? await fresh.apps.compute.recover()
    end(with: fresh)
    await fresh.queue.open()
    if let failure { throw failure }
    return await SeedRun(ground, fresh).apply()
  }

  /// Other rooms on an emptied directory; where that cannot be, the ones to go on with, and why.
  private func remade(_ old: Rooms, _ scope: ResetScope) async -> (Rooms, Failure?) {
    do throws(Failure) {
      try old.data.decideReset(scope)
    } catch {
      // Nothing is decided: the house goes on as it was, without the builds.
      return ((try? makeRooms(old.data)) ?? old, error)
    }
    do {
      let empty = try await ground.threads.run { () async throws(Failure) in try old.data.reset() }
      return (try makeRooms(empty), nil)
    } catch {
      var failure = Failure(wrapping: error, while: "resetting the server")
      failure.hint = "start the server again, which completes the reset"
      return (old, failure)
    }
  }

  private func end(with rooms: Rooms) {
    let waiting = state.withLock { state in
      state.rooms = rooms
      state.isResetting = false
      defer { state.waiting = [] }
      return state.waiting
    }
    for waiter in waiting { waiter.resume(returning: rooms) }
  }

  private static let stopped = Failure(.unavailable, reason: "server-stopping", "the server is being stopped")
}
