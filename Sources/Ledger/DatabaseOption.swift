import ArgumentParser
import Libpq

/// `--database`, which every subcommand takes.
struct DatabaseOption: ParsableArguments {
    @Option(help: "The database, as conninfo or URI; libpq's own default (PGHOST, PGSERVICE, …) if left out.")
    var database = ""

    /// Runs `body` with a connection, and closes it; failures end the command with a sentence and its exit code.
    func withConnection(_ body: (Connection) async throws(PostgresError) -> Void) async throws(ExitCode) {
        do throws(PostgresError) {
            let connection = try await Self.connect(to: target())
            do throws(PostgresError) {
                try await body(connection)
            } catch {
                await connection.close()
                throw error
            }
            await connection.close()
        } catch {
            throw Refusal(error).told()
        }
    }

    /// Where `--database` points.
    func target() throws(PostgresError) -> ConnectionTarget {
        var target = try ConnectionTarget(parsing: database)
        if target["application_name"] == nil { target["application_name"] = "ledger" }
        return target
    }

    /// Connects, trying again while the server is starting up or not there, for 10 s or the target's `connect_timeout`.
    static func connect(to target: ConnectionTarget) async throws(PostgresError) -> Connection {
        let limit = target["connect_timeout"].flatMap(Int.init).map { Duration.seconds($0) } ?? .zero
        let deadline = ContinuousClock.now + (limit > .zero ? limit : .seconds(10))
        while true {
            do {
                return try await Connection.open(target, timeout: max(deadline - .now, .milliseconds(1)))
            } catch {
                guard error.connectionFailure == .unavailable, ContinuousClock.now + .milliseconds(250) < deadline,
                    (try? await Task.sleep(for: .milliseconds(250))) != nil
                else { throw error }
            }
        }
    }
}
