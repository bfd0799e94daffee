import Foundation

/// Waits until `condition` holds, asking at short, growing intervals, and fails the test if it does not within `limit`.
///
/// The one way in which the tests wait: for what they wait for, not for a time.
/// - Parameters:
///   - what: what is awaited, as the failure shall name it.
///   - limit: the longest wait.
/// - Throws: `KitFailure` after the limit; what `condition` throws, at once.
package func eventually(
    _ what: @autoclosure () -> String, within limit: Duration = .seconds(30),
    file: StaticString = #fileID, line: UInt = #line,
    _ condition: () async throws -> Bool
) async throws {
    if try await !holds(within: limit, condition) {
        throw KitFailure("\(file):\(line): within \(limit * patience) it did not come to this: \(what())")
    }
}

/// Whether `condition` comes true within `limit`.
package func holds(within limit: Duration, _ condition: () async throws -> Bool) async throws -> Bool {
    try await comes(within: limit * patience, condition)
}

/// By how much all limits are longer: what is slowed down on purpose says so (`TEST_PATIENCE`).
private let patience = ProcessInfo.processInfo.environment["TEST_PATIENCE"].flatMap(Int.init).map { max(1, $0) } ?? 1

private func comes(within limit: Duration, _ condition: () async throws -> Bool) async throws -> Bool {
    let deadline = ContinuousClock.now + limit
    var pause = Duration.milliseconds(1)
    while true {
        if try await condition() { return true }
        if ContinuousClock.now >= deadline { return false }
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .milliseconds(20))
    }
}

/// Fails the test if `condition` ceases to hold within `period`: for what must *not* happen.
package func stays(
    _ what: @autoclosure () -> String, for period: Duration,
    file: StaticString = #fileID, line: UInt = #line,
    _ condition: () async throws -> Bool
) async throws {
    if try await comes(within: period, { try await !condition() }) {
        throw KitFailure("\(file):\(line): within \(period) this ceased to hold: \(what())")
    }
}
