import PostgresOutbox
import RelayObservability

/// A reading that came to nothing for a reason of the reader's own.
package struct ReadingFailure: Error, Sendable, Hashable {
    /// One sentence.
    package let message: String

    package init(_ message: String) {
        self.message = message
    }
}

/// Reads the outbox every few seconds for ``Sight``, until its task is cancelled. It has little of the database's time: a
/// twentieth at most.
package struct SightReader: Sendable {
    /// Gives one reading; ends promptly when its task is cancelled.
    package typealias Read = @Sendable () async throws -> SightReading

    private let sight: Sight
    private let read: Read
    private let limit: Duration
    private let sleep: @Sendable (Duration) async throws -> Void

    /// Between two readings at least.
    package static let interval = Duration.seconds(5)
    /// The same for the first readings of a process, in which there is most to be seen.
    package static let firstInterval = Duration.seconds(1)
    private static let firstReadings = 10
    private static let longestAfterFailure = Duration.seconds(30)

    /// - Parameters:
    ///   - limit: of one reading.
    ///   - sleep: waits between two of them; throws when the task is cancelled.
    package init(
        of sight: Sight, limit: Duration = .seconds(10),
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        read: @escaping Read
    ) {
        self.sight = sight
        self.limit = limit
        self.sleep = sleep
        self.read = read
    }

    /// Reads until the task is cancelled.
    package func run() async {
        var count = 0
        while !Task.isCancelled {
            let start = ContinuousClock.now
            let reading = await readInTime()
            guard !Task.isCancelled else { return }
            sight.take(reading)
            count += 1
            var pause = Self.pause(after: ContinuousClock.now - start, readings: count)
            // It may have waited for a server that is not there.
            if case .failure = reading { pause = min(pause, Self.longestAfterFailure) }
            guard (try? await sleep(pause)) != nil else { return }
        }
    }

    /// How long to wait after a reading that took so long, the one of that number.
    package static func pause(after duration: Duration, readings count: Int) -> Duration {
        max(count < firstReadings ? firstInterval : interval, duration * 20)
    }

    private func readInTime() async -> Result<SightReading, any Error> {
        do {
            return .success(
                try await withThrowingTaskGroup(of: SightReading.self) { group in
                    group.addTask { try await read() }
                    group.addTask {
                        try await Task.sleep(for: limit)
                        throw ReadingFailure("the outbox could not be read within \(limit)")
                    }
                    defer { group.cancelAll() }
                    guard let reading = try await group.next() else { throw CancellationError() }
                    return reading
                })
        } catch {
            return .failure(error)
        }
    }
}
