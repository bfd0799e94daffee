import RelayCore

/// Somebody who adds, moves and removes sinks while relays run.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class Administrator: @unchecked Sendable {
    /// A sink that no relay is configured with.
    private static let stranger = "x"

    private let server: SimulatedServer
    private let dice: Dice
    private(set) var isDone = true

    init(_ server: SimulatedServer, _ dice: Dice) {
        (self.server, self.dice) = (server, dice)
    }

    func start() {
        guard server.plan.administrations > 0 else { return }
        isDone = false
        server.scheduler.spawn { [self] in
            for _ in 0..<server.plan.administrations {
                await server.scheduler.pause(dice.number(Int64(20_000)...max(30_000, server.plan.calmFrom / 4)))
                await act()
            }
            isDone = true
        }
    }

    private func act() async {
        guard let sink = dice.one(of: server.plan.sinks)?.name else { return }
        switch dice.number(0...9) {
        case 0...4: await insist(.move(name: sink, to: place()))
        case 5...6:
            await insist(.add(name: Self.stranger, from: place()))
            await server.scheduler.pause(dice.number(Int64(5000)...800_000))
            await insist(.remove(name: Self.stranger))
        default:
            await insist(.remove(name: sink))
            await server.scheduler.pause(dice.number(Int64(1000)...500_000))
            await insist(.add(name: sink, from: place()))
            // No event need have had such an id yet.
            await insist(.add(name: sink, from: .oldest))
        }
    }

    private func place() -> SinkPlace {
        switch dice.number(0...5) {
        case 0: .oldest
        case 1: .latest
        case 2: .beginning
        default: .id(dice.number(Int64(1)...max(1, server.sequence.last)))
        }
    }

    /// Tries until it is done, or cannot be.
    private func insist(_ request: SinkRequest) async {
        while !server.scheduler.isOver {
            do {
                return try await server.administer(request, isByHand: true)
            } catch SinkAdministrationRefusal.stillBeingRemoved {
                await server.scheduler.pause(50_000)
            } catch is SinkAdministrationRefusal {
                return
            } catch {
                await server.scheduler.pause(100_000)
            }
        }
    }
}
