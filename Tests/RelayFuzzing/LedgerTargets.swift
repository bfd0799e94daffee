import LedgerCore

extension FuzzTarget {
    /// A request to the ledger's API: by its first byte an operation, then its body. What is taken is read again as the same.
    static let request = FuzzTarget("request") { input throws(BrokenPromise) in
        guard let first = input.first else { return false }
        let operations = LedgerRequest.Operation.allCases
        let operation = operations[Int(first) % operations.count]
        let subject = "00000000-0000-4000-8000-000000000001"
        let asked = { (body: [UInt8]) in try? LedgerRequest(operation, subject: subject, body: body).asked }
        guard let request = asked(Array(input.dropFirst())) else { return false }
        let again = asked(Array(request.utf8))
        try promise(again == request, "\(request) is read as \(again ?? "none")")
        try promise(!request.utf8.contains(0), "\(request) has a NUL")
        return true
    }

    /// The query of a URL of the ledger's API.
    static let query = FuzzTarget("query", longest: 1024) { input throws(BrokenPromise) in
        guard let time = time(inQuery: String(decoding: input, as: UTF8.self)) else { return false }
        try promise(time.utf8.count <= 40 && time.utf8.allSatisfy { $0 < 128 }, "\(time) is no time")
        return true
    }

    /// Reads everything that a query may say; `nil` where it is refused.
    private static func time(inQuery text: String) -> String? {
        do throws(Problem) {
            var query = try Query(text)
            _ = try query.uuid("hold")
            _ = try query.number("limit", 1...100)
            _ = try query.object("metadata")
            _ = query.text("prefix")
            let time = try query.time("as_of")
            try query.end()
            return time ?? ""
        } catch {
            return nil
        }
    }
}
