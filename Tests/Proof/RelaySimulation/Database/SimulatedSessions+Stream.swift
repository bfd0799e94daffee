import RelayCore

extension SimulatedSessions {
    /// Runs the stream until it ends or the task is cancelled.
    func stream(_ report: @escaping @Sendable (StreamReport) async -> Void) async {
        var reason = "the session was lost"
        do {
            let link = try await leader.openFurther(.stream)
            reason = await withTaskCancellationHandler {
                await run(link, report)
            } onCancel: {
                link.close()
            }
            link.close()
        } catch {
            reason = String(describing: error)
        }
        await report(.ended(reason: reason))
    }

    private func run(_ link: Link, _ report: @escaping @Sendable (StreamReport) async -> Void) async -> String {
        let server = server
        do {
            // Waits for every running transaction.
            try await link.run { backend in
                // What is written before its start is flushed by then.
                server.flush()
                let slot = ReplicationSlot(waitsFor: server.running, end: server.log.records.count)
                backend.slot = slot
                while !slot.isConsistent, backend.isAlive, !backend.isAbandoned, !server.scheduler.isOver {
                    let reply = Reply<Void>(for: 0, server.scheduler)
                    slot.waiting = reply
                    try await reply.value
                }
                try backend.check()
            }
            await report(.standing)
            while true {
                try Task.checkCancellation()
                let rung = try await link.run { backend in try await server.receive(backend) }
                if !rung.isEmpty { await report(.rung(rung)) }
            }
        } catch {
            return String(describing: error)
        }
    }
}

extension SimulatedServer {
    /// The next announcements of the stream; none where nothing came for a while.
    fileprivate func receive(_ backend: Backend) async throws -> [Announcement] {
        guard let slot = backend.slot else { throw ServerFailure.connectionLost }
        if slot.queue.isEmpty, !backend.isAbandoned, !scheduler.isOver {
            let reply = Reply<Void>(for: 0, scheduler)
            slot.waiting = reply
            scheduler.at(scheduler.now + 250_000, for: 0) { reply.give(.success(())) }
            try await reply.value
        }
        try backend.check()
        guard !slot.queue.isEmpty else { return [] }
        let announcements = Array(slot.queue.prefix(dice.number(1...slot.queue.count)))
        slot.queue.removeFirst(announcements.count)
        return announcements
    }
}
