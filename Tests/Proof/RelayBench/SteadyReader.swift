import Foundation
import RelayTestKit
import Synchronization

/// A process that brings each event to a pipe or to a webhook's receiver, and its sessions on the server.
final class SteadyReader: Sendable {
    private let process: any SteadyProcess
    /// What its sessions' `application_name` begins with.
    private let sessions: String
    /// Where the events come, where that is not the process's pipe.
    private let receiver: ReceiverProcess?

    private init(_ process: any SteadyProcess, sessions: String, receiver: ReceiverProcess? = nil) {
        self.process = process
        self.sessions = sessions
        self.receiver = receiver
    }

    /// Our relay.
    ///
    /// - Parameters:
    ///   - settings: a line of its configuration.
    ///   - receiver: of webhooks; without one the events go to standard output.
    ///   - more: another sink.
    convenience init(
        relayOf bench: BenchRelay, mode: String, settings: String = "", receiver: ReceiverProcess? = nil,
        more: String = ""
    ) async throws {
        let sink = receiver.map { "{name: hook, to: \"\($0.url)\"}" } ?? "{name: stdout, to: stdout}"
        let relay = try bench.start("mode: \(mode)\npoll_interval: 10ms\n\(settings)\nsinks: [\(sink)\(more)]")
        try await relay.waitForLog(mode == "wal" ? "streaming" : "leading")
        self.init(relay, sessions: "outbox-relay", receiver: receiver)
    }

    /// The server's own receiver of a stream, which writes down the ids and keeps nothing.
    convenience init(streamOf database: TestDatabase) async throws {
        let command = [
            try PrivateCluster.program("pg_recvlogical"), "-d", database.conninfo, "--slot",
            try await Self.slot(database),
            "--start", "--no-loop", "-o", "proto_version=1", "-o", "publication_names=bench", "-f", "-",
        ]
        self.init(try ReferenceProcess(command, id: ReferenceProcess.idOfInsert), sessions: "pg_recvlogical")
        try await isConnected(database)
    }

    /// A stream that rings and a table that is read, see `PlainBellCommand`.
    convenience init(plainBellOn database: TestDatabase, receiver: ReceiverProcess? = nil) async throws {
        let conninfo = database.conninfo(more: "application_name=plain_bell")
        let posting = receiver.map { ["--port", "\($0.port)"] } ?? []
        self.init(
            try ReferenceProcess(
                ["/proc/\(getpid())/exe", "plain-bell", conninfo, try await Self.slot(database)] + posting,
                id: EventLine.id),
            sessions: "plain_bell", receiver: receiver)
        try await isConnected(database)
    }

    /// A slot, and a publication of the ids.
    private static func slot(_ database: TestDatabase) async throws -> String {
        let slot = "bench_\(database.name)"
        _ = try await database.query("SELECT pg_create_logical_replication_slot('\(slot)', 'pgoutput')")
        try await database.execute(
            "CREATE PUBLICATION bench FOR TABLE outbox_unpublished (id) WITH (publish = 'insert')")
        return slot
    }

    /// A loop without order, see `PlainPollCommand`.
    convenience init(plainLoopOn database: TestDatabase) async throws {
        let conninfo = database.conninfo(more: "application_name=plain_loop")
        self.init(
            try ReferenceProcess(["/proc/\(getpid())/exe", "plain-poll", conninfo], id: EventLine.id),
            sessions: "plain_loop")
        try await isConnected(database)
    }

    var arrivals: [Arrival] { receiver?.arrivals ?? process.arrivals }

    /// What the process, and its sessions on the server, have used of the processor so far.
    func processorTime(_ database: TestDatabase) async throws -> (own: Duration, server: Duration) {
        let pids = try await pids(database)
        guard let own = RelayProcess.processorTime(of: process.pid) else { throw KitFailure("\(sessions) has ended") }
        let server = pids.compactMap { RelayProcess.processorTime(of: pid_t(truncatingIfNeeded: $0)) }
        return (own, server.reduce(.zero, +))
    }

    func waits(for count: Int, within limit: Duration = .seconds(30)) async throws {
        try await eventually("\(sessions) brings \(count) events", within: limit) { arrivals.count >= count }
    }

    func stop() async throws { try await process.end() }

    private func isConnected(_ database: TestDatabase) async throws {
        try await eventually("\(sessions) is connected") { try await !pids(database).isEmpty }
    }

    private func pids(_ database: TestDatabase) async throws -> [Int64] {
        try await database.numbers(
            """
            SELECT pid FROM pg_stat_activity
            WHERE datname = current_database() AND application_name LIKE '\(sessions)%'
            """)
    }
}

protocol SteadyProcess: Sendable {
    var pid: pid_t { get }
    var arrivals: [Arrival] { get }
    func end() async throws
}

extension RelayProcess: SteadyProcess {
    var arrivals: [Arrival] { output.deliveries }
    func end() async throws { try await stop() }
}

/// The events that lines of a pipe bring, and when.
final class SeenLines: Sendable {
    private let seen = Mutex<[Arrival]>([])

    var arrivals: [Arrival] { seen.withLock { $0 } }

    /// Reads a descriptor to its end, and closes it.
    ///
    /// - Parameter id: of the event that a line brings; nil where it brings none.
    func read(_ descriptor: Int32, _ id: @escaping @Sendable (ArraySlice<UInt8>) -> Int64?) {
        _ = LineReader(descriptor: descriptor) { [self] line, time in
            guard let id = id(line) else { return }
            seen.withLock { $0.append(Arrival(id: id, arrived: time)) }
        }
    }
}

/// A reference: a command whose output is read as soon as it comes.
final class ReferenceProcess: SteadyProcess {
    private let process: ChildProcess
    private let seen = SeenLines()

    /// - Parameter id: of the event that a line brings; nil where it brings none.
    init(_ command: [String], id: @escaping @Sendable (ArraySlice<UInt8>) -> Int64?) throws {
        let output = Pipe()
        process = try ChildProcess(
            command, environment: ChildProcess.passedEnvironment,
            output: output.fileHandleForWriting.fileDescriptor, errors: STDERR_FILENO)
        try output.fileHandleForWriting.close()
        seen.read(dup(output.fileHandleForReading.fileDescriptor), id)
    }

    deinit { process.signal(SIGKILL) }

    var pid: pid_t { process.pid }
    var arrivals: [Arrival] { seen.arrivals }

    func end() async throws {
        process.signal(SIGKILL)
        try await eventually("the reference has ended") { process.exitStatus != nil }
    }

    /// The id in an Insert message of pgoutput that has one column (PostgreSQL documentation, 55.9): behind `t`, its length
    /// and its digits end the message. What lies before may hold a line end, and is not looked at.
    static func idOfInsert(_ line: ArraySlice<UInt8>) -> Int64? {
        let digits = line.reversed().prefix { (0x30...0x39).contains($0) }.reversed()
        let head = line.dropLast(digits.count).suffix(5)
        guard Array(head) == [UInt8(ascii: "t"), 0, 0, 0, UInt8(truncatingIfNeeded: digits.count)] else { return nil }
        return Int64(String(decoding: Array(digits), as: UTF8.self))
    }
}
