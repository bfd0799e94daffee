import Foundation
import Libpq
import PostgresOutbox
import RelayObservability
import RelaySight
import Testing

@Suite("What is shown of a relay")
struct SightTests {
    private let time = TestClock()

    private func sight(_ sinks: [String] = ["hook"]) -> Sight {
        Sight(version: "1.2.3", sinks: sinks, clock: time.clock)
    }

    /// What `/readyz` says.
    private struct Shown: Equatable {
        let ready: Bool
        let reason: String?
        let warnings: [String]

        init(_ ready: Bool, _ reason: String? = nil, _ warnings: [String] = []) {
            self.ready = ready
            self.reason = reason
            self.warnings = warnings
        }
    }

    private func readiness(_ sight: Sight) throws -> Shown {
        let (isReady, document) = sight.readiness()
        let text = document.text
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let members = try #require(object)
        #expect(members.count == 3 && members["ready"] as? Bool == isReady)
        return Shown(isReady, members["reason"] as? String, try #require(members["warnings"] as? [String]))
    }

    /// Another relay in this process, with other sinks: the old ones are no longer held against it.
    @Test func otherSinksAreServed() {
        let sight = sight(["a", "b"])
        for name in ["a", "b", "c"] { _ = sight.progress.of(name) }
        sight.serve(["b", "c"])
        #expect(Set(sight.progress.readings.keys) == ["b", "c"])
    }

    @Test func theStatusBeforeTheFirstReading() {
        let sight = sight()
        #expect(
            sight.status().text
                == #"{"leader":null,"mode":null,"streaming":false,"unpublished":null,"order_hold":null,"sinks":[],"#
                + #""waits":[],"stopped":null,"read_at":null,"error":null,"relay":{"role":"starting","reason":null,"#
                + #""since":"2026-11-20T22:16:40.000Z","version":"1.2.3","outbox":null,"warnings":[],"errors":[],"#
                + #""count_limit":100000}}"#)
        #expect(sight.history().text == #"{"points":[]}"#)
    }

    @Test func theStatusIsThatOfTheCommandAndMore() throws {
        let sight = sight()
        sight.become(.leading)
        sight.noteError("it answers 503", sink: "hook")
        time.advance(seconds: 5)
        var reading = SightReading.of([.lacking(2)], unpublished: 2)
        reading.status.orderHold = .init(pid: 7, applicationName: "psql", seconds: 3, aboveID: 40)
        sight.take(.success(reading))
        let text = sight.status().text
        let command = reading.status.json.text
        // The command's members come first, as they are.
        #expect(text.hasPrefix("\(command.dropLast()),"))
        #expect(text.contains(#","read_at":"2026-11-20T22:16:45.000Z","error":null,"relay":{"role":"leading","#))
        #expect(text.contains(#""outbox":"public.outbox""#))
        #expect(
            text.contains(
                #""errors":[{"time":"2026-11-20T22:16:40.000Z","sink":"hook","event":null,"text":"it answers 503","count":1}]"#
            ))
        #expect(sight.history().text.contains(#""hook":{"lag_events":2,"lag_seconds":2,"delivered":0}"#))
    }

    @Test func whyItPollsIsAWarning() throws {
        let sight = sight()
        sight.become(.leading)
        sight.notePolling("wal_level is\nreplica")
        #expect(try readiness(sight) == Shown(true, nil, ["polling instead of streaming: wal_level is replica"]))
        sight.notePolling(nil)
        #expect(try readiness(sight) == Shown(true))
        sight.notePolling("no slot is free")
        sight.become(.standby)
        #expect(try readiness(sight) == Shown(true), "whoever does not lead has no stream to miss")
    }

    @Test func anUnreadableRowIsWhatHoldsTheOrder() {
        let sight = sight()
        var reading = SightReading.of([.lacking(2)])
        reading.status.orderHold = .init(
            seconds: 0, aboveID: 499, row: .init(id: 500, isUnreadable: true, reason: "invalid byte"))
        sight.take(.success(reading))
        let hold = #""order_hold":{"pid":null,"application_name":null,"seconds":0,"above_id":499,"row_id":500,"#
        #expect(sight.status().text.contains(hold + #""unreadable":true,"reason":"invalid byte"}"#))
    }

