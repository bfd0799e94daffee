import Foundation

/// A statement that a session ran and what it cost, as `auto_explain` wrote it into the server's log.
package struct StatementPlan: Sendable, CustomStringConvertible {
    /// One step of the plan, with all its repetitions.
    package struct Node: Sendable {
        /// As PostgreSQL calls it: `Seq Scan`, `Index Only Scan`, …
        package var type: String
        package var relation: String?
        package var index: String?
        /// Rows that it gave, and those that it threw away.
        package var rows: Double
        /// Rows that it read and threw away.
        package var removed: Double
    }

    /// Settings of a cluster that logs the plan of every statement of every session that is opened from then on. Times are
    /// left out: taking them costs more than most statements.
    package static let settings = [
        "session_preload_libraries": "auto_explain", "auto_explain.log_min_duration": "0",
        "auto_explain.log_analyze": "on", "auto_explain.log_buffers": "on", "auto_explain.log_timing": "off",
        "auto_explain.log_format": "json", "auto_explain.log_nested_statements": "on",
    ]

    /// The session's `application_name`.
    package var application: String
    package var query: String
    /// Pages that were asked for, in shared buffers.
    package var buffers: Double
    /// Every step, from the top.
    package var nodes: [Node]

    /// Its steps, for whoever is to find out why it costs so much.
    package var description: String {
        "\(Int(buffers)) pages; "
            + nodes.map { "\($0.type) \($0.index ?? $0.relation ?? ""): \(Int($0.rows)) rows" }.joined(separator: ", ")
    }

    /// The plans in a server's log whose lines begin as `PrivateCluster` has them.
    package static func all(in log: Substring) throws -> [StatementPlan] {
        var plans: [StatementPlan] = []
        var open: (application: String, text: String)?
        func close() throws {
            if let open { plans.append(try StatementPlan(open.application, open.text)) }
            open = nil
        }
        for line in log.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("\t") {
                open?.text += line + "\n"
                continue
            }
            try close()
            guard line.contains(" LOG:  duration: "), line.hasSuffix(" plan:"), let start = line.range(of: "] "),
                let end = line.range(of: " LOG:  duration: ")
            else { continue }
            // The database's name, then the application's.
            let names = line[start.upperBound..<end.lowerBound]
            open = (String(names.drop { $0 != " " }.dropFirst()).trimmingCharacters(in: .whitespaces), "")
        }
        // The last one may be only half written.
        return plans
    }

    private init(_ application: String, _ text: String) throws {
        let json = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any] ?? [:]
        let top = json["Plan"] as? [String: Any] ?? [:]
        self.application = application
        query = json["Query Text"] as? String ?? ""
        buffers = Self.number(top["Shared Hit Blocks"]) + Self.number(top["Shared Read Blocks"])
        nodes = Self.nodes(top)
    }

    private static func nodes(_ plan: [String: Any]) -> [Node] {
        let given = number(plan["Actual Rows"])
        let loops = number(plan["Actual Loops"])
        let removed = number(plan["Rows Removed by Filter"]) + number(plan["Rows Removed by Index Recheck"])
        let node = Node(
            type: plan["Node Type"] as? String ?? "", relation: plan["Relation Name"] as? String,
            index: plan["Index Name"] as? String, rows: (given + removed) * loops, removed: removed * loops)
        return [node] + (plan["Plans"] as? [[String: Any]] ?? []).flatMap(nodes)
    }

    private static func number(_ value: Any?) -> Double { (value as? NSNumber)?.doubleValue ?? 0 }
}
