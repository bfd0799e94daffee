import FileSink
import PostgresOutbox
import RelayCore

/// Audits what a file sink holds, beside a running relay or without one.
///
/// It reads the files as far as they go, again while they grow, then asks the table what they lack, and then reads on
/// once more: what the sink had been given when the table was asked is in the files by then.
package struct FileAuditor: Sendable {
    /// What was found, and in which files.
    package struct Result: Sendable {
        package var findings: AuditFindings
        /// In the order in which they were met; `AuditLine.Place.file` counts in it.
        package var paths: [String]
    }

    /// Lines of a portion.
    static let portion = 4096
    /// Rows that are looked for once more; what is missing beyond is counted at once.
    static let candidates = 1_000_000

    private let table: AuditTable
    private var reading: FileReading
    private var audit: FileAudit
    private let heard: @Sendable (_ bytes: Int) -> Void

    /// - Parameters:
    ///   - files: those of the sink.
    ///   - from: the first id to look at; nil is the lowest row of the table.
    ///   - to: the last id to look at; nil is the end.
    ///   - heard: told again and again how many bytes are read.
    package init(
        _ files: SinkFiles, _ table: AuditTable, from: Int64? = nil, to: Int64? = nil,
        heard: @escaping @Sendable (_ bytes: Int) -> Void = { _ in }
    ) {
        self.table = table
        self.heard = heard
        reading = FileReading(files)
        audit = FileAudit(from: from, to: to)
    }

    /// - Throws: a `SinkError` where a file cannot be read, a `Refusal` where the table cannot.
    package consuming func run() async throws -> Result {
        // A relay writes on meanwhile: what it adds gets less with each round.
        for _ in 0..<8 where try await readOn() > 1 << 20 {}
        try await awaitLineEnd()
        let missing = try await findMissing()
        if !missing.isEmpty { _ = try await readOn() }
        for id in missing where audit.lacks(id) { audit.note(missing: id) }
        for place in reading.tornPlaces { audit.note(torn: place) }
        audit.count(lines: reading.lineCount)
        return Result(findings: audit.findings, paths: reading.paths)
    }

    /// Judges what was added to the files, and says how many bytes it was.
    private mutating func readOn() async throws -> Int {
        let start = reading.byteCount
        try reading.openFiles()
        while true {
            let portion = try reading.next(Self.portion)
            for (place, isTorn) in portion.others {
                if isTorn { audit.note(torn: place) } else { audit.note(foreign: place) }
            }
            try await judge(portion.events)
            heard(reading.byteCount)
            if portion.isLast { return reading.byteCount - start }
        }
    }

    private mutating func judge(_ lines: [AuditLine]) async throws {
        let lines = lines.filter { audit.includes($0.id) }
        guard !lines.isEmpty else { return }
        let ids = Set(lines.map(\.id))
        let rows = try await table.rows(of: ids.sorted())
        if let range = audit.begin(lines, rows: rows) {
            try await forEachPage(of: range) { range in
                let ids = try await table.ids(in: range)
                audit.pass(ids)
                return (ids.count, ids.last)
            }
        }
        let isWhole = Set(rows.map(\.id)).count == ids.count
        let floor = isWhole ? AuditFloor(lastValue: .max) : try await table.floor()
        for range in audit.judge(floor) {
            try await forEachPage(of: range) { range in
                let rows = try await table.missing(in: range)
                for row in rows where row.state == .given { audit.note(missing: row.id) }
                return (rows.count, rows.last?.id)
            }
        }
    }

    /// A relay may be in the middle of a line.
    private mutating func awaitLineEnd() async throws {
        for _ in 0..<40 where reading.newestIsWithinLine {
            try await Task.sleep(for: .milliseconds(50))
            _ = try await readOn()
        }
    }

    /// What the sink was given by now and has not come, ascending.
    private mutating func findMissing() async throws -> [Int64] {
        var found: [Int64] = []
        for range in audit.missing {
            try await forEachPage(of: range) { range in
                let rows = try await table.missing(in: range)
                for row in rows {
                    switch row.state {
                    case .filtered: break
                    case .pending: audit.notePending()
                    case .given where found.count < Self.candidates: found.append(row.id)
                    case .given: audit.note(missing: row.id)
                    }
                }
                return (rows.count, rows.last?.id)
            }
        }
        return found
    }

    /// Calls `body` with what is left of a range, until it gives less than a page.
    private func forEachPage(
        of range: IDRange, _ body: (IDRange) async throws -> (count: Int, last: Int64?)
    ) async throws {
        var rest = range
        while true {
            let page = try await body(rest)
            guard page.count == AuditTable.pageSize, let last = page.last, last < range.last else { return }
            rest.first = last + 1
        }
    }
}
