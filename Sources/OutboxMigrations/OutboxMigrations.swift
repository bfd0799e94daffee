package import Migrations

/// The outbox's schema, as `migrations/outbox/` holds it.
package enum OutboxMigrations {
    /// Every file, in order.
    package static let all: [Migration] = [
        Migration(version: 1, name: "outbox", file: PackageResources._01_outbox_sql),
        Migration(version: 2, name: "relay", file: PackageResources._02_relay_sql),
        Migration(version: 3, name: "publication", file: PackageResources._03_publication_sql),
        Migration(version: 4, name: "parked", file: PackageResources._04_parked_sql),
        Migration(version: 5, name: "bounds", file: PackageResources._05_bounds_sql),
        Migration(version: 6, name: "autovacuum", file: PackageResources._06_autovacuum_sql),
    ]

    /// The highest version that this build knows; a database that holds a newer one is not its to serve.
    package static let newest = all.map(\.version).max() ?? 0
}
