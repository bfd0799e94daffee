import ArgumentParser
import Libpq
import PostgresOutbox
import RelayConfiguration
import RelayObservability

/// `outbox-relay doctor`: what must hold before `run`; exit 1 where something does not.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Check the requirements of run; exit 1 if any check fails.")

    @OptionGroup var options: RunOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let (relay, warnings) = try options.resolve()
        let target = try ConnectionTarget(parsing: relay.database)
        async let sinks = examine(relay.sinks)
        var checks = await Self.databaseChecks(target, relay)
        checks += await sinks
        checks += warnings.map {
            .failed("environment", severity: .warning, $0, remedy: "correct its name, or unset it")
        }
        let ok = checks.allSatisfy { $0.ok || $0.severity == .warning }
        print(json ? Self.json(checks, ok: ok).text : Self.text(checks))
        if !ok { throw ExitCode.checkFailed }
    }

    /// How long the server may take to answer one question.
    private static let patience = Duration.seconds(5)

    private static func databaseChecks(_ target: ConnectionTarget, _ relay: RelayOptions) async -> [Check] {
        let seconds = target["connect_timeout"].flatMap { Int64($0) } ?? 0
        var timeouts = SessionTimeouts.standard(for: .admin)
        (timeouts.lock, timeouts.statement) = (patience, patience)
        var checks: [Check] = []
        do throws(Refusal) {
            let session = try await openSession(
                target, role: .admin, timeouts: timeouts, timeout: .seconds(seconds > 0 ? seconds : 10))
            checks.append(.passed("connection"))
            let needs = RelayNeeds(
                isStreaming: relay.mode == .wal, maxSlotWAL: relay.maxSlotWAL, isOrdered: relay.order == .id,
                sinks: relay.sinks.map(\.name), purges: relay.keepPublished != nil)
            let inspector = Inspector(session, limit: patience)
            checks += try await inspector.doctorChecks(needs)
            checks.append(await serverDiskCheck(try await inspector.serverFolders()))
            if relay.mode == .wal { checks.append(await replicationCheck(target, session)) }
            await session.close()
        } catch {
            if checks.isEmpty && error.check != "connection" { checks.append(.passed("connection")) }
            checks.removeAll { $0.name == error.check }
            checks.append(Check(error))
        }
        return checks
    }

    /// Opens a replication session as the stream does: the role's attribute says nothing about `pg_hba.conf`.
    private static func replicationCheck(_ target: ConnectionTarget, _ session: Session) async -> Check {
        do throws(Refusal) {
            let stream = try await openSession(
                target, role: .stream, timeouts: .standard(for: .stream), timeout: .seconds(10),
                schema: session.schema)
            await stream.close()
            return .passed("replication")
        } catch {
            return .failed(
                "replication",
                "the server refuses a replication session, so WAL mode falls back to polling: \(error.problem)",
                remedy: "grant the role REPLICATION and add a line for it to pg_hba.conf")
        }
    }

    private static func text(_ checks: [Check]) -> String {
        checks.map { check in
            if let reason = check.notChecked {
                return "skipped  \(check.name): not checked: \(reason); \(check.remedy ?? "")"
            }
            guard let problem = check.problem else { return "ok       \(check.name)" }
            let word = check.severity == .error ? "FAILED   " : "warning  "
            return "\(word)\(check.name): \(problem); \(check.remedy ?? "")"
        }.joined(separator: "\n")
    }

    private static func json(_ checks: [Check], ok: Bool) -> JSONText {
        .object([
            ("ok", .bool(ok)),
            (
                "checks",
                .array(
                    checks.map { check in
                        .object([
                            ("name", .string(check.name)), ("ok", .bool(check.ok)),
                            ("severity", .string(check.severity.rawValue)), ("problem", .string(or: check.problem)),
                            ("remedy", .string(or: check.remedy)), ("not_checked", .string(or: check.notChecked)),
                        ])
                    })
            ),
        ])
    }
}