    @Test func aReadingThatFailsLeavesTheLastOne() throws {
        let sight = sight()
        sight.become(.leading)
        sight.take(.success(.of([.lacking(0)])))
        time.advance(seconds: 5)
        sight.take(.failure(Refusal(.unreachable, check: "connection", problem: "it is gone", remedy: "start it")))
        let text = sight.status().text
        #expect(text.contains(#""read_at":"2026-11-20T22:16:40.000Z","error":"it is gone; start it""#))
        let warning = "the last reading of the outbox failed: it is gone; start it"
        #expect(try readiness(sight) == Shown(true, nil, [warning]))
        sight.take(.success(.of([.lacking(0)])))
        #expect(try readiness(sight) == Shown(true))
    }

    /// What an error that is not ours says is not shown.
    @Test func anUnknownErrorIsNamedByItsKind() {
        struct Secret: Error { let password = "hunter2" }
        let sight = sight()
        sight.take(.failure(Secret()))
        #expect(sight.status().text.contains("could not be read (Secret)"))
        #expect(!sight.status().text.contains("hunter2"))
    }

    @Test func rolesAndReadiness() throws {
        let sight = sight()
        #expect(try readiness(sight) == Shown(false, "the relay is starting"))
        sight.become(.waiting(reason: "the database cannot be reached"))
        #expect(try readiness(sight) == Shown(false, "waiting: the database cannot be reached"))
        sight.become(.standby)
        #expect(try readiness(sight) == Shown(true))
        sight.become(.leading)
        #expect(try readiness(sight) == Shown(true))
        sight.become(.competing)
        #expect(try readiness(sight) == Shown(true))
        sight.become(.stopping)
        #expect(try readiness(sight) == Shown(false, "the relay is stopping"))
    }

    @Test func anotherReasonToWaitIsNoOtherRole() {
        let sight = sight()
        sight.become(.waiting(reason: "a"))
        time.advance(seconds: 10)
        sight.become(.waiting(reason: "b"))
        #expect(sight.status().text.contains(#""role":"waiting","reason":"b","since":"2026-11-20T22:16:40.000Z""#))
    }

    /// Reads the same every five seconds for a minute.
    private func readForAMinute(_ sight: Sight, _ reading: SightReading) {
        for _ in 0...12 {
            sight.take(.success(reading))
            time.advance(seconds: 5)
        }
    }

    @Test func aLeaderWithALaneThatStandsIsNotReady() throws {
        let sight = sight()
        sight.become(.leading)
        var sink = RelayStatus.Sink.lacking(3)
        sink.lastError = "it answers\n503"
        readForAMinute(sight, .of([sink, .lacking(9, name: "another's")]))
        #expect(
            try readiness(sight)
                == Shown(false, "sink hook has had work and made no progress for 65 s: it answers 503"))
        // Whoever takes over has a minute of his own.
        sight.become(.standby)
        #expect(try readiness(sight).ready)
        sight.become(.leading)
        #expect(try readiness(sight).ready)
    }

    @Test func whatIsInTheWayIsSaid() throws {
        let sight = sight()
        sight.become(.leading)
        var reading = SightReading.of([.lacking(3)])
        reading.status.orderHold = .init(pid: 7, applicationName: "psql", seconds: 90, aboveID: 40)
        readForAMinute(sight, reading)
        #expect(try readiness(sight).reason?.hasSuffix(": the order is held back by pid 7 (psql)") == true)
    }

    /// Nothing is registered then: what is unpublished is the work.
    @Test func aCompetingRelayThatDeliversNothingIsNotReady() throws {
        let sight = sight()
        sight.become(.competing)
        readForAMinute(sight, .of([], unpublished: 5))
        #expect(try readiness(sight).reason == "sink hook has had work and made no progress for 65 s")
        #expect(sight.history().text.contains(#""hook":{"lag_events":5,"lag_seconds":null,"delivered":0}"#))
    }

    @Test func aSinkThatNobodyServesIsAWarning() throws {
        let sight = sight()
        sight.become(.standby)
        sight.take(.success(.of([.lacking(0)], held: ["hook": 1, "stdout": 12, "z": SightReading.countLimit])))
        let warnings = try readiness(sight).warnings
        #expect(
            warnings.dropFirst().first == "sink stdout is registered but not configured, and holds 12 rows back: "
                + "configure it, or run outbox-relay sinks remove stdout")
        #expect(warnings.last?.contains("holds 100000 rows or more back") == true)
        // The leader has not recorded it yet.
        sight.become(.leading)
        #expect(try readiness(sight).warnings.count == 2)
        #expect(try readiness(sight).ready)
    }
}
