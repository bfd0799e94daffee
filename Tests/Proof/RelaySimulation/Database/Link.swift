/// A client's end of a session.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class Link: @unchecked Sendable {
    let server: SimulatedServer
    let process: SimulatedProcess
    let backend: Backend
    private(set) var isOpen = true
    private var pending: [Int: () -> Void] = [:]
    private var number = 0

    private init(_ server: SimulatedServer, _ process: SimulatedProcess, _ backend: Backend) {
        (self.server, self.process, self.backend) = (server, process, backend)
    }

    /// Opens a session.
    static func open(_ server: SimulatedServer, _ process: SimulatedProcess) async throws -> Link {
        let scheduler = server.scheduler
        let reply = Reply<Backend>(for: process.number, scheduler)
        process.whenKilled { reply.give(.failure(ServerFailure.connectionLost)) }
        scheduler.at(scheduler.now + 5_000_000, for: process.number) { reply.give(.failure(ServerFailure.unreachable)) }
        scheduler.spawn {
            await server.cross(process)
            let backend = Result { try server.connect(process) }
            await server.cross(process)
            if reply.hasCome, let backend = try? backend.get() { server.end(backend) }
            reply.give(backend)
        }
        let link = Link(server, process, try await reply.value)
        link.watch()
        return link
    }

    private func watch() {
        guard backend.isAlive, process.isAlive else { return lose() }
        backend.whenEnded = { [self] in
            server.scheduler.spawn {
                await self.server.cross(self.process)
                self.lose()
            }
        }
        process.whenKilled { [self] in close() }
    }

    /// Has the server do something, in the order in which it was asked.
    ///
    /// - Parameter limit: milliseconds; the link is lost where no answer has come by then.
    func run<Value: Sendable>(
        limit: Int64? = nil, _ body: @escaping @Sendable (Backend) async throws -> Value
    ) async throws -> Value {
        guard isOpen, process.isAlive else { throw ServerFailure.connectionLost }
        let reply = Reply<Value>(for: process.number, server.scheduler)
        number += 1
        let asked = number
        pending[asked] = { reply.give(.failure(ServerFailure.connectionLost)) }
        defer { pending[asked] = nil }
        server.scheduler.on(behalfOf: 0) { send(body, reply) }
        if let limit {
            server.scheduler.at(server.scheduler.now + limit * 1000, for: process.number) { [self] in
                if !reply.hasCome, !process.isFrozen { close() }
            }
        }
        return try await reply.value
    }

    private func send<Value: Sendable>(
        _ body: @escaping @Sendable (Backend) async throws -> Value, _ reply: Reply<Value>
    ) {
        let (server, process, backend, before) = (server, process, backend, backend.last)
        backend.last = Task {
            await before?.value
            await server.cross(process)
            guard backend.isAlive else { return }
            backend.isBusy = true
            backend.statements += 1
            var result: Result<Value, any Error>
            do { result = .success(try await body(backend)) } catch { result = .failure(error) }
            backend.isBusy = false
            guard backend.isAlive else { return }
            if backend.isAbandoned { return server.end(backend) }
            server.armPatience(backend)
            let answer = result
            server.scheduler.spawn {
                await server.cross(process)
                reply.give(answer)
            }
        }
    }

    /// The client closes, or its process is gone; the server notices once it has nothing else to do.
    func close() {
        guard isOpen else { return }
        lose()
        let (server, backend, process) = (server, backend, process)
        backend.whenEnded = nil
        server.scheduler.spawn {
            await server.cross(process)
            backend.isAbandoned = true
            backend.slot?.wake()
            if !backend.isBusy { server.end(backend) }
        }
    }

    private func lose() {
        isOpen = false
        let waiting = pending.sorted { $0.key < $1.key }
        pending = [:]
        for (_, give) in waiting { give() }
    }
}
