import RelayCore
import RelayTestKit
import Testing

@Suite("What a file holds against the table")
struct FileAuditTests {
    /// Ids with gaps that rollbacks left.
    private let scene = AuditScene([1, 2, 3, 5, 6, 7, 10, 11, 12, 13, 20, 21, 22])

    @Test(arguments: [1, 2, 3, 100]) func nothingIsWrong(portion: Int) {
        let findings = scene.audit(portion: portion)
        #expect(findings.isGood && findings.summary.isEmpty && findings.isExact)
        #expect(findings.events == 13 && findings.firstID == 1 && findings.lastID == 22)
    }

    @Test(arguments: [1, 2, 3, 100]) func lostAndUndelivered(portion: Int) {
        var scene = scene
        for id: Int64 in [2, 6, 7, 10, 22] { scene.drop(id) }
        let findings = scene.audit(portion: portion)
        #expect(findings.summary == ["lost 4", "undelivered 1"])
        #expect(findings.ids(.lost) == [2, 6, 7, 10] && findings.ids(.undelivered) == [22])
        #expect(scene.audit(portion: portion, given: { $0 <= 6 }).summary == ["lost 2", "pending 3"])
    }

    @Test func whereAFileBegins() {
        var scene = scene
        for id: Int64 in [1, 2, 3] { scene.drop(id) }
        #expect(scene.audit().ids(.lost) == [1, 2, 3])
        #expect(scene.audit(from: 2).ids(.lost) == [2, 3])
        #expect(scene.audit(from: 4).isGood)
        #expect(scene.audit(from: 4, to: 12).events == 6)
        scene.drop(22)
        #expect(scene.audit(from: 4).summary == ["undelivered 1"])
        #expect(scene.audit(from: 4, to: 21).isGood)
        scene.lines = []
        #expect(scene.audit().summary == ["undelivered 13"])
        #expect(scene.audit(given: { _ in false }).summary == ["pending 13"])
    }

    @Test(arguments: [1, 2, 3, 100]) func swapped(portion: Int) {
        var scene = scene
        scene.move(6, behind: 7)
        #expect(scene.audit(portion: portion).summary == ["out_of_order 1"])
        #expect(scene.audit(portion: portion).ids(.outOfOrder) == [6])
        scene.move(2, behind: 21)
        #expect(scene.audit(portion: portion).ids(.outOfOrder).sorted() == [2, 6])
    }

    /// A row that turned up late was settled by a later transaction than what came before it.
    @Test(arguments: [1, 2, 3, 100]) func late(portion: Int) {
        var scene = scene
        scene.move(6, behind: 12)
        scene[6].publishedAt = 700_000
        scene[6].transaction = 950
        #expect(scene.audit(portion: portion).summary == ["late 1"])
        // By the same transaction, whatever the time that it wrote first.
        scene[6].transaction = scene[7].transaction
        #expect(scene.audit(portion: portion).summary == ["out_of_order 1"])
        // All of one transaction, as after a restore.
        scene[6].publishedAt = 2_000_000
        #expect(scene.audit(portion: portion).summary == ["late 1"])
        // Settled first, and created last.
        scene[6].publishedAt = 1
        #expect(scene.audit(portion: portion).summary == ["out_of_order 1"])
        scene[6].createdAt = scene[7].createdAt + 1
        scene.lines = scene.lines.map { $0.id == 6 ? AuditScene.line(scene[6]) : $0 }
        #expect(scene.audit(portion: portion).summary == ["late 1"])
    }

    /// Two late rows that were settled together: neither is held against the other.
    @Test(arguments: [1, 2, 3, 100]) func severalLate(portion: Int) {
        var scene = scene
        scene.move(2, behind: 13)
        scene.move(3, behind: 12)
        for id: Int64 in [2, 3] { (scene[id].publishedAt, scene[id].transaction) = (800_000, 960) }
        #expect(scene.audit(portion: portion).summary == ["late 2"])
    }

    @Test func notSettledYet() {
        var scene = scene
        scene.move(21, behind: 22)
        #expect(scene.audit().summary == ["out_of_order 1"])
        scene[21].publishedAt = nil
        #expect(scene.audit().summary == ["late 1"])
    }

    @Test(arguments: [1, 2, 3, 100]) func repeated(portion: Int) {
        var scene = scene
        scene.lines.insert(scene.lines[3], at: 4)
        scene.lines.append(scene.lines[0])
        #expect(scene.audit(portion: portion).summary == ["duplicates 2"])
        scene.move(6, behind: 12)
        (scene[6].publishedAt, scene[6].transaction) = (700_000, 950)
        scene.lines.append(AuditScene.line(scene[6]))
        #expect(scene.audit(portion: portion).summary == ["duplicates 3", "late 1"])
    }

