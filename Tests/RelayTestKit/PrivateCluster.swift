import Foundation
import Glibc
import Libpq
import Synchronization

/// A throw-away PostgreSQL cluster in a folder of its own, reached over a unix socket and over 127.0.0.1, trusting
/// everybody but `passwordRole`. It ends with this process, whatever ends that.
package final class PrivateCluster: Sendable {
    /// What a stop is like: `fast` rolls back and disconnects, `immediate` is a crash.
    package enum StopMode: Sendable {
        case fast
        case immediate
    }

    /// A role that must give a password (scram-sha-256); tests create it where they need it.
    package static let passwordRole = "with_password"

    /// Settings of every cluster unless told otherwise.
    private static let defaults = [
        "wal_level": "logical", "max_prepared_transactions": "40", "max_wal_senders": "20",
        "max_replication_slots": "20", "max_connections": "200", "fsync": "off", "full_page_writes": "off",
        "shared_buffers": "128MB", "max_wal_size": "4GB", "checkpoint_timeout": "30min",
    ]

    /// The folder of everything: the data, the socket, the log.
    package let folder: String
    /// The port of the socket and of 127.0.0.1.
    package let port: Int
    let programs: ServerPrograms
    private let state: Mutex<(settings: [String: String], server: ChildProcess?)>

    /// The cluster that all tests of this process share. Its settings are nobody's to change.
    package static func shared() async throws -> PrivateCluster { try await SharedCluster.instance.cluster() }

    /// A cluster of one's own, for tests that restart the server or change it as a whole.
    package static func start(settings: [String: String] = [:]) async throws -> PrivateCluster {
        let cluster = try PrivateCluster(settings: settings)
        try await cluster.initialize()
        try await cluster.start()
        return cluster
    }

    init(settings: [String: String]) throws {
        programs = try ServerPrograms.find()
        var template = Array((FileManager.default.temporaryDirectory.path + "/relaytest-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw KitFailure("no temporary folder: \(String(cString: strerror(errno)))")
        }
        folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        Janitor.shared.remove(folder: folder)
        port = try Self.freePort()
        state = Mutex((Self.defaults.merging(settings) { $1 }, nil))
        try programs.handOver(folder)
    }

    /// Whoever was the last to use it ends it; the janitor sees to the folder's removal should that fail.
    deinit {
        guard let server = state.withLock({ $0.server }) else { return }
        server.signal(SIGQUIT)
        let folder = folder
        Task {
            _ = try? await server.exit(within: .seconds(30))
            try? FileManager.default.removeItem(atPath: folder)
        }
    }

    /// The settings that its configuration file holds.
    package var settings: [String: String] { state.withLock { $0.settings } }

    /// The server's log, for failures.
    package var log: String { (try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? "" }

    /// A conninfo for a database of this cluster, over the unix socket or over TCP.
    package func conninfo(
        database: String = "postgres", user: String = "postgres", tcp: Bool = false, more: String = ""
    ) -> String {
        "host=\(tcp ? "127.0.0.1" : folder) port=\(port) user=\(user) dbname=\(database)"
            + (more.isEmpty ? "" : " \(more)")
    }

    /// Connects as the superuser.
    package func connection(database: String = "postgres") async throws -> Connection {
        try await Connection.open(ConnectionTarget(parsing: conninfo(database: database)), timeout: .seconds(20))
    }

    /// Changes settings, which take effect at the next start or `reload`.
    package func set(_ changed: [String: String]) throws {
        state.withLock { $0.settings.merge(changed) { $1 } }
        try writeSettings()
    }

    /// Makes the server read its configuration again.
    package func reload() { server?.signal(SIGHUP) }

    /// Starts the server and waits until it accepts connections.
    package func start() async throws {
        try writeSettings()
        let log = open("\(folder)/log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        defer { close(log) }
        let server = try ChildProcess(
            programs.command("postgres", ["-D", "\(folder)/data"]), environment: Self.environment, output: log,
            errors: log, tracked: false)
        Janitor.shared.watch(server: server.pid)
        state.withLock { $0.server = server }
        try await eventually("the server is ready: \(self.log.suffix(2000))", within: .seconds(60)) {
            if server.exitStatus != nil { throw KitFailure("the server did not start: \(self.log.suffix(2000))") }
            return isReady(pid: server.pid)
        }
    }

    /// Stops the server and waits until it is gone.
    package func stop(mode: StopMode = .fast) async throws {
        guard let server else { return }
        server.signal(mode == .fast ? SIGINT : SIGQUIT)
        _ = try await server.exit(within: .seconds(60))
        state.withLock { $0.server = nil }
    }

    /// Stops the server and starts it again, with the settings as they are then.
    package func restart(mode: StopMode = .fast) async throws {
        try await stop(mode: mode)
        try await start()
    }

    private var server: ChildProcess? { state.withLock { $0.server } }

    static var environment: [String: String] {
        ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"]
    }

    private func initialize() async throws {
        let log = open("\(folder)/initdb.log", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        defer { close(log) }
        let arguments = ["-D", "\(folder)/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        let initdb = try ChildProcess(
            programs.command("initdb", arguments), environment: Self.environment, output: log, errors: log)
        guard try await initdb.exit(within: .seconds(120)) == .exited(0) else {
            let told = (try? String(contentsOfFile: "\(folder)/initdb.log", encoding: .utf8)) ?? ""
            throw KitFailure("initdb failed: \(told)")
        }
        try writeAccess()
    }

    private func writeAccess() throws {
        let lines = [
            "local all \(Self.passwordRole) scram-sha-256", "host all \(Self.passwordRole) 127.0.0.1/32 scram-sha-256",
            "local all all trust", "host all all 127.0.0.1/32 trust",
            "local replication all trust", "host replication all 127.0.0.1/32 trust",
        ]
        try write(lines.joined(separator: "\n") + "\n", to: "\(folder)/data/pg_hba.conf")
    }

    private func writeSettings() throws {
        let fixed = [
            "port": "\(port)", "listen_addresses": "127.0.0.1", "unix_socket_directories": folder,
            "log_line_prefix": "%m [%p] %d %a ", "timezone": "UTC",
        ]
        let lines = settings.merging(fixed) { $1 }.sorted { $0.key < $1.key }.map { name, value in
            "\(name) = '\(value.replacing("'", with: "''"))'"
        }
        try write(lines.joined(separator: "\n") + "\n", to: "\(folder)/data/postgresql.conf")
    }

    private func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try programs.handOver(path)
    }

    /// The eighth line of postmaster.pid says so (PostgreSQL source, pidfile.h).
    private func isReady(pid: pid_t) -> Bool {
        guard let text = try? String(contentsOfFile: "\(folder)/data/postmaster.pid", encoding: .utf8) else {
            return false
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.count > 7 && lines[0] == "\(pid)" && lines[7].hasPrefix("ready")
    }

    /// A port that nobody listens on, as the kernel chooses it.
    package static func freePort() throws -> Int {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let done = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, size) == 0 && getsockname(socket, $0, &size) == 0
            }
        }
        guard done else { throw KitFailure("no free port: \(String(cString: strerror(errno)))") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

/// Starts the shared cluster once, on first demand.
private actor SharedCluster {
    static let instance = SharedCluster()
    private var starting: Task<PrivateCluster, any Error>?

    func cluster() async throws -> PrivateCluster {
        let task = starting ?? Task { try await PrivateCluster.start() }
        starting = task
        return try await task.value
    }
}
