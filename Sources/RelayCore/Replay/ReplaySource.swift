/// Where a replay's events come from.
package protocol ReplaySource: Sendable {
    /// The lowest rows above `request.after`, published or not, ascending; no transaction is open when it returns.
    func read(_ request: ReadRequest) async throws -> FetchedRows
}
