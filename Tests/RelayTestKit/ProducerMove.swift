/// One transaction as a soak's producer makes it: every way in which an id is drawn before, or far from, its commit.
enum ProducerMove: CaseIterable {
    case insertIntoParent, insertIntoLeaf, drawLongBefore, rollBackToSavepoint, prepare, rollBack, leaveOpen, manyRows

    static func random(using random: inout SeededRandom) -> ProducerMove {
        switch Int.random(in: 0..<100, using: &random) {
        case ..<28: .insertIntoParent
        case ..<46: .insertIntoLeaf
        case ..<60: .drawLongBefore
        case ..<70: .rollBackToSavepoint
        case ..<80: .prepare
        case ..<89: .rollBack
        case ..<91: .leaveOpen
        default: .manyRows
        }
    }

    /// The statements of the transaction, in order, each to be sent by itself. The waits in it are the server's, so
    /// that a transaction stays open without a client's clock.
    func statements(longest: Double, identifier: String, using random: inout SeededRandom) -> [String] {
        let (insert, leaf) = (Self.insert(rows: 1), Self.insertDrawn)
        let pause = "SELECT pg_sleep(\(random.seconds(0.02)))"
        switch self {
        case .insertIntoParent: return [Self.insert(rows: Int.random(in: 1...3, using: &random))]
        case .insertIntoLeaf: return [Self.insertIntoLeaf(rows: Int.random(in: 1...3, using: &random))]
        case .drawLongBefore:
            return ["BEGIN", Self.draw, pause, leaf, pause, random.chance(0.8) ? "COMMIT" : "ROLLBACK"]
        case .rollBackToSavepoint:
            let undone = random.chance(0.5) ? insert : Self.insertIntoLeaf(rows: 2)
            return ["BEGIN", insert, "SAVEPOINT s", undone, pause, "ROLLBACK TO SAVEPOINT s", insert, "COMMIT"]
        case .prepare: return ["BEGIN", Self.draw, insert, leaf, "PREPARE TRANSACTION '\(identifier)'"]
        case .rollBack: return ["BEGIN", insert, pause, "ROLLBACK"]
        case .leaveOpen: return ["BEGIN", insert, "SELECT pg_sleep(\(random.seconds(longest)))", insert, "COMMIT"]
        case .manyRows:
            let rows = Int.random(in: 10...80, using: &random)
            return [random.chance(0.5) ? Self.insert(rows: rows) : Self.insertIntoLeaf(rows: rows)]
        }
    }

    private static let columns = "aggregate_type, aggregate_id, event_type, payload"

    private static func values(rows: Int) -> String {
        "'transfer', 'a' || n % 7, 'transfer.posted', jsonb_build_object('n', n) FROM generate_series(1, \(rows)) n"
    }

    private static func insert(rows: Int) -> String { "INSERT INTO outbox (\(columns)) SELECT \(values(rows: rows))" }

    private static func insertIntoLeaf(rows: Int) -> String {
        """
        INSERT INTO outbox_unpublished (id, \(columns)) OVERRIDING SYSTEM VALUE \
        SELECT nextval('outbox_id_seq'), \(values(rows: rows))
        """
    }

    /// Draws an id and keeps it in a setting of the transaction.
    private static let draw = "SELECT set_config('soak.id', nextval('outbox_id_seq')::text, true)"

    private static let insertDrawn = """
        INSERT INTO outbox_unpublished (id, \(columns)) OVERRIDING SYSTEM VALUE \
        SELECT current_setting('soak.id')::bigint, \(values(rows: 1))
        """
}
