import Glibc
import Libpq

extension PrivateCluster {
    /// Starts a hot standby of this cluster, on a port and in a folder of its own. It replicates without being waited for.
    package func standby() async throws -> PrivateCluster {
        let standby = try PrivateCluster(settings: settings)
        let log = open("\(standby.folder)/basebackup.log", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
        defer { close(log) }
        let arguments = [
            "--host", folder, "--port", "\(port)", "--username", "postgres", "--pgdata", "\(standby.folder)/data",
            "--write-recovery-conf", "--checkpoint", "fast", "--no-sync",
        ]
        let copy = try ChildProcess(
            programs.command("pg_basebackup", arguments), environment: Self.environment, output: log, errors: log)
        guard try await copy.exit(within: .seconds(120)) == .exited(0) else {
            throw KitFailure("pg_basebackup failed; see \(standby.folder)/basebackup.log")
        }
        try await standby.start()
        return standby
    }

    /// Waits until a standby has replayed everything that this cluster has written.
    package func isReplayed(by standby: PrivateCluster) async throws {
        let primary = try await connection()
        let place = try await primary.query("SELECT pg_current_wal_flush_lsn()::text").string(0, 0) ?? ""
        await primary.close()
        let replica = try await standby.connection()
        try await eventually("the standby has replayed \(place)") {
            try await replica.query("SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn", [.text(place)]).bool(0, 0) == true
        }
        await replica.close()
    }

    /// Cuts this standby off from its primary: what is written there from now on never comes here.
    package func stopReplicating() async throws {
        let connection = try await connection()
        try await connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
        try await connection.execute("SELECT pg_reload_conf()")
        try await eventually("nothing is received") {
            try await connection.query("SELECT count(*) FROM pg_stat_wal_receiver").int(0, 0) == 0
        }
        await connection.close()
    }

    /// Makes this standby a primary.
    package func promote() async throws {
        let connection = try await connection()
        guard try await connection.query("SELECT pg_promote(true, 60)").bool(0, 0) == true else {
            throw KitFailure("the standby was not promoted: \(log.suffix(2000))")
        }
        await connection.close()
    }
}
