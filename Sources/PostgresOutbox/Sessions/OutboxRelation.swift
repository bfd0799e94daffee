import Libpq

/// A table or a sequence as the catalogue showed it: interpolated into a statement it is its name, in quotes and with its
/// schema.
package struct OutboxRelation: Sendable, Hashable, SQLExpressible {
    /// The schema's name as it is, without quotes.
    package let schema: String
    /// The relation's name as it is, without quotes.
    package let name: String
    /// 0 where there is no such relation: the name is then the one that it usually has.
    package let oid: UInt32
    /// The qualified name as people write it: in quotes only where it needs them.
    package let shown: String
    /// The name as SQL, such as `"ledger"."outbox"`.
    package let sql: SQLText

    package init(schema: String, name: String, oid: UInt32, shown: String) {
        self.schema = schema
        self.name = name
        self.oid = oid
        self.shown = shown
        sql = "\(SQLText(name: schema)).\(SQLText(name: name))"
    }

    /// Whether the catalogue showed it.
    package var exists: Bool { oid != 0 }

    /// The oid as an SQL constant: what a statement names the relation by that must mean this one and no other.
    package var oidSQL: SQLText { "'\(Int(oid))'::pg_catalog.oid" }
}
