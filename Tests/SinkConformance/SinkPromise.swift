/// What every sink promises the lane that feeds it: the conformance suite, one case for each promise.
///
/// Each is checked by a bare lane that hands over again what has no answer. Every answer is held against the contract
/// of `Sink`; at the end nothing is lost, first arrivals are in order, and an event arrived twice only where it had
/// been handed over and was not answered as delivered.
package enum SinkPromise: Sendable, Hashable, CaseIterable {
    /// What is delivered arrives in order, once each, in deliveries of any size.
    case arrivesInOrder
    /// Events with lower ids than those before, late or redriven, arrive as well.
    case takesLateEvents
    /// Closed, a sink answers with an outage; opened again, or as another sink, it goes on.
    case goesOnAfterClosing
    /// An outage loses nothing and repeats nothing.
    case survivesAnOutage
    /// Nor does one that comes and goes while events are on their way, but for what was in flight.
    case survivesOutagesAtAnyMoment
    /// The event that is refused is named, with those before it delivered and none behind it.
    case namesTheRejectedEvent
    /// An answer that was lost repeats what was in flight, and nothing else.
    case survivesALostAnswer
    /// An answer that is slow to come is waited for.
    case waitsForTheAnswer
    /// A cancelled delivery returns at once, having answered for nothing that did not arrive; so does closing then.
    case returnsWhenCancelled
    /// Cancelled at any moment, also before it begins, nothing is lost.
    case mayBeCancelledAtAnyMoment
    /// A far side that is slow loses nothing and gets nothing twice.
    case bearsASlowFarSide

    /// What the promise's far side must be able to do wrong.
    private var faults: Set<SinkFault> {
        switch self {
        case .arrivesInOrder, .takesLateEvents, .goesOnAfterClosing, .mayBeCancelledAtAnyMoment: []
        case .survivesAnOutage, .survivesOutagesAtAnyMoment: [.outage]
        case .namesTheRejectedEvent: [.reject]
        case .survivesALostAnswer: [.failAfterWrite]
        case .waitsForTheAnswer, .returnsWhenCancelled: [.holdResponse]
        case .bearsASlowFarSide: [.respondSlowly]
        }
    }

    /// The promises that can be tried on a kind of sink.
    package static func all<S: SinkUnderTest>(of kind: S.Type) -> [SinkPromise] {
        allCases.filter { $0.faults.isSubset(of: S.faults) }
    }

    /// Tries the promise on a sink and far side made for it.
    ///
    /// - Throws: in what way it is broken, or what the far side threw.
    package func check<S: SinkUnderTest>(_ make: () async throws -> S) async throws {
        let underTest = try await make()
        let trial = Trial(underTest)
        do {
            try await run(trial)
        } catch {
            try? await underTest.inject(nil)
            await trial.closeAll()
            await underTest.end()
            throw error
        }
        await trial.closeAll()
        await underTest.end()
    }

    private func run<S: SinkUnderTest>(_ trial: Trial<S>) async throws {
        switch self {
        case .arrivesInOrder: try await trial.arrivesInOrder()
        case .takesLateEvents: try await trial.takesLateEvents()
        case .goesOnAfterClosing: try await trial.goesOnAfterClosing()
        case .survivesAnOutage: try await trial.survivesAnOutage()
        case .survivesOutagesAtAnyMoment: try await trial.survivesOutagesAtAnyMoment()
        case .namesTheRejectedEvent: try await trial.namesTheRejectedEvent()
        case .survivesALostAnswer: try await trial.survivesALostAnswer()
        case .waitsForTheAnswer: try await trial.waitsForTheAnswer()
        case .returnsWhenCancelled: try await trial.returnsWhenCancelled()
        case .mayBeCancelledAtAnyMoment: try await trial.mayBeCancelledAtAnyMoment()
        case .bearsASlowFarSide: try await trial.bearsASlowFarSide()
        }
    }
}
