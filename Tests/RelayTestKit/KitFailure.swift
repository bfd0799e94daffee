/// Why a test cannot go on: what was done or awaited, and what was found instead.
package struct KitFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
