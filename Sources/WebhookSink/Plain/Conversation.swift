import Glibc
import NIOCore

/// One request and its answer on a connection.
struct Conversation {
    /// Bytes of the body that one call sends: the kernel copies them while the loop waits.
    private static let sendLimit = 1 << 18

    private let socket: PlainSocket
    private let request: [UInt8]
    private let requestBody: ByteBuffer
    private let bodyPatience: Duration
    /// Bytes of the request that are sent.
    private var sent = 0
    /// Why no more of the request can be sent: the receiver may have answered before it hung up.
    private var sendingFailure: PlainFailure?
    private var heads = ResponseHeadReader()
    private var body: BodyReader?
    private var isKept = false
    private var isDelivered = false
    /// More came than the response has.
    private var hasExcess = false
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)

    /// - Parameter bodyPatience: how long the answer's body is read.
    init(_ socket: PlainSocket, head: [UInt8], body: ByteBuffer, bodyPatience: Duration) {
        self.socket = socket
        request = head
        requestBody = body
        self.bodyPatience = bodyPatience
    }

    private var isSent: Bool { sent == request.count + requestBody.readableBytes }

    /// Whether the connection can be used again.
    var mayGoOn: Bool { isKept && isSent && !hasExcess && body?.isWhole == true }

    /// How the answer's body begins.
    var beginning: [UInt8] { body?.beginning ?? [] }

    /// Sends the request and reads the head of the answer, which may come before all is sent.
    ///
    /// - Throws: `PlainFailure`, ``ResponseHeadProblem``, `CancellationError`.
    mutating func head(until deadline: ContinuousClock.Instant) async throws -> ResponseHead {
        try Task.checkCancellation()
        while true {
            if !isSent, sendingFailure == nil { send() }
            let waitsToSend = !isSent && sendingFailure == nil
            let ready = try await socket.wait(for: waitsToSend ? POLLIN | POLLOUT : POLLIN, until: deadline)
            guard ready != 0 else { throw PlainFailure.timeout }
            if ready != POLLOUT {
                switch try receive() {
                case .nothing: break
                case .end: throw sendingFailure ?? .closed
                case .bytes(let count): if let head = try takeHead(count) { return head }
                }
            }
            // Also where something is always ready.
            guard ContinuousClock.now < deadline else { throw PlainFailure.timeout }
        }
    }

    /// Reads the body as far as that is worth it (decision 10): for the connection to be used again, and to show how it
    /// begins.
    mutating func readBody() async {
        guard body?.isWhole == false, isWorthReading else { return }
        let deadline = ContinuousClock.now + bodyPatience
        while let body, !body.isWhole, !body.isLost, body.count <= ResponseBody.limit, ContinuousClock.now < deadline {
            guard let ready = try? await socket.wait(for: POLLIN, until: deadline), ready != 0 else { return }
            // It was cut: what came is what there is.
            guard let received = try? receive() else { return }
            switch received {
            case .nothing: continue
            case .end: return
            case .bytes(let count): takeBody(0..<count)
            }
        }
    }

    /// What came with a 2xx status is not shown.
    private var isWorthReading: Bool { !isDelivered || isKept && isSent }

    private mutating func send() {
        let (socket, sent) = (socket, sent)
        let result = request.withUnsafeBytes { head in
            requestBody.withUnsafeReadableBytes { body in
                Result { () throws(PlainFailure) in
                    let rest = body.dropFirst(max(0, sent - head.count)).prefix(Self.sendLimit)
                    return try socket.send(
                        UnsafeRawBufferPointer(rebasing: head.dropFirst(sent)), UnsafeRawBufferPointer(rebasing: rest))
                }
            }
        }
        switch result {
        case .success(let count): self.sent += count
        case .failure(let failure): sendingFailure = failure
        }
    }

    private mutating func receive() throws(PlainFailure) -> PlainSocket.Received {
        let socket = socket
        let result = buffer.withUnsafeMutableBytes { buffer in
            Result { () throws(PlainFailure) in try socket.receive(into: buffer) }
        }
        return try result.get()
    }

    /// The head that counts; informational ones are passed over (RFC 9110, section 15.2).
    private mutating func takeHead(_ count: Int) throws(ResponseHeadProblem) -> ResponseHead? {
        var start = 0
        while start < count {
            let result = buffer.withUnsafeBytes { bytes in
                Result { () throws(ResponseHeadProblem) in
                    try heads.read(UnsafeRawBufferPointer(rebasing: bytes[start..<count]))
                }
            }
            guard let (head, taken) = try result.get() else { return nil }
            start += taken
            guard head.isInformational else {
                isKept = head.isKept
                isDelivered = (200...299).contains(head.status)
                body = BodyReader(head.framing)
                takeBody(start..<count)
                return head
            }
            heads.begin()
        }
        return nil
    }

    private mutating func takeBody(_ range: Range<Int>) {
        let taken = buffer.withUnsafeBytes { body?.read(UnsafeRawBufferPointer(rebasing: $0[range])) ?? 0 }
        if taken < range.count { hasExcess = true }
    }
}
