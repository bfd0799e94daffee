package import Migrations

/// The reference ledger's schema, as `migrations/ledger/` holds it.
package enum LedgerMigrations {
    /// Every file, in order.
    package static let all: [Migration] = [
        Migration(version: 1, name: "ledger", file: PackageResources._01_ledger_sql),
        Migration(version: 2, name: "transfers", file: PackageResources._02_transfers_sql),
        Migration(version: 3, name: "holds", file: PackageResources._03_holds_sql),
        Migration(version: 4, name: "balances", file: PackageResources._04_balances_sql),
        Migration(version: 5, name: "checks", file: PackageResources._05_checks_sql),
        Migration(version: 6, name: "documents", file: PackageResources._06_documents_sql),
        Migration(version: 7, name: "requests", file: PackageResources._07_requests_sql),
    ]
}
