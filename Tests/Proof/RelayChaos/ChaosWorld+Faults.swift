import Glibc
import Libpq
import RelayTestKit

extension ChaosWorld {
    /// Does it, and gives what ends it later: a task, where it stands for a while.
    func apply(_ fault: Fault) async throws -> Task<Void, any Error>? {
        journal.note("\(fault)")
        switch fault {
        case .kill(let target, let down): return try await kill(target, down)
        case .stop(let target, let down): return await stop(target, down)
        case .freeze(let target, let time): return await freeze(target, time)
        case .restartServer(let mode):
            try await cluster.restart(mode: mode)
            tally.countServerKill()
            journal.note("the server is back")
            return nil
        case .crashServer:
            try await crashServer()
            return nil
        case .endSessions(let role):
            await endSessions(role)
            return nil
        case .databaseNetwork(let target, let fault, let time):
            guard let host = await host(target) else { return passed() }
            return disturb(host.database, fault, time, "to the database of relay \(host.number)")
        case .webhookNetwork(let target, let fault, let time):
            guard let host = await host(target) else { return passed() }
            if fault != .copy { await host.countDisturbance(of: time) }
            return disturb(host.webhooks, fault, time, "to the webhooks of relay \(host.number)")
        case .receiver(let fault, let time):
            hook.set(fault)
            return later(time) { [hook, journal] in
                hook.set(nil)
                journal.note("the receiver answers")
            }
        case .fullDisk(let time):
            guard disk.kind != nil else { return passed() }
            disk.fill()
            return later(time) { [disk, journal] in
                disk.makeRoom()
                journal.note("the disk has room")
            }
        case .clock(let target, let seconds):
            guard let host = await host(target), host.clock.canMove else { return passed() }
            host.clock.move(wall: seconds)
            return nil
        case .suspend(let target, let time, let seconds):
            return await freeze(target, time, asleepFor: seconds)
        }
    }

    private func kill(_ target: Target, _ down: Int) async throws -> Task<Void, any Error>? {
        guard let host = await host(target), let killed = try await host.kill() else { return passed() }
        journal.note("\(killed.run.name) is dead, and \(killed.led ? "led" : "did not lead")")
        tally.count(killOf: killed.led)
        return later(down) { try await host.start() }
    }

    private func stop(_ target: Target, _ down: Int) async -> Task<Void, any Error>? {
        guard let host = await host(target) else { return passed() }
        // It may be frozen, or cut off; others go on meanwhile.
        return later(0) { [self] in
            guard try await host.stop() else { return }
            try await Task.sleep(for: .milliseconds(down))
            try await host.start()
            journal.note("relay \(host.number) was stopped and started again")
        }
    }

    /// - Parameter seconds: what its clocks say that the machine slept meanwhile.
    private func freeze(
        _ target: Target, _ time: Int, asleepFor seconds: Int? = nil
    ) async -> Task<Void, any Error>? {
        guard let host = await host(target), seconds == nil || host.clock.canMove, let run = await host.freeze() else {
            return passed()
        }
        return later(time) { [journal] in
            if let seconds { host.clock.move(wall: seconds, boot: seconds) }
            run.process.signal(SIGCONT)
            journal.note("\(run.name) goes on")
        }
    }

    private func endSessions(_ role: String) async {
        let count = try? await database.number(
            """
            SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name LIKE 'outbox-relay \(role)%'
            """)
        journal.note("sessions ended: \(count.map { "\($0)" } ?? "no answer")")
    }

    private func disturb(
        _ proxy: NetworkProxy, _ fault: NetworkFault, _ time: Int, _ way: String
    ) -> Task<Void, any Error>? {
        switch fault {
        case .cut: proxy.cut()
        case .cutTowardsServer: proxy.cut(.toServer)
        case .cutFromServer: proxy.cut(.fromServer)
        case .slow(let milliseconds): proxy.slow(.milliseconds(milliseconds))
        case .copy: proxy.copy()
        case .reset:
            proxy.reset()
            return nil
        }
        return later(time) { [journal] in
            proxy.heal()
            journal.note("the way \(way) is open")
        }
    }

    private func host(_ target: Target) async -> RelayHost? {
        switch target {
        case .leader:
            if let leader = await leader() {
                journal.note("  which is \(leader.run.name)")
                return leader.host
            }
            // Nobody leads just now: whoever is about to.
            for host in hosts where await host.running != nil { return host }
            return nil
        case .host(let number): return hosts.first { $0.number == number }
        }
    }

    /// There is nothing to do it to.
    private func passed() -> Task<Void, any Error>? {
        journal.note("  skipped: no relay to do it to")
        return nil
    }

    private func later(
        _ milliseconds: Int, _ body: @escaping @Sendable () async throws -> Void
    ) -> Task<Void, any Error> {
        Task {
            try await Task.sleep(for: .milliseconds(milliseconds))
            try await body()
        }
    }

    /// The postmaster ends all others when one was killed, and starts anew by itself.
    private func crashServer() async throws {
        guard let connection = try? await database.connection() else { return }
        let pid = try await connection.query("SELECT pg_backend_pid()").int(0, 0) ?? 0
        if pid > 1, Glibc.kill(pid_t(pid), SIGKILL) == 0 { tally.countServerKill() }
        await connection.close()
        try await eventually("the server takes connections again", within: .seconds(120)) {
            guard let connection = try? await database.connection() else { return false }
            await connection.close()
            return true
        }
        journal.note("the server is back")
    }
}
