import PostgresOutbox
@testable import RelayObservability
import RelaySight
import RelayTestKit
import Synchronization
import WallClock

/// A scene on its server, with ten minutes behind it, and readings that go on.
struct StagedSight: Sendable {
    let scene: PageScene
    let served: ServedSight
    private let reader: Task<Void, Never>?

    static func start(_ scene: PageScene) async throws -> StagedSight {
        let past = PastClock()
        let configured = scene.last?.status.sinks.filter(\.configured).map(\.name) ?? []
        let sight = Sight(version: "1.2.3", sinks: configured.isEmpty ? ["hook"] : configured, clock: past.clock)
        sight.become(scene.role)
        scene.fill(sight, past)
        scene.tell(sight)
        return StagedSight(
            scene: scene, served: try await ServedSight.start(sight), reader: scene.read(for: sight))
    }

    var url: String { "http://\(served.address)/" }

    func stop() async throws {
        reader?.cancel()
        try await served.stop()
    }
}

/// A clock of the past that comes to be the machine's.
private final class PastClock: Sendable {
    /// Milliseconds that it is late.
    private let late = Atomic(History.span)

    var clock: SightClock {
        SightClock(monotonic: { self.now }, wall: { self.now })
    }

    private var now: Int64 { WallClock.milliseconds - late.load(ordering: .relaxed) }

    func set(late milliseconds: Int64) { late.store(milliseconds, ordering: .relaxed) }
}

extension PageScene {
    /// Milliseconds between the readings of the past.
    private static let step = 5000
    /// Since when what is wrong has been, in milliseconds.
    private static let troubled: Int64 = 300_000
    /// How old the last reading of a stale one is, in milliseconds.
    private static let stale: Int64 = 75_000

    /// Reads ten minutes of the past.
    fileprivate func fill(_ sight: Sight, _ past: PastClock) {
        defer { past.set(late: 0) }
        guard let last else { return }
        var end: Int64 = 0
        if case .stale = reading { end = Self.stale }
        for late in stride(from: History.span, to: end, by: -Self.step) {
            past.set(late: late)
            var reading = last
            deliver(
                for: Self.step / 1000, to: sight, at: WallClock.milliseconds - late, isTroubled: late <= Self.troubled)
            for (place, sink) in last.status.sinks.enumerated() {
                guard let lag = sink.lagEvents else { continue }
                let grown = sink.isWell ? lag : lag * max(0, Self.troubled - late) / Self.troubled
                reading.status.sinks[place].lagEvents = grown + Self.wave(late / 1000, place) / 15
            }
            sight.take(.success(reading))
        }
        // A reading that goes on has a next one at once.
        if case .of = reading { return }
        past.set(late: end)
        sight.take(.success(last))
    }

    /// A wave of whole numbers from 0 to 60; each sink is at another place of it.
    private static func wave(_ seconds: Int64, _ place: Int) -> Int64 { abs((seconds + Int64(place) * 40) % 120 - 60) }

    /// What this process delivers in so many seconds.
    private func deliver(for seconds: Int, to sight: Sight, at milliseconds: Int64, isTroubled: Bool) {
        guard role == .leading || role == .competing else { return }
        let sinks = last?.status.sinks ?? []
        let served = sinks.filter { $0.configured && ($0.isWell || !isTroubled) }.map(\.name)
        for (place, sink) in (sinks.isEmpty ? ["hook"] : served).enumerated() {
            let events = Int(60 + Self.wave(milliseconds / 1000, place)) * seconds
            sight.progress.of(sink).deliver(events, at: milliseconds)
        }
    }

    fileprivate func read(for sight: Sight) -> Task<Void, Never>? {
        switch reading {
        case .none, .stale: nil
        case .of(let reading):
            Task {
                await SightReader(of: sight) {
                    deliver(for: 1, to: sight, at: WallClock.milliseconds, isTroubled: true)
                    return reading
                }.run()
            }
        case .failing(_, let refusal): Task { await SightReader(of: sight) { throw refusal }.run() }
        }
    }
}

extension RelayStatus.Sink {
    /// Whether events come to it.
    fileprivate var isWell: Bool { ["live", "catching-up"].contains(state) }
}
