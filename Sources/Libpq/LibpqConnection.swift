import CLibpq
import Glibc

/// One `PGconn` in non-blocking mode, with its calls under Swift names. Finished with its last owner.
///
/// Not Sendable: it is made on the thread that connects, and stays on its connection's from then on. No call
/// waits but `start` and `pollConnecting`, which may resolve names.
@safe
final class LibpqConnection {
    private let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
        // A NOTICE would go to stderr, which is the operator's log.
        _ = unsafe PQsetNoticeReceiver(pointer, { _, _ in }, nil)
    }

    deinit { unsafe PQfinish(pointer) }

    // MARK: Connecting

    /// Begins to connect; names are resolved before it returns. `nil` where memory is out.
    static func start(_ options: [(keyword: String, value: String)]) -> LibpqConnection? {
        let keywords = CStringArray(options.map(\.keyword))
        let values = CStringArray(options.map(\.value))
        let started = unsafe keywords.withPointers { keywords in
            unsafe values.withPointers { values in unsafe PQconnectStartParams(keywords, values, 0) }
        }
        guard let started = unsafe started else { return nil }
        let connection = unsafe LibpqConnection(owning: started)
        // So that the text of a refused start carries its SQLSTATE: see ConnectErrorText.
        _ = unsafe PQsetErrorVerbosity(started, PQERRORS_VERBOSE)
        return connection
    }

    /// Goes one step on; may resolve another host's name.
    func pollConnecting() -> PostgresPollingStatusType { unsafe PQconnectPoll(pointer) }

    /// To be called once connected; `false` where libpq is out of memory.
    func becomeNonBlocking() -> Bool {
        _ = unsafe PQsetErrorVerbosity(pointer, PQERRORS_DEFAULT)
        return unsafe PQsetnonblocking(pointer, 1) == 0
    }

    // MARK: State

    var isUsable: Bool { unsafe PQstatus(pointer) == CONNECTION_OK }
    var hasFailed: Bool { unsafe PQstatus(pointer) == CONNECTION_BAD }

    /// It may change while connecting; -1 without one.
    var socket: Int32 { unsafe PQsocket(pointer) }
    var errorMessage: String { unsafe string(PQerrorMessage(pointer)) }

    var transaction: Connection.TransactionStatus {
        switch unsafe PQtransactionStatus(pointer) {
        case PQTRANS_IDLE: .idle
        case PQTRANS_INTRANS: .open
        case PQTRANS_INERROR: .failed
        default: .unknown
        }
    }

    /// The password in use, whatever it came from.
    var password: String { unsafe string(PQpass(pointer)) }

    /// The address that is being tried.
    var address: [String] {
        unsafe [string(PQhost(pointer)), string(PQhostaddr(pointer)), string(PQport(pointer))]
    }

    var info: ConnectionInfo {
        let host = unsafe string(PQhost(pointer))
        return ConnectionInfo(
            backendPID: unsafe PQbackendPID(pointer), serverVersion: Int(unsafe PQserverVersion(pointer)),
            serverEncoding: serverParameter("server_encoding") ?? "", host: host,
            port: unsafe string(PQport(pointer)), database: unsafe string(PQdb(pointer)),
            user: unsafe string(PQuser(pointer)), isUnixSocket: host.hasPrefix("/") || host.hasPrefix("@"),
            usedPassword: unsafe PQconnectionUsedPassword(pointer) != 0,
            usesTLS: unsafe PQsslInUse(pointer) != 0)
    }

    /// The value in force of one of libpq's options, defaults, environment and service file included.
    func option(_ keyword: String) -> String? {
        guard let options = unsafe PQconninfo(pointer) else { return nil }
        defer { unsafe PQconninfoFree(options) }
        var next = unsafe options
        while let name = unsafe next.pointee.keyword {
            if unsafe strcmp(name, keyword) == 0 {
                return unsafe next.pointee.val.map { unsafe String(cString: $0) }
            }
            unsafe next += 1
        }
        return nil
    }

    /// A setting that the server reports by itself, such as `in_hot_standby`.
    func serverParameter(_ name: String) -> String? {
        unsafe PQparameterStatus(pointer, name).map { unsafe String(cString: $0) }
    }

    /// What a cancel request needs, usable from any thread.
    func cancelKey() -> CancelKey? {
        guard let key = unsafe PQgetCancel(pointer) else { return nil }
        return unsafe CancelKey(owning: key)
    }

    // MARK: Statements

    /// Queues a statement of the simple protocol. `false`: see `errorMessage`.
    func send(_ sql: String) -> Bool { unsafe PQsendQuery(pointer, sql) == 1 }

    /// Queues a statement of the extended protocol; results come as text, or in binary format.
    func send(_ sql: String, _ parameters: [Parameter], binary: Bool = false) -> Bool {
        let values = CStringArray(parameters.map(\.value))
        return unsafe values.withPointers { values in
            unsafe PQsendQueryParams(pointer, sql, Int32(parameters.count), nil, values, nil, nil, binary ? 1 : 0) == 1
        }
    }

    /// Queues the preparation of a statement; the server infers the parameters' types.
    func prepare(_ sql: String, as name: String) -> Bool { unsafe PQsendPrepare(pointer, name, sql, 0, nil) == 1 }

    /// Queues a statement that is prepared.
    func send(prepared name: String, _ parameters: [Parameter], binary: Bool = false) -> Bool {
        let values = CStringArray(parameters.map(\.value))
        return unsafe values.withPointers { values in
            unsafe PQsendQueryPrepared(
                pointer, name, Int32(parameters.count), values, nil, nil, binary ? 1 : 0) == 1
        }
    }

    /// Results come row by row. To be called right after `send`; in a pipeline before each result.
    func takeSingleRows() { _ = unsafe PQsetSingleRowMode(pointer) }

    /// What is sent from here on is sent together, up to `endPipeline` (PostgreSQL documentation, 34.5).
    func beginPipeline() -> Bool { unsafe PQenterPipelineMode(pointer) == 1 }

    /// Sends what has been queued, with the mark that its results end with.
    func endPipeline() -> Bool { unsafe PQpipelineSync(pointer) == 1 }

    /// The results of the pipeline are read.
    func leavePipeline() -> Bool { unsafe PQexitPipelineMode(pointer) == 1 }

    /// 0: all is sent; 1: the socket takes no more at present; -1: failed.
    func flush() -> Int32 { unsafe PQflush(pointer) }

    /// Reads what the socket holds. `false`: the connection is lost (what the server said before it may still come).
    ///
    /// Under TLS one call may leave the end of a record in the library, while the socket is quiet: a record has 16 KiB at
    /// most, and each call makes room for 8.
    func consumeInput() -> Bool {
        let calls = unsafe PQsslInUse(pointer) != 0 ? 3 : 1
        return (0..<calls).allSatisfy { _ in unsafe PQconsumeInput(pointer) == 1 }
    }

    /// The socket counts as readable from so many bytes on (socket(7), SO_RCVLOWAT); a system that does not know it for
    /// this kind of socket wakes for fewer.
    func wakeFrom(bytes: Int32) {
        var least = bytes
        _ = unsafe setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &least, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Whether `nextResult()` would have to wait.
    var isBusy: Bool { unsafe PQisBusy(pointer) != 0 }

    /// The next result, `nil` once the statement is done.
    func nextResult() -> LibpqResult? {
        guard let result = unsafe PQgetResult(pointer) else { return nil }
        return unsafe LibpqResult(owning: result)
    }

    // MARK: COPY

    /// The next message of a COPY.
    ///
    /// - Returns: above 0, its length, `body` having been called; 0: wait; -1: the COPY is done; -2: failed.
    func nextCopyMessage(_ body: (UnsafeRawBufferPointer) throws -> Void) rethrows -> Int32 {
        var buffer: UnsafeMutablePointer<CChar>?
        let length = unsafe PQgetCopyData(pointer, &buffer, 1)
        defer { unsafe PQfreemem(buffer) }
        guard length > 0, let start = unsafe buffer else { return length }
        try unsafe body(UnsafeRawBufferPointer(start: start, count: Int(length)))
        return length
    }

    /// 1: queued; 0: the socket takes no more at present; -1: failed.
    func putCopyData(_ bytes: [UInt8]) -> Int32 {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe buffer.withMemoryRebound(to: CChar.self) { buffer in
                unsafe PQputCopyData(pointer, buffer.baseAddress, Int32(truncatingIfNeeded: buffer.count))
            }
        }
    }

    /// Ends our half of a COPY.
    func putCopyEnd() -> Int32 { unsafe PQputCopyEnd(pointer, nil) }

    private func string(_ text: UnsafeMutablePointer<CChar>?) -> String {
        unsafe text.map { unsafe String(cString: $0) } ?? ""
    }
}

/// Strings laid end to end as C wants them, with NULL for `nil` and a NULL at the end.
struct CStringArray {
    private var bytes: [CChar] = []
    private var offsets: [Int?] = []

    init(_ strings: [String?]) {
        bytes.reserveCapacity(strings.reduce(0) { $0 + ($1?.utf8.count ?? 0) + 1 })
        for string in strings {
            offsets.append(string.map { _ in bytes.count })
            guard let string else { continue }
            bytes.append(contentsOf: string.utf8.lazy.map { CChar(bitPattern: $0) })
            bytes.append(0)
        }
        // A base address exists, then, also for an empty list.
        bytes.append(0)
    }

    /// Calls `body` with the array; the pointers are valid within it.
    func withPointers<R>(_ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> R) -> R {
        unsafe bytes.withUnsafeBufferPointer { bytes in
            var pointers: [UnsafePointer<CChar>?] = unsafe offsets.map { offset in
                guard let offset, let base = bytes.baseAddress else { return nil }
                return unsafe base + offset
            }
            unsafe pointers.append(nil)
            return unsafe pointers.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
        }
    }
}
