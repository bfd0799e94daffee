import ArgumentParser
import FileSink
import Libpq
import OutboxAudit
import PostgresOutbox
import RelayConfiguration
import RelayCore
import RelayObservability

/// `outbox-relay verify`: holds what a file sink wrote against the table; exit 1 where anything is wrong.
struct VerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Compare what a file sink wrote with the table; exit 1 if anything is wrong.")

    @Option(
        help: ArgumentHelp(
            "The path of the file sink, or any file of events; rotated files beside it are read first.",
            valueName: "file"),
        completion: .file())
    var against: String

    @Option(
        help: ArgumentHelp(
            "The sink that wrote the file; its cursor and filter tell which events must be in it.", valueName: "name"))
    var sink: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The first id to look at. (default: the lowest row of the table)", valueName: "id"))
    var from: Int64?

    @Option(parsing: .unconditional, help: ArgumentHelp("The last id to look at.", valueName: "id"))
    var to: Int64?

    @OptionGroup var database: DatabaseOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        if let from, let to, from > to {
            throw ConfigurationProblem.usage("--to: \(to) is below --from \(from); write an id at or above it")
        }
        do {
            let files = try SinkFiles(path: against)
            // A file that is not there is told of before the server is asked for.
            let size = try files.open().reduce(0) { $0 + $1.size }
            let line = ProgressLine(total: Int64(size), unit: .bytes, isWanted: !json)
            defer { line.finish() }
            let result = try await audit(files, line)
            line.finish()
            print(json ? result.json.text : result.text)
            if !result.findings.isGood { throw ExitCode.checkFailed }
        } catch let error as SinkError {
            throw ConfigurationProblem.usage("--against: \(error.reason)")
        }
    }

    private func audit(_ files: SinkFiles, _ line: ProgressLine) async throws -> FileAuditor.Result {
        let options = try database.resolved()
        let filter = options.sinks.first { $0.name == sink }?.filter ?? EventFilter()
        let connector = AdministrationConnector(try ConnectionTarget(parsing: options.database))
        let session = try await connector.connect()
        let table = try await AuditTable(session, sink: sink, filter: filter)
        let auditor = FileAuditor(files, table, from: from, to: to, heard: { line.advance(to: Int64($0)) })
        let result = try await auditor.run()
        await session.close()
        return result
    }
}

extension FileAuditor.Result {
    /// The members and their order are a promise.
    fileprivate var json: JSONText {
        let counts = AuditFindings.Kind.allCases.map { ($0.rawValue, JSONText.int(Int64(findings.count($0)))) }
        let cases = findings.cases.map { found in
            JSONText.object([
                ("finding", .string(found.kind.rawValue)), ("id", found.id.map { .int($0) } ?? .null),
                ("file", .string(or: found.place.map { paths[$0.file] })),
                ("line", found.place.map { .int(Int64($0.line)) } ?? .null),
            ])
        }
        return .object(
            [
                ("ok", .bool(findings.isGood)), ("files", .array(paths.map { .string($0) })),
                ("lines", .int(Int64(findings.lines))), ("events", .int(Int64(findings.events))),
                ("first_id", findings.firstID.map { .int($0) } ?? .null),
                ("last_id", findings.lastID.map { .int($0) } ?? .null),
            ] + counts + [
                ("late", .int(Int64(findings.late))), ("pending", .int(Int64(findings.pending))),
                ("purged", .int(Int64(findings.purged))), ("exact", .bool(findings.isExact)),
                ("cases", .array(cases)),
            ])
    }

    /// For people.
    fileprivate var text: String {
        var lines = findings.cases.map { found in
            let event = found.id.map { ": event \($0)" } ?? ""
            return "\(found.kind.words)\(event)" + (found.place.map { ", \(paths[$0.file]):\($0.line)" } ?? "")
        }
        for kind in AuditFindings.Kind.allCases where findings.count(kind) > AuditFindings.kept {
            lines.append("\(kind.words): \(findings.count(kind) - AuditFindings.kept) more")
        }
        let lowestLost = findings.cases.lazy.filter { $0.kind == .lost }.compactMap(\.id).min()
        if let first = findings.firstID, let lowestLost, lowestLost < first {
            lines.append("the files begin with event \(first); if that is intended, add --from \(first)")
        }
        let counts = AuditFindings.Kind.allCases.map { "\($0.rawValue)=\(findings.count($0))" }
        lines.append(
            "verify: events=\(findings.events) \(counts.joined(separator: " ")) late=\(findings.late) "
                + "pending=\(findings.pending) purged=\(findings.purged)")
        return lines.joined(separator: "\n")
    }
}

extension AuditFindings.Kind {
    fileprivate var words: String {
        switch self {
        case .lost: "lost"
        case .undelivered: "never delivered to the file"
        case .outOfOrder: "out of order"
        case .duplicates: "repeated"
        case .otherTime: "same id, but another created_at"
        case .changed: "its data is not the row's payload"
        case .unknown: "not in the table"
        case .foreign: "not an event"
        case .torn: "incomplete line"
        }
    }
}