    @Test func changed() {
        var scene = scene
        scene.lines[4].payload = AuditScene.payload(0)
        #expect(scene.audit().summary == ["changed 1"])
        #expect(scene.audit().ids(.changed) == [6])
    }

    /// A line of another outbox is not a delivery of this one's event.
    @Test func anotherTime() {
        var scene = scene
        scene.lines[4].time = 7
        #expect(scene.audit().summary == ["lost 1", "other_time 1"])
        scene.lines.append(AuditScene.line(scene[6]))
        #expect(scene.audit().summary == ["out_of_order 1", "other_time 1"])
    }

    @Test func notInTheTable() {
        var scene = scene
        let known = scene.lines
        for (id, time) in [(4, 600_000), (99, 0)] as [(Int64, Int64)] {
            scene.lines = known
            scene.lines[2] = AuditScene.line(
                AuditRow(id: id, createdAt: time, publishedAt: nil, transaction: 1, payload: AuditScene.payload(id)))
            #expect(scene.audit().summary == ["lost 1", "unknown 1"])
        }
        // It may have been purged.
        scene.lines = known
        scene.rows.removeFirst(3)
        scene.floor.lowestID = 5
        #expect(scene.audit().summary == ["purged 3"])
        #expect(scene.audit().firstID == 5)
    }

    /// A wild id does not make everything behind it come out of order.
    @Test func aWildID() {
        var scene = scene
        let wild = AuditRow(
            id: .max, createdAt: 1, publishedAt: nil, transaction: 1, payload: AuditScene.payload(1))
        scene.lines.insert(AuditScene.line(wild), at: 1)
        #expect(scene.audit().summary == ["unknown 1"])
        scene[22].id = .max
        scene.lines = scene.rows.map(AuditScene.line)
        #expect(scene.audit().isGood)
    }

    @Test func samplesAreBounded() {
        var scene = AuditScene(1...5000)
        scene.lines.removeAll { $0.id > 100 && $0.id < 4900 }
        let findings = scene.audit(portion: 64, page: 100)
        #expect(findings.count(.lost) == 4799)
        #expect(findings.ids(.lost) == Array(101...110))
    }

    /// More gaps than are kept: the verdict stays, the counts of lost rows too.
    @Test func tooManyGaps() {
        var scene = AuditScene([])
        scene.rows = (1...260_000).map {
            AuditRow(id: $0, createdAt: $0, publishedAt: $0, transaction: 1, payload: AuditScene.payload(0))
        }
        var audit = FileAudit(from: 1)
        var lost = 0
        for start in stride(from: Int64(1), to: 260_000, by: 4000) {
            let rows = scene.rows[Int(start - 1)..<Int(start + 3999)]
            let lines = rows.filter { $0.id % 2 == 1 }.map(AuditScene.line)
            if let range = audit.begin(lines, rows: Array(rows)) { audit.pass(Array(range.first...range.last)) }
            for range in audit.judge(AuditFloor(lastValue: 260_000)) { lost += Int(range.last - range.first + 1) }
        }
        #expect(!audit.findings.isExact && lost > 0)
        for range in audit.missing where range.last < .max { lost += Int(range.last - range.first + 1) }
        #expect(lost == 129_999)
    }

    /// Against an audit that keeps everything in memory.
    @Test(arguments: 0..<300 as Range<UInt64>) func anyDisorder(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let ids = (1...60 as ClosedRange<Int64>).filter { _ in Int.random(in: 0..<5, using: &random) > 0 }
        var scene = AuditScene(ids)
        let order = scene.lines
        for _ in 0..<Int.random(in: 0..<8, using: &random) where !scene.lines.isEmpty {
            let place = Int.random(in: 0..<scene.lines.count, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: scene.lines.remove(at: place)
            case 1: scene.lines.insert(order[Int.random(in: 0..<order.count, using: &random)], at: place)
            default: scene.lines.swapAt(place, Int.random(in: 0..<scene.lines.count, using: &random))
            }
        }
        let findings = scene.audit(
            portion: Int.random(in: 1..<12, using: &random), page: Int.random(in: 1..<9, using: &random), from: 1)
        let whole = Audit(scene.lines.map(\.id))
        #expect(findings.events == whole.firsts.count)
        #expect(findings.count(.duplicates) == whole.duplicates.count)
        #expect(findings.count(.lost) + findings.count(.undelivered) == whole.lost(of: ids).count)
        #expect(findings.count(.outOfOrder) + findings.late == whole.outOfOrder().count)
    }
}
