import Libpq
import RelayCore

/// Words of others, in a form that the database can store: one that is not in UTF-8 refuses what its encoding lacks, and
/// a statement holds no NUL. What cannot be stored becomes a question mark; nothing may fail for it.
struct StorableText: Sendable {
    private let takesUnicode: Bool

    init(_ connection: Connection) {
        takesUnicode = ["UTF8", "SQL_ASCII"].contains(connection.info.serverEncoding)
    }

    func callAsFunction(_ text: String) -> String {
        guard !takesUnicode || text.utf8.contains(0) else { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(scalar.value > 0 && (takesUnicode || scalar.isASCII) ? scalar : "?")
        }
        return String(result)
    }

    func callAsFunction(_ parkings: [Parking]) -> [Parking] {
        parkings.map { Parking(id: $0.id, reason: self($0.reason), behind: $0.behind) }
    }

    func callAsFunction(_ lanes: [LaneProgress]) -> [LaneProgress] {
        lanes.map { lane in
            var lane = lane
            lane.parked = self(lane.parked)
            lane.parkedOutcomes = lane.parkedOutcomes.map {
                ParkedOutcome(id: $0.id, rejection: $0.rejection.map(self.callAsFunction))
            }
            return lane
        }
    }
}
