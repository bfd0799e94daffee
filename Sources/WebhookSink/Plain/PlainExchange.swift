import DedicatedThreads
import Glibc
import NIOCore
import NIOHTTP1
import Synchronization

/// Requests over HTTP/1.1 to a receiver that is reached directly and without TLS, on sockets that the loop itself looks
/// at: nothing crosses to another thread.
final class PlainExchange: HTTPExchange {
    private struct Idle: Sendable {
        var socket: PlainSocket
        var until: ContinuousClock.Instant
    }

    private struct State: Sendable {
        var idle: [Idle] = []
        /// Closes what has been idle for too long.
        var closer: Task<Void, Never>?
        /// The last that accepted a connection: tried first.
        var preferred: ReceiverAddress?
        var isClosed = false
    }

    /// What an address may take to accept a connection while there is another to try.
    private static let longestTry = Duration.seconds(1)

    private let thread: DedicatedThread
    private let names: NameLookUp
    private let requestLine: String
    private let settings: WebhookSettings
    private let state = Mutex(State())

    /// - Parameter names: asked for the receiver's addresses; nil: the system is.
    init(
        _ settings: WebhookSettings, to endpoint: Endpoint, on thread: DedicatedThread, names: NameLookUp? = nil
    ) {
        self.thread = thread
        self.settings = settings
        self.names = names ?? NameLookUp(endpoint.host, port: endpoint.port, on: thread)
        requestLine = "POST \(endpoint.target) HTTP/1.1\r\nhost: \(endpoint.authority)\r\n"
    }

    deinit {
        state.withLock { state in
            state.closer?.cancel()
            for idle in state.idle { idle.socket.close() }
        }
    }

    func post(_ request: WebhookRequest) async throws -> HTTPAnswer {
        let deadline = ContinuousClock.now + settings.timeout
        guard !state.withLock(\.isClosed) else { throw PlainFailure.closed }
        let socket = if let idle = takeIdle() { idle } else { try await connect(within: deadline) }
        var conversation = Conversation(
            socket, head: head(of: request), body: request.body,
            bodyPatience: min(ResponseBody.patience, settings.timeout))
        do {
            let head = try await conversation.head(until: deadline)
            await conversation.readBody()
            if conversation.mayGoOn { keep(socket) } else { socket.close() }
            return HTTPAnswer(
                status: HTTPResponseStatus(statusCode: head.status), headers: head.fields,
                beginning: conversation.beginning)
        } catch {
            socket.close()
            throw error
        }
    }

    func close() async {
        let (idle, closer) = state.withLock { state in
            state.isClosed = true
            defer { state.idle = [] }
            return (state.idle, state.closer.take())
        }
        closer?.cancel()
        for one in idle { one.socket.close() }
    }

    private func head(of request: WebhookRequest) -> [UInt8] {
        var text = requestLine
        for (name, value) in request.headers { text += "\(name): \(value)\r\n" }
        text += "content-length: \(request.body.readableBytes)\r\n\r\n"
        return Array(text.utf8)
    }

    // MARK: - Connections

    /// Tries one address after the other, the one that accepted last first.
    private func connect(within deadline: ContinuousClock.Instant) async throws -> PlainSocket {
        let limit = ContinuousClock.now + settings.connectTimeout
        let due = min(limit, deadline)
        do {
            var addresses = try await names.addresses(until: due)
            let preferred = state.withLock(\.preferred)
            if let place = addresses.firstIndex(where: { $0 == preferred }) { addresses.swapAt(0, place) }
            var refusal: PlainFailure?
            for (index, address) in addresses.enumerated() {
                let isLast = index == addresses.count - 1
                let share = isLast ? due : min(due, .now + Self.longestTry)
                do {
                    let socket = try await PlainSocket(to: address, on: thread, until: share)
                    state.withLock { $0.preferred = address }
                    return socket
                } catch let failure as PlainFailure {
                    // One that says why tells more than one that says nothing.
                    if refusal == nil, failure != .connectTimeout { refusal = failure }
                }
            }
            throw refusal ?? .connectTimeout
        } catch PlainFailure.connectTimeout where deadline < limit {
            throw PlainFailure.timeout
        }
    }

    /// One that the receiver has not closed meanwhile, the last that was used first. Where one was closed, others were.
    private func takeIdle() -> PlainSocket? {
        guard let socket = state.withLock({ $0.idle.popLast() })?.socket else { return nil }
        if socket.isQuiet { return socket }
        socket.close()
        return state.withLock { state in
            state.idle.removeAll { idle in
                if idle.socket.isQuiet { return false }
                idle.socket.close()
                return true
            }
            return state.idle.popLast()?.socket
        }
    }

    private func keep(_ socket: PlainSocket) {
        let until = ContinuousClock.now + settings.idleTimeout
        let isKept = state.withLock { state in
            guard !state.isClosed else { return false }
            state.idle.append(Idle(socket: socket, until: until))
            if state.closer == nil { state.closer = closing(at: until) }
            return true
        }
        if !isKept { socket.close() }
    }

    /// Closes what has been idle for too long, then and as long as anything is idle.
    private func closing(at first: ContinuousClock.Instant) -> Task<Void, Never> {
        Task(executorPreference: thread.tasks) { [weak self, thread] in
            var next: ContinuousClock.Instant? = first
            while let due = next {
                await thread.sleep(until: due)
                if Task.isCancelled { return }
                next = self?.closeIdle()
            }
        }
    }

    /// - Returns: when to look again; nil: nothing is idle.
    private func closeIdle() -> ContinuousClock.Instant? {
        let (over, next) = state.withLock { state in
            let now = ContinuousClock.now
            let over = state.idle.filter { $0.until <= now }
            state.idle.removeAll { $0.until <= now }
            let next = state.idle.map(\.until).min()
            if next == nil { state.closer = nil }
            return (over, next)
        }
        for one in over { one.socket.close() }
        return next
    }
}

extension ResponseHead {
    /// The fields that matter for what the answer means.
    fileprivate var fields: HTTPHeaders {
        var fields = HTTPHeaders()
        if let retryAfter { fields.add(name: "retry-after", value: String(decoding: retryAfter, as: UTF8.self)) }
        if let location { fields.add(name: "location", value: String(decoding: location, as: UTF8.self)) }
        return fields
    }
}
