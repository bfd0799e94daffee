/// Why tracing cannot be set up, as one sentence for the operator: what is wrong, where, and how to fix it. Holds no
/// secret.
package struct TracingProblem: Error, Hashable, Sendable {
    package let message: String

    init(_ message: String) { self.message = message }
}
