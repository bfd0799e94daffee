import Libpq

/// What this build is.
enum BuildVersion {
    /// Semantic version of the product.
    static let number = "0.1.0"

    /// What `--version` prints: the build, and the libpq that the process runs with.
    static var text: String { "outbox-relay \(number) (libpq \(ClientLibrary.version))" }
}
