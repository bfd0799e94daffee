import Foundation
import Glibc
import Synchronization

/// The real binary, run as its users run it: arguments, environment, signals, what it writes, how it ends.
package final class RelayProcess: Sendable {
    /// What becomes of its standard output.
    package enum Output: Sendable {
        /// A pipe that is read at once; each event is kept with its line.
        case lines
        /// A pipe that is read at once; of each event only the id and the time are kept.
        case ids
        /// A pipe that nobody reads, open until the process has ended or `closeOutput` is called.
        case unread
        /// A file, which is appended to.
        case file(String)
    }

    /// What becomes of its standard error.
    package enum Errors: Sendable {
        /// A pipe that is read at once, line by line.
        case lines
        /// A pipe of about so many bytes that nobody reads before `readLog`.
        case unread(capacity: Int32)
    }

    /// What it has written to its standard output so far, where that is read.
    package var output: RelayOutput {
        catchUp()
        return written
    }
    /// What it has written to its standard error so far.
    package var log: RelayLog {
        catchUp()
        return logged
    }
    private let written: RelayOutput
    private let logged: RelayLog
    private let process: ChildProcess
    private let readers: Mutex<[LineReader]>
    private let unread: Mutex<Int32?>
    private let unreadLog: Mutex<Int32?>

    /// Starts `outbox-relay`.
    /// - Parameters:
    ///   - arguments: the whole command line after the name.
    ///   - environment: variables beside the few that are passed on; the log is JSON unless they say otherwise.
    ///   - program: the executable's name in the build folder.
    ///   - shell: what a shell does first, with the command as `"$@"`: `exec "$@" >&-`.
    package static func start(
        _ arguments: [String], environment: [String: String] = [:], output: Output = .lines, errors: Errors = .lines,
        program: String = "outbox-relay", shell: String? = nil
    ) throws -> RelayProcess {
        var command = [try executable(program)] + arguments
        if let shell { command = ["/bin/sh", "-c", shell, "sh"] + command }
        return try RelayProcess(command, environment, output, errors)
    }

    /// Starts `outbox-relay run` against a database.
    package static func run(
        _ database: TestDatabase, _ arguments: [String] = [], environment: [String: String] = [:],
        output: Output = .lines, errors: Errors = .lines, shell: String? = nil
    ) throws -> RelayProcess {
        try start(
            ["run", "--database", database.conninfo] + arguments, environment: environment, output: output,
            errors: errors, shell: shell)
    }

    private init(
        _ command: [String], _ environment: [String: String], _ output: Output, _ errors: Errors
    ) throws {
        let pipe = try Pipe()
        defer { close(pipe.writing) }
        let standard = try StandardOutput(output)
        defer { close(standard.given) }
        process = try ChildProcess(
            command, environment: Self.environment(environment), output: standard.given, errors: pipe.writing)
        let (written, log) = (RelayOutput(keepsLines: standard.keepsLines), RelayLog())
        self.written = written
        logged = log
        var readers: [LineReader] = []
        switch errors {
        case .lines:
            readers.append(LineReader(descriptor: pipe.reading) { line, _ in log.accept(line) })
            unreadLog = Mutex(nil)
        case .unread(let capacity):
            _ = fcntl(pipe.reading, setPipeSize, capacity)
            unreadLog = Mutex(pipe.reading)
        }
        if let read = standard.read { readers.append(LineReader(descriptor: read) { written.accept($0, at: $1) }) }
        self.readers = Mutex(readers)
        unread = Mutex(standard.unread)
    }

    deinit {
        process.signal(SIGKILL)
        closeOutput()
        unreadLog.withLock { if let open = $0 { close(open) } }
    }

    package var pid: pid_t { process.pid }
    package var isRunning: Bool { process.exitStatus == nil }

    /// Sends a signal.
    package func signal(_ number: Int32) { process.signal(number) }

    /// Kills it and waits until it is gone and all that it wrote is read.
    package func kill() async throws {
        process.signal(SIGKILL)
        _ = try await exitStatus()
    }

    /// Asks it to stop and waits for its end.
    @discardableResult
    package func stop(within limit: Duration = .seconds(20)) async throws -> ProcessEnd {
        process.signal(SIGTERM)
        return try await exitStatus(within: limit)
    }

    /// A test that asks what was written must not be told what its reader had the time for.
    private func catchUp() { for reader in readers.withLock({ $0 }) { reader.catchUp() } }

    /// Closes the reading end of an output that is not read.
    package func closeOutput() {
        unread.withLock { descriptor in
            if let open = descriptor { close(open) }
            descriptor = nil
        }
    }

    /// Reads the log from now on, where it was not read so far.
    package func readLog() {
        guard let descriptor = unreadLog.withLock({ $0.take() }) else { return }
        let log = logged
        readers.withLock { $0.append(LineReader(descriptor: descriptor) { line, _ in log.accept(line) }) }
    }

    /// Waits for its end, and until all that it wrote is read.
    package func exitStatus(
        within limit: Duration = .seconds(30), file: StaticString = #fileID, line: UInt = #line
    ) async throws -> ProcessEnd {
        try await eventually("the relay ends; its log: \(log.text)", within: limit, file: file, line: line) {
            process.exitStatus != nil && readers.withLock { $0.allSatisfy(\.ended) }
        }
        return try process.exitStatus ?? { throw KitFailure("no exit status") }()
    }

    /// Waits until it has written `count` events, repeated ones counted.
    package func waitForEvents(
        _ count: Int, within limit: Duration = .seconds(30), file: StaticString = #fileID, line: UInt = #line
    ) async throws {
        try await wait("\(count) events, and has written \(output.count)", limit, file, line) { output.count >= count }
    }

    /// Waits until it has written this event.
    package func waitForEvent(
        id: Int64, within limit: Duration = .seconds(30), file: StaticString = #fileID, line: UInt = #line
    ) async throws {
        try await wait("event \(id)", limit, file, line) { output.deliveries.contains { $0.id == id } }
    }

    /// Waits until its log holds an entry of this kind that satisfies `condition`, and gives it.
    @discardableResult
    package func waitForLog(
        _ event: String, within limit: Duration = .seconds(30), file: StaticString = #fileID, line: UInt = #line,
        where condition: (LogEntry) -> Bool = { _ in true }
    ) async throws -> LogEntry {
        var found: LogEntry?
        try await wait("a log entry \(event)", limit, file, line) {
            found = log.entries(of: event).first(where: condition)
            return found != nil
        }
        return try found ?? { throw KitFailure("no log entry \(event)") }()
    }

    /// The most memory that it has had so far, in bytes, without the pages of its program, of which a debug build has many
    /// more: what it holds itself. Nil once it has ended (proc(5): VmHWM, RssFile).
    package var peakMemory: Int? {
        guard let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8) else { return nil }
        var kibibytes: [Substring: Int] = [:]
        for line in status.split(separator: "\n") {
            let words = line.split(whereSeparator: \.isWhitespace)
            if words.count > 1 { kibibytes[words[0]] = Int(words[1]) }
        }
        guard let peak = kibibytes["VmHWM:"], let program = kibibytes["RssFile:"] else { return nil }
        return (peak - program) * 1024
    }

    /// The processor time that it has used so far; nil once it has ended.
    package var processorTime: Duration? { Self.processorTime(of: pid) }

    /// The processor time that a process has used so far; nil where there is none (proc(5): utime and stime of stat).
    package static func processorTime(of pid: pid_t) -> Duration? {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return nil }
        // Behind the program's name, which may hold anything, are the state and then numbers.
        let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
        guard fields.count > 13, let user = Int(fields[12]), let system = Int(fields[13]) else { return nil }
        return .seconds(Double(user + system) / Double(sysconf(Int32(_SC_CLK_TCK))))
    }

    /// What the promise of 40 MiB beside `--memory` leaves, in bytes, to what the relay holds itself: a release build's
    /// program has less than 20 MiB.
    package static let memoryBeside = 20 << 20

    /// Waits for something of a living relay: its end fails the test at once, with its log.
    private func wait(
        _ what: @autoclosure () -> String, _ limit: Duration, _ file: StaticString, _ line: UInt,
        _ condition: () -> Bool
    ) async throws {
        let met = try await holds(within: limit) {
            // The end is looked at first: what was written before it must still count.
            let ended = process.exitStatus != nil && readers.withLock { $0.allSatisfy(\.ended) }
            if condition() { return true }
            if ended { throw KitFailure("\(file):\(line): ended before \(what()); its log:\n\(log.text)") }
            return false
        }
        if !met { throw KitFailure("\(file):\(line): within \(limit) no \(what()); its log:\n\(log.text)") }
    }

    /// The build folder's executable, which is beside that of the tests; `OUTBOX_RELAY_BIN` names another folder.
    package static func executable(_ program: String) throws -> String {
        let own = URL(fileURLWithPath: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let folder = ProcessInfo.processInfo.environment["OUTBOX_RELAY_BIN"] ?? own.deletingLastPathComponent().path
        let path = "\(folder)/\(program)"
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw KitFailure("\(path) is not built: run swift build, or set OUTBOX_RELAY_BIN to its folder")
        }
        return path
    }

    /// A clean environment: nothing of the caller's libpq, log or relay settings.
    private static func environment(_ given: [String: String]) -> [String: String] {
        ChildProcess.passedEnvironment
            .merging(["OUTBOX_RELAY_LOG_FORMAT": "json"]) { $1 }
            .merging(given) { $1 }
    }
}

/// The descriptor that a process gets as its standard output, and what happens at its other end.
private struct StandardOutput {
    let given: Int32
    let read: Int32?
    let unread: Int32?
    let keepsLines: Bool

    init(_ output: RelayProcess.Output) throws {
        if case .file(let path) = output {
            given = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
            guard given >= 0 else { throw KitFailure("cannot open \(path): \(String(cString: strerror(errno)))") }
            (read, unread, keepsLines) = (nil, nil, false)
            return
        }
        let pipe = try Pipe()
        given = pipe.writing
        if case .unread = output {
            (read, unread, keepsLines) = (nil, pipe.reading, false)
        } else {
            (read, unread) = (pipe.reading, nil)
            if case .lines = output { keepsLines = true } else { keepsLines = false }
        }
    }
}

/// F_SETPIPE_SZ of fcntl(2), which is not visible to Swift.
private let setPipeSize: Int32 = 1031
