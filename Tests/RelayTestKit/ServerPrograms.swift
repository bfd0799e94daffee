import Foundation
import Glibc

/// Where the programs of a PostgreSQL server are, and as whom they run: the server refuses to run as root.
struct ServerPrograms {
    /// The folder of initdb and postgres.
    let folder: String
    /// The unprivileged user that they run as; nil where that is oneself.
    let user: String?

    /// `PG_BIN` where it is set, else the newest version installed by packages, else what pg_config says is there.
    static func find() throws -> ServerPrograms {
        let environment = ProcessInfo.processInfo.environment
        let user = getuid() == 0 ? "postgres" : nil
        if let given = environment["PG_BIN"], !given.isEmpty { return ServerPrograms(folder: given, user: user) }
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        let found =
            versions.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { "\(root)/\($0)/bin" }
            + (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        guard let folder = found.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/initdb") }) else {
            throw KitFailure("no PostgreSQL server is installed: install the package postgresql, or set PG_BIN")
        }
        return ServerPrograms(folder: folder, user: user)
    }

    /// The command that runs one of the programs as the unprivileged user.
    func command(_ program: String, _ arguments: [String]) -> [String] {
        let own = ["\(folder)/\(program)"] + arguments
        guard let user else { return own }
        return ["setpriv", "--reuid=\(user)", "--regid=\(user)", "--init-groups", "--"] + own
    }

    /// Gives a file or folder to the unprivileged user.
    func handOver(_ path: String) throws {
        guard let user else { return }
        try FileManager.default.setAttributes(
            [.ownerAccountName: user, .groupOwnerAccountName: user], ofItemAtPath: path)
    }
}

extension PrivateCluster {
    /// The path of one of the server's programs, such as `pg_recvlogical`.
    package static func program(_ name: String) throws -> String { "\(try ServerPrograms.find().folder)/\(name)" }
}
