import RelayCore
import RelayTestKit
import Synchronization

/// One promise being tried on one sink and its far side: what all trials need.
final class Trial<S: SinkUnderTest>: Sendable {
    let underTest: S
    private let made = Mutex<[any Sink]>([])

    /// Higher than any id that a trial uses.
    static var outbox: OutboxPosition { OutboxPosition(lastValue: 1_000_000) }

    init(_ underTest: S) {
        self.underTest = underTest
    }

    /// A lane on a new sink, which is open.
    func openedLane() async throws -> BareLane {
        let sink = try underTest.makeSink()
        made.withLock { $0.append(sink) }
        try await open(sink)
        return BareLane(sink)
    }

    /// Opens a sink, trying again for a while where that is an outage: what a closed one held up may take its time.
    func open(_ sink: any Sink) async throws {
        try await eventually("the sink opens") {
            do throws(SinkError) {
                try await sink.open(Self.outbox)
                return true
            } catch {
                if error.code == .misconfigured { throw error }
                return false
            }
        }
    }

    /// Closes whatever was made.
    func closeAll() async {
        for sink in made.withLock({ $0 }) { await sink.close() }
    }

    /// Events with lines of about a kilobyte.
    func events(_ ids: ClosedRange<Int64>) throws -> EventBatch {
        try makeBatch(ids, payloadSize: 700)
    }

    /// Waits until everything has arrived that was delivered, and then checks that it arrived as it should.
    ///
    /// - Parameter repeatable: the events that the fault may have made arrive twice.
    func verifyArrivals(
        of lane: BareLane, expecting ids: [Int64], repeatable: Set<Int64> = [], rejected: [Int64] = []
    ) async throws {
        guard lane.delivered == ids, lane.rejected == rejected else {
            throw KitFailure("answered for \(lane.delivered) and \(lane.rejected), not for \(ids) and \(rejected)")
        }
        try await verifyTruth(of: lane)
        let arrived = try await underTest.arrived()
        var seen: Set<Int64> = []
        let first = arrived.filter { seen.insert($0).inserted }
        guard first == ids else { throw KitFailure("arrived as \(first) instead of \(ids)") }
        var left = Set(ids)
        let twice = Set(arrived.filter { left.remove($0) == nil })
        let explained = S.suppressesDuplicates ? [] : repeatable
        guard twice.isSubset(of: explained) else {
            let unexplained = twice.subtracting(explained).sorted()
            throw KitFailure("\(unexplained) arrived more than once, and no fault explains it")
        }
    }

    /// Waits until everything has arrived that is answered as delivered.
    func verifyTruth(of lane: BareLane) async throws {
        try await eventually("all that was answered as delivered arrives") {
            Set(lane.delivered).isSubset(of: try await underTest.arrived())
        }
    }

    /// Fails where something that should return at once does not.
    ///
    /// - Parameter limit: what a machine that is busy with other tests may make of it.
    func promptly<R: Sendable>(
        _ what: String, within limit: Duration = .seconds(10), _ body: @escaping @Sendable () async -> R
    ) async throws -> R {
        let result = Mutex<R?>(nil)
        let task = Task {
            let value = await body()
            result.withLock { $0 = value }
        }
        try await eventually("\(what) returns promptly", within: limit) { result.withLock { $0 != nil } }
        await task.value
        return try result.withLock { $0 } ?? { throw KitFailure("\(what) gave nothing") }()
    }
}
