import ArgumentParser
import Libpq
import Logging
import Metrics
import PrometheusText
import RelayConfiguration
import RelayObservability
import RelaySight
import RelayTracing

/// What `--listen` shows of this process, and what keeps it up to date.
struct ShownRelay: Sendable {
    let sight: Sight
    private let exposition: Exposition
    private let listen: ListenAddress

    /// Makes the process's metrics; once in a process, before anything counts. Nil where nothing is to be listened on.
    init?(_ options: RelayOptions) {
        guard let listen = options.listen else { return nil }
        self.listen = listen
        sight = Sight(
            version: BuildVersion.number, isWALMode: options.mode == .wal, sinks: options.sinks.map(\.name))
        let help = MetricName.help.merging(TracingMetricName.help) { own, _ in own }
        exposition = Exposition(help: help, bounds: MetricName.bounds)
        MetricsSystem.bootstrap(exposition)
    }

    /// Listens, and reads the outbox every few seconds, in tasks of the group.
    ///
    /// - Parameters:
    ///   - relay: what it holds in memory is shown.
    ///   - isAlive: answers from the relay's loop.
    /// - Returns: with which code to end, where the address cannot be listened on; it is told.
    func listen(
        _ target: ConnectionTarget, _ relay: CurrentRelay, _ logger: Logger, in group: inout TaskGroup<Void>,
        isAlive: @escaping @Sendable () async -> Bool
    ) async -> ExitCode? {
        let metrics = SightMetrics(of: sight, in: exposition) { relay.bufferedBytes }
        let server = SightServer(host: listen.host, port: listen.port, sight: sight, metrics: metrics, isAlive: isAlive)
        let (outcomes, outcome) = AsyncStream.makeStream(of: ListenFailure?.self)
        group.addTask {
            do throws(ListenFailure) {
                try await server.run { address in
                    logger.log(
                        .listening, level: .notice, "listening on \(address)", [LogKey.address: "\(address)"])
                    outcome.yield(nil)
                }
            } catch {
                logger.log(.failed, level: .critical, "\(error.message)")
                outcome.yield(error)
            }
            outcome.finish()
        }
        for await failure in outcomes {
            guard let failure else { break }
            return failure.kind == .inUse ? .unreachable : .configuration
        }
        let source = SightSource(target)
        group.addTask {
            await SightReader(of: sight) { try await source.read() }.run()
            await source.close()
        }
        return nil
    }
}
