/// Holds the lines of a file, in their order, against the rows of the outbox.
///
/// Both are ascending but for what is wrong and for late rows, so they are walked side by side, a portion of lines at a
/// time: for each, `begin` with the rows of its ids, `pass` for the rows that the file does not hold, and `judge`. What
/// is kept between portions is bounded (``OpenGaps``).
package struct FileAudit: Sendable {
    private let bounds: ClosedRange<Int64>
    private var gaps = OpenGaps()
    /// The highest event so far that the table holds.
    private var highest: AuditRow?
    package private(set) var findings = AuditFindings()

    private var lines: [AuditLine] = []
    /// The rows of the portion's ids; mostly one of an id, and two where it is in both leaves.
    private var rows: [Int64: [AuditRow]] = [:]
    /// Ids above the highest that the portion holds, ascending.
    private var newIDs: [Int64] = []
    /// Those of them that come in their order.
    private var newRecords: [AuditRow] = []

    /// - Parameters:
    ///   - from: the first id to look at; nil is the lowest row.
    ///   - to: the last id to look at; nil is the end.
    package init(from: Int64? = nil, to: Int64? = nil) {
        let first = from ?? .min
        bounds = first...max(first, to ?? .max)
    }

    /// Whether an event is to be looked at.
    package func includes(_ id: Int64) -> Bool { bounds.contains(id) }

    /// Takes the next lines, with the rows of their ids.
    ///
    /// - Returns: the ids in between which the table is to be asked for all its rows, if the portion goes higher.
    package mutating func begin(_ lines: [AuditLine], rows found: [AuditRow]) -> IDRange? {
        self.lines = lines.filter { includes($0.id) }
        rows.removeAll(keepingCapacity: true)
        for row in found { rows[row.id, default: []].append(row) }
        newIDs = []
        newRecords = []
        var top = highest?.id
        for line in self.lines {
            guard let row = row(of: line), Self.isAbove(highest?.id, line.id) else { continue }
            newIDs.append(line.id)
            if Self.isAbove(top, line.id) {
                newRecords.append(row)
                top = line.id
            }
        }
        newIDs.sort()
        guard let last = newRecords.last else { return nil }
        let first = highest.map { $0.id + 1 } ?? bounds.lowerBound
        return first < last.id ? IDRange(first, last.id) : nil
    }

    /// Takes ids of rows in the range that `begin` gave, ascending, all of them in one or several calls.
    package mutating func pass(_ ids: [Int64]) {
        var held = 0
        var record = 0
        for id in ids {
            var joins = true
            while held < newIDs.count, newIDs[held] < id { held += 1 }
            if held < newIDs.count, newIDs[held] == id { continue }
            while record < newRecords.count, newRecords[record].id < id { record += 1 }
            guard record < newRecords.count else { return }
            if held > 0, let last = gaps.runs.last?.last, newIDs[held - 1] > last { joins = false }
            gaps.append(id, next: newRecords[record], joins: joins)
        }
    }
}

extension FileAudit {
    /// Judges the portion.
    ///
    /// - Parameter floor: what the table holds at its bottom, read after the portion's rows.
    /// - Returns: gaps that there is no room for: their rows are to be counted as lost now, by `note(lost:)`.
    package mutating func judge(_ floor: AuditFloor) -> [IDRange] {
        var seen: Set<Int64> = []
        let before = highest
        for line in lines {
            guard let row = row(of: line) else {
                judgeWithoutRow(line, floor)
                continue
            }
            if rows[line.id]?.contains(where: { $0.lineTime == line.time && $0.payload == line.payload }) != true {
                findings.note(.changed, id: line.id, place: line.place)
            }
            if Self.isAbove(before?.id, line.id) {
                guard seen.insert(line.id).inserted else {
                    findings.note(.duplicates, id: line.id, place: line.place)
                    continue
                }
                if Self.isAbove(highest?.id, line.id) {
                    highest = row
                    count(line.id)
                } else if let next = newRecords.first(where: { $0.id > line.id }) {
                    judgeOrder(row, after: next, line)
                }
            } else if let next = gaps.take(line.id) {
                judgeOrder(row, after: next, line)
            } else {
                findings.note(.duplicates, id: line.id, place: line.place)
            }
        }
        let overflow = gaps.overflow()
        if !overflow.isEmpty { findings.isExact = false }
        return overflow
    }

    /// Counts lines that were read, whatever they hold.
    package mutating func count(lines: Int) { findings.lines += lines }

    /// Notes what is no event.
    package mutating func note(foreign place: AuditLine.Place) { findings.note(.foreign, place: place) }

    /// Notes a file that ends within a line.
    package mutating func note(torn place: AuditLine.Place) { findings.note(.torn, place: place) }

    /// Notes a row that the sink was given and the file does not hold.
    package mutating func note(missing id: Int64) {
        if let highest, id < highest.id { findings.note(.lost, id: id) } else { findings.note(.undelivered, id: id) }
    }

    /// Whether a row has not come.
    package func lacks(_ id: Int64) -> Bool { Self.isAbove(highest?.id, id) || gaps.contains(id) }

    /// Notes a row that the sink need not have been given yet.
    package mutating func notePending() { findings.pending += 1 }

    /// Where the table is to be asked for what the file does not hold, once all lines are judged; ascending.
    package var missing: [IDRange] {
        var ranges = gaps.runs.map { IDRange($0.first, $0.last) }
        if let highest {
            if highest.id < bounds.upperBound { ranges.append(IDRange(highest.id + 1, bounds.upperBound)) }
        } else {
            ranges.append(IDRange(bounds.lowerBound, bounds.upperBound))
        }
        return ranges
    }

    private static func isAbove(_ highest: Int64?, _ id: Int64) -> Bool { highest.map { id > $0 } ?? true }

    /// The row that a line tells of: that of its id and time.
    private func row(of line: AuditLine) -> AuditRow? { rows[line.id]?.first { $0.lineTime == line.time } }

    private mutating func judgeWithoutRow(_ line: AuditLine, _ floor: AuditFloor) {
        if rows[line.id] != nil {
            findings.note(.otherTime, id: line.id, place: line.place)
        } else if floor.shouldHold(line) {
            findings.note(.unknown, id: line.id, place: line.place)
        } else {
            findings.purged += 1
        }
    }

    private mutating func judgeOrder(_ row: AuditRow, after next: AuditRow, _ line: AuditLine) {
        count(row.id)
        if row.canBeLate(after: next) {
            findings.late += 1
        } else {
            findings.note(.outOfOrder, id: line.id, place: line.place)
        }
    }

    private mutating func count(_ id: Int64) {
        findings.events += 1
        findings.firstID = min(findings.firstID ?? id, id)
        findings.lastID = max(findings.lastID ?? id, id)
    }
}

/// What tells whether an event that the table does not hold may have been purged from it.
package struct AuditFloor: Sendable, Hashable {
    /// The published row with the lowest id, and when it was published; nil where there is none.
    package var lowestID: Int64?
    package var publishedAt: Int64?
    /// The last id that the sequence gave.
    package var lastValue: Int64

    package init(lowestID: Int64? = nil, publishedAt: Int64? = nil, lastValue: Int64) {
        self.lowestID = lowestID
        self.publishedAt = publishedAt
        self.lastValue = lastValue
    }

    /// A purge takes what was published longest ago. What was created after the lowest row that is left was published
    /// was published later still, and so was not taken.
    func shouldHold(_ line: AuditLine) -> Bool {
        if line.id > lastValue { return true }
        guard let lowestID, let publishedAt, let time = line.time else { return false }
        return line.id > lowestID && time >= publishedAt
    }
}
