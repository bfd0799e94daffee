import RelayCore

/// A table and a file in memory, and the audit of one against the other as its driver makes it.
struct AuditScene {
    /// Ascending ids.
    var rows: [AuditRow]
    var lines: [AuditLine] = []
    var floor: AuditFloor

    /// Rows created a millisecond apart, ten of which one transaction settled, half a second after the last of them.
    init(_ ids: some Sequence<Int64>) {
        rows = ids.enumerated().map { place, id in
            AuditRow(
                id: id, createdAt: Int64(place) * 1000, publishedAt: Int64(place / 10) * 10_000 + 500_000,
                transaction: 900 + Int64(place / 10), payload: Self.payload(id))
        }
        floor = AuditFloor(
            lowestID: rows.first?.id, publishedAt: rows.first?.publishedAt, lastValue: rows.last?.id ?? 0)
        lines = rows.map(Self.line)
    }

    static func payload(_ id: Int64) -> PayloadDigest {
        PayloadDigest(SIMD4(UInt64(bitPattern: id), 1, 2, 3))
    }

    static func line(_ row: AuditRow) -> AuditLine {
        AuditLine(
            id: row.id, time: EventTime(microseconds: row.createdAt), payload: row.payload,
            place: .init(file: 0, line: 1))
    }

    subscript(id: Int64) -> AuditRow {
        get { rows.first { $0.id == id } ?? rows[0] }
        set { if let index = rows.firstIndex(where: { $0.id == id }) { rows[index] = newValue } }
    }

    /// Takes the line of an event out.
    mutating func drop(_ id: Int64) { lines.removeAll { $0.id == id } }

    /// Puts the line of an event behind that of another.
    mutating func move(_ id: Int64, behind other: Int64) {
        guard let from = lines.firstIndex(where: { $0.id == id }) else { return }
        let line = lines.remove(at: from)
        guard let to = lines.firstIndex(where: { $0.id == other }) else { return }
        lines.insert(line, at: to + 1)
    }

    /// - Parameters:
    ///   - portion: lines of a portion.
    ///   - page: rows of one answer of the table.
    func audit(
        portion: Int = 3, page: Int = 2, from: Int64? = nil, to: Int64? = nil, given: (Int64) -> Bool = { _ in true }
    ) -> AuditFindings {
        var audit = FileAudit(from: from, to: to)
        for start in stride(from: 0, to: lines.count, by: portion) {
            let lines = Array(lines[start..<min(start + portion, lines.count)])
            let ids = Set(lines.map(\.id))
            if let range = audit.begin(lines, rows: rows.filter { ids.contains($0.id) }) {
                let passed = rows.map(\.id).filter { $0 >= range.first && $0 <= range.last }
                for start in stride(from: 0, to: passed.count, by: page) {
                    audit.pass(Array(passed[start..<min(start + page, passed.count)]))
                }
            }
            for range in audit.judge(floor) { note(range, &audit, given) }
        }
        for range in audit.missing { note(range, &audit, given) }
        return audit.findings
    }

    private func note(_ range: IDRange, _ audit: inout FileAudit, _ given: (Int64) -> Bool) {
        for row in rows where row.id >= range.first && row.id <= range.last {
            if given(row.id) { audit.note(missing: row.id) } else { audit.notePending() }
        }
    }
}

extension AuditFindings {
    /// What is not 0, in words.
    var summary: [String] {
        Kind.allCases.filter { count($0) > 0 }.map { "\($0.rawValue) \(count($0))" }
            + [("late", late), ("pending", pending), ("purged", purged)].filter { $0.1 > 0 }.map { "\($0.0) \($0.1)" }
    }

    func ids(_ kind: Kind) -> [Int64] { cases.filter { $0.kind == kind }.compactMap(\.id) }
}
