/// One SQL file of a schema: what a binary carries of `migrations/`.
package struct Migration: Sendable {
    /// Its place in the order, from 1.
    package let version: Int
    /// The name under which the file enters itself in its schema's migration table.
    package let name: String
    /// The file's text: statements that open and commit a transaction of their own and are safe to run again, also
    /// from several places at once.
    package let sql: String

    /// - Parameter file: the file's bytes, UTF-8.
    package init(version: Int, name: String, file: [UInt8]) {
        self.version = version
        self.name = name
        sql = String(decoding: file, as: UTF8.self)
    }
}
