import OutboxMigrations

/// The outbox is no longer what a session resolved, or its tables are newer than this version knows: nothing more may be
/// read or written by what was resolved.
package struct OutboxChanged: Error, Hashable, Sendable, CustomStringConvertible {
    /// One sentence: what changed.
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}

extension OutboxSchema {
    /// What of this is no longer so.
    ///
    /// - Parameter now: what the same search path finds; nil for no outbox.
    func change(to now: OutboxSchema?) -> OutboxChanged? {
        guard let now else {
            return OutboxChanged(
                "table \(table.shown) is gone from the search path \(searchPath): it was renamed, moved or dropped;"
                    + " put it back")
        }
        if now.schema != schema {
            return OutboxChanged(
                "the search path \(searchPath) now finds \(now.table.shown) in the place of \(table.shown)")
        }
        if now.table.oid != table.oid {
            return OutboxChanged("table \(table.shown) was replaced by another of the same name")
        }
        return change(of: "unpublished partition (FOR VALUES IN (true))", unpublished, now.unpublished)
            ?? change(of: "published partition (FOR VALUES IN (false))", published, now.published)
            ?? change(of: "sequence", sequence, now.sequence)
    }

    private func change(of part: String, _ old: OutboxRelation, _ new: OutboxRelation) -> OutboxChanged? {
        guard old != new else { return nil }
        guard new.exists else {
            return OutboxChanged(
                "\(old.shown) is no longer the \(part) of \(table.shown): it was detached or dropped, or the column no longer owns it;"
                    + " put it back")
        }
        return OutboxChanged(
            new.oid == old.oid
                ? "the \(part) of \(table.shown) was renamed from \(old.shown) to \(new.shown)"
                : "the \(part) of \(table.shown) is now another one, \(new.shown) in the place of \(old.shown)")
    }

    /// What there is to say of a database whose migrations are newer than this version knows; nil where they are not.
    static func tooNew(migration: Int64) -> String? {
        guard migration > OutboxMigrations.newest else { return nil }
        return "the database has migration \(migration), but this version knows those up to \(OutboxMigrations.newest)"
    }
}
