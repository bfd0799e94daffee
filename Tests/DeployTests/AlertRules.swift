import Foundation
import Yams

/// `deploy/prometheus/alerts.yaml`
struct AlertRules: Decodable {
    struct Rule: Decodable {
        var alert: String?
        var record: String?
        var expr: String
        var `for`: String?
        var labels: [String: String]?
        var annotations: [String: String]?
    }

    private struct Group: Decodable {
        var rules: [Rule]
    }

    private var groups: [Group]

    static func read() throws -> AlertRules {
        try YAMLDecoder().decode(AlertRules.self, from: Deploy.text("prometheus/alerts.yaml"))
    }

    var all: [Rule] { groups.flatMap(\.rules) }
    var alerts: [Rule] { all.filter { $0.alert != nil } }
    var names: Set<String> { Set(alerts.compactMap(\.alert)) }
    /// Names that rules give to their results.
    var recorded: Set<String> { Set(all.compactMap(\.record)) }
}
