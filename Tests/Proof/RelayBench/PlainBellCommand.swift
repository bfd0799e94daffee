import ArgumentParser
import CLibpq
import Foundation
import RelayTestKit

/// `relay-bench plain-bell`: what a stream that rings and a table that is read cost whoever keeps no order, marks nothing and
/// decides nothing: libpq's calls and nothing else. It reads the rows of the ids that it
/// hears, and asks again for what it does not see yet: a stream may tell of a commit before others see it.
struct PlainBellCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plain-bell", abstract: "A reader of the table that a stream wakes, as a reference.",
        shouldDisplay: false)

    @Argument(help: "A conninfo.")
    var database: String
    @Argument(help: "A slot; the publication is named bench.")
    var slot: String
    @Option(help: "A port of 127.0.0.1 where each row is posted; without it they go to standard output.")
    var port: UInt16?

    func run() throws {
        let stream = try connection(database + " replication=database")
        let table = try connection(database)
        defer {
            PQfinish(stream)
            PQfinish(table)
        }
        try expect(
            PQexec(
                stream,
                "START_REPLICATION SLOT \(slot) LOGICAL 0/0 (proto_version '1', publication_names 'bench')"),
            PGRES_COPY_BOTH, stream)
        try expect(
            PQprepare(
                table, "rows",
                "SELECT id, event_type, payload FROM outbox_unpublished WHERE id = ANY($1::bigint[])", 1,
                nil),
            PGRES_COMMAND_OK, table)
        let poster = try port.map { try PlainPoster(port: $0) }
        var unseen: [String] = []
        while true {
            unseen += try heard(stream, waits: unseen.isEmpty)
            guard !unseen.isEmpty else { continue }
            let seen = try writeRows("{\(unseen.joined(separator: ","))}", table, poster)
            unseen = unseen.count == seen.count ? [] : unseen.filter { !seen.contains($0) }
        }
    }

    /// Takes the messages that have come.
    ///
    /// - Returns: the ids in the Inserts of one column among them (PostgreSQL documentation, 55.4 and 55.9).
    private func heard(_ stream: OpaquePointer?, waits: Bool) throws -> [String] {
        var ids: [String] = []
        var isAsynchronous: Int32 = waits ? 0 : 1
        while true {
            var bytes: UnsafeMutablePointer<CChar>?
            let count = Int(PQgetCopyData(stream, &bytes, isAsynchronous))
            defer { PQfreemem(bytes) }
            guard count != 0 else { return ids }
            guard count > 0, let bytes else { throw failure(stream) }
            let message = UnsafeBufferPointer(start: bytes, count: count)
            if message[0] == CChar(UInt8(ascii: "w")), count > Self.digits, message[25] == CChar(UInt8(ascii: "I")) {
                ids.append(String(decoding: message[Self.digits...].map(UInt8.init(bitPattern:)), as: UTF8.self))
            }
            isAsynchronous = 1
        }
    }

    /// Where an Insert's only column begins: behind the message's head (25), I and the relation (5), N, the number of columns
    /// (2), t, and the length (4).
    private static let digits = 38

    private func writeRows(_ ids: String, _ table: OpaquePointer?, _ poster: PlainPoster?) throws -> [String] {
        let result = ids.withCString { text in
            var values: [UnsafePointer<CChar>?] = [text]
            return PQexecPrepared(table, "rows", 1, &values, nil, nil, 0)
        }
        defer { PQclear(result) }
        guard PQresultStatus(result) == PGRES_TUPLES_OK else { throw failure(table) }
        var lines: [UInt8] = []
        var seen: [String] = []
        for row in 0..<PQntuples(result) {
            lines += Array(#"{"specversion":"1.0","id":""#.utf8)
            append(PQgetvalue(result, row, 0), to: &lines)
            if let id = PQgetvalue(result, row, 0) { seen.append(String(cString: id)) }
            lines += Array(#"","type":""#.utf8)
            append(PQgetvalue(result, row, 1), to: &lines)
            lines += Array(#"","data":"#.utf8)
            append(PQgetvalue(result, row, 2), to: &lines)
            lines += Array("}\n".utf8)
            if let poster {
                try poster.post(lines.dropLast())
                lines = []
            }
        }
        if !lines.isEmpty { _ = write(STDOUT_FILENO, lines, lines.count) }
        return seen
    }

    private func append(_ text: UnsafeMutablePointer<CChar>?, to lines: inout [UInt8]) {
        guard let text else { return }
        lines += UnsafeRawBufferPointer(start: text, count: strlen(text))
    }

    private func connection(_ conninfo: String) throws -> OpaquePointer? {
        let connection = PQconnectdb(conninfo)
        guard PQstatus(connection) == CONNECTION_OK else { throw failure(connection) }
        return connection
    }

    private func expect(_ result: OpaquePointer?, _ status: ExecStatusType, _ connection: OpaquePointer?) throws {
        defer { PQclear(result) }
        guard PQresultStatus(result) == status else { throw failure(connection) }
    }

    private func failure(_ connection: OpaquePointer?) -> KitFailure {
        KitFailure("plain-bell: \(PQerrorMessage(connection).map { String(cString: $0) } ?? "")")
    }
}
