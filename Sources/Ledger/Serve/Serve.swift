import ArgumentParser
import DedicatedThreads
import Glibc
import HTTPServing
import Hummingbird
import HummingbirdCore
import LedgerCore
import Libpq
import Logging
import Metrics
import NIOCore
import PrometheusText
import ServiceLifecycle
import UnixSignals

/// `ledger serve`
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the ledger over HTTP.",
        discussion: """
            The first line on stdout is {"listening":"HOST:PORT"}; /openapi.json tells what there is. The API asks nobody who he
            is: it is for a network, or a proxy, that does. SIGTERM and SIGINT finish what is in flight.
            """)

    @OptionGroup var database: DatabaseOption

    @Option(help: "Where to listen, as HOST:PORT; port 0 takes a free one.")
    var listen = ListenAddress(host: "127.0.0.1", port: 8080)

    @Option(help: "How many sessions with the database, from 1 to 1000.")
    var connections = 8

    @Option(help: "What a request may take; then it is answered with 503.")
    var requestTimeout = TimeSpan(seconds: 10)

    @Option(help: "An attempt that has not answered for so long may be taken over by a repetition of its request.")
    var abandonedAfter = TimeSpan(seconds: 30)

    @Option(help: "How long an Idempotency-Key is known.")
    var keepKeys = TimeSpan(seconds: 86_400)

    func validate() throws {
        guard (1...1000).contains(connections) else {
            throw ValidationError("--connections is a number from 1 to 1000.")
        }
        // A key must outlive whatever is still done under it.
        let shortest = abandonedAfter.duration + requestTimeout.duration * 4
        guard keepKeys.duration >= shortest else {
            throw ValidationError(
                "--keep-keys is at least --abandoned-after and four times --request-timeout, here \(shortest).")
        }
    }

    func run() async throws {
        let target: ConnectionTarget
        do { target = try serverThatLeads() } catch { throw Refusal(error).told() }
        try await refuseWhatIsNoLedger()
        guard let thread = DedicatedThread() else {
            throw Refusal("no thread can be started: raise the process's limits.", code: EX_OSERR).told()
        }
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var log = Logger(label: "ledger")
        log.logLevel = .notice
        let exposition = Exposition(help: MetricNames.help)
        MetricsSystem.bootstrap(exposition)

        let limits = RequestLimits(
            time: requestTimeout.duration,
            abandonedAfter: "\(abandonedAfter.duration.nanoseconds / 1000) microseconds")
        let pool = SessionPool(target: target, size: connections, thread: thread, log: log)
        let api = LedgerAPI(pool: pool, limits: limits, exposition: exposition, log: log)
        let server = Application(
            router: api.router(), server: .http1(configuration: Self.channel(limits)),
            configuration: ApplicationConfiguration(
                address: .hostname(listen.host, port: listen.port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(RequestLimits.mostConnections)),
            onServerRunning: { channel in Self.announce(channel, as: listen) }, logger: log)
        var services = ServiceGroupConfiguration(
            services: [KeyExpiry(pool: pool, keep: keepKeys.duration, log: log), server],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: log)
        // A body that is still coming, its request, and putting it in order.
        services.maximumGracefulShutdownDuration = limits.time * 2 + .seconds(10)
        do {
            try await ServiceGroup(configuration: services).run()
        } catch let error as IOError {
            let reason = String(cString: strerror(error.errnoCode))
            throw Refusal("\(listen) cannot be listened on: \(reason): choose another --listen.", code: EX_UNAVAILABLE)
                .told()
        } catch {
            throw Refusal("the server ended at \(listen): \(error): correct --listen.", code: EX_UNAVAILABLE).told()
        }
        await pool.close()
    }

    private static func channel(_ limits: RequestLimits) -> HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                RequestTimeLimits(idleTime: RequestLimits.idleTime, requestTime: limits.time)
            ],
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: RequestLimits.largestHead, maxHeaderListSize: RequestLimits.largestHead,
                maxHeaderFieldCount: 100))
    }

    private static func announce(_ channel: any Channel, as listen: ListenAddress) {
        let address = ListenAddress(host: listen.host, port: channel.localAddress?.port ?? listen.port)
        let line: JSONValue = ["listening": .string(address.description)]
        print(line)
        fflush(nil)
    }

    /// Where to connect: of several servers the one that can be written to, unless something else was asked for.
    private func serverThatLeads() throws(PostgresError) -> ConnectionTarget {
        var target = try database.target()
        if target["target_session_attrs"] == nil { target["target_session_attrs"] = "read-write" }
        return target
    }

    /// Says at once what would fail at every request.
    private func refuseWhatIsNoLedger() async throws(ExitCode) {
        var (hasOutbox, hasLedger) = (false, false)
        try await database.withConnection { connection throws(PostgresError) in
            hasOutbox = try await connection.hasOutbox()
            hasLedger =
                try await connection.query("SELECT to_regclass('ledger_requests') IS NOT NULL").bool(0, 0) == true
        }
        if !hasOutbox { throw Refusal.noOutbox.told() }
        if !hasLedger {
            let sentence = "there is no table ledger_requests: run `ledger migrate` on this database first."
            throw Refusal(sentence, code: EX_CONFIG).told()
        }
    }
}
