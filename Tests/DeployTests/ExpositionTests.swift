import RelayTestKit
import Testing

/// What promtool thinks of the metrics of a relay at work, and of one that has none.
@Suite struct ExpositionTests {
    @Test func promtoolHasNoRemark() async throws {
        let relay = try await ExposingRelay()
        // There is nothing yet, and then only that is known which needs no reading.
        let first = try await relay.exposition()
        #expect(try await Promtool.remarks(on: first) == "")
        let idle = try await relay.exposition(
            with: #"outbox_relay_lag_events{outbox="public.outbox",sink="stdout"} 0.0"#)
        #expect(try await Promtool.remarks(on: idle) == "")

        let producers = Task { [database = relay.database] in
            while !Task.isCancelled { try await database.insert(50) }
        }
        try await relay.process.waitForEvents(500)
        let busy = try await relay.exposition()
        #expect(try await Promtool.remarks(on: busy) == "")
        #expect(!busy.contains(#"outbox_relay_events_delivered_total{outbox="public.outbox",sink="stdout"} 0"# + "\n"))
        producers.cancel()
        _ = await producers.result
        #expect(try await relay.process.stop() == .exited(0))
    }

    /// It would have one if there were cause.
    @Test(arguments: [
        "# TYPE outbox_relay_lag gauge\noutbox_relay_lag 1\n", "# HELP x_total X.\n# TYPE x_total gauge\nx_total 1\n",
        "outbox relay 1\n",
    ]) func promtoolRemarksOnWhatIsWrong(_ exposition: String) async throws {
        #expect(try await Promtool.remarks(on: exposition) != "")
    }
}
