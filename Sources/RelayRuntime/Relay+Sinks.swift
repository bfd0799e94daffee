import RelayCore

/// Sinks are open while this relay leads, and stay so while it takes the lead again after a lost connection.
extension Relay {
    /// Opens a sink for the machine, which hears of it either way.
    func open(_ name: String, _ sessions: any LeaderSessions) {
        guard let sink = sinks.first(where: { $0.name == name }) else { return }
        let (term, before) = (term, sinkSteps[name])
        let step = clock.task {
            _ = await before?.value
            return await self.open(sink, sessions)
        }
        sinkSteps[name] = step
        openings[name] = step
        spawn { relay in
            if let error = await step.value {
                await relay.take(.sinkOpenFailed(sink: name, error), term: term)
            } else {
                relay.take(.sinkOpened(sink: name), term: term)
            }
        }
    }

    private func open(_ sink: any Sink, _ sessions: any LeaderSessions) async -> SinkError? {
        guard !openSinks.contains(sink.name) else { return nil }
        do {
            let beat = try await sessions.watch.beat()
            try await sink.open(OutboxPosition(lastValue: beat.lastValue))
            openSinks.insert(sink.name)
            return nil
        } catch let error as SinkError {
            return error
        } catch {
            return SinkError(.unavailable, reason: Self.describe(error))
        }
    }

    /// Somebody else leads, and may need what the sinks hold: a file's lock. Nothing where the lead was taken meanwhile.
    func closeSinksOnStandby() async {
        if leading == nil { await closeSinks() }
    }

    /// Cuts deliveries and openings short and lets go of what the sinks hold.
    func closeSinks() async {
        for opening in openings.values { opening.cancel() }
        openings = [:]
        for name in Set(deliveries.keys.map(\.sink)) { cancelDeliveries(name) }
        var steps: [Task<SinkError?, Never>] = []
        for sink in sinks {
            let (before, withdrawn) = (sinkSteps[sink.name], Array((withdrawn[sink.name] ?? [:]).values))
            let step = clock.task { () -> SinkError? in
                _ = await before?.value
                for task in withdrawn { await task.value }
                await self.close(sink)
                return nil
            }
            sinkSteps[sink.name] = step
            steps.append(step)
        }
        for step in steps { _ = await step.value }
    }

    private func close(_ sink: any Sink) async {
        openSinks.remove(sink.name)
        // Also one that did not open: what it has asked for may still come, like a lock on a disk that hung.
        await sink.close()
    }
}
