import Foundation
import Testing

/// `deploy/grafana/outbox-relay.json`
@Suite struct DashboardTests {
    private struct Dashboard: Decodable {
        struct Panel: Decodable {
            var id: Int
            var type: String
            var title: String
            var description: String?
            var gridPos: Place
            var targets: [Target]?
        }

        struct Place: Decodable {
            var x: Int
            var y: Int
            var w: Int
            var h: Int

            func overlaps(_ other: Place) -> Bool {
                x < other.x + other.w && other.x < x + w && y < other.y + other.h && other.y < y + h
            }
        }

        struct Target: Decodable {
            var expr: String
            var refId: String
        }

        struct Variable: Decodable {
            var name: String
            var definition: String?
        }

        struct Templating: Decodable {
            var list: [Variable]
        }

        var panels: [Panel]
        var templating: Templating

        static func read() throws -> Dashboard {
            try JSONDecoder().decode(Dashboard.self, from: Data(Deploy.text("grafana/outbox-relay.json").utf8))
        }

        var queries: [String] {
            panels.flatMap { $0.targets ?? [] }.map(\.expr) + templating.list.compactMap(\.definition)
        }
    }

    @Test func everyPanelHasAPlaceOfItsOwn() throws {
        let panels = try Dashboard.read().panels
        #expect(Set(panels.map(\.id)).count == panels.count)
        for (index, panel) in panels.enumerated() {
            let place = panel.gridPos
            #expect(place.x >= 0 && place.y >= 0 && place.w > 0 && place.h > 0 && place.x + place.w <= 24)
            for other in panels[..<index] {
                #expect(!place.overlaps(other.gridPos), "\(panel.title) and \(other.title)")
            }
        }
    }

    @Test func everyPanelShowsSomethingAndSaysWhat() throws {
        for panel in try Dashboard.read().panels where panel.type != "row" {
            let targets = panel.targets ?? []
            #expect(!targets.isEmpty && panel.description?.isEmpty == false, "\(panel.title)")
            #expect(Set(targets.map(\.refId)).count == targets.count, "\(panel.title)")
        }
    }

    @Test func everyQueryIsOfTheChosenOutbox() throws {
        let dashboard = try Dashboard.read()
        #expect(dashboard.templating.list.map(\.name) == ["datasource", "job", "outbox", "sink"])
        for query in dashboard.panels.flatMap({ $0.targets ?? [] }).map(\.expr) {
            let selectors = query.matches(of: /outbox_relay_\w+\{([^}]*)\}/)
            #expect(selectors.count == query.matches(of: /outbox_relay_/).count, "\(query)")
            for selector in selectors {
                #expect(selector.output.1.hasPrefix(#"job="$job", outbox="$outbox""#), "\(query)")
            }
        }
    }

    @Test func everyMetricExists() async throws {
        let exposed = try await ExposingRelay.busyExposition()
        let queries = try Dashboard.read().queries
        for query in queries { #expect(exposed.unknown(in: query).isEmpty, "\(query)") }
        // And all that is exposed has its place, but for what a histogram has beside its buckets.
        let shown = queries.joined(separator: " ")
        for name in exposed.names where !name.hasSuffix("_sum") && !name.hasSuffix("_count") {
            #expect(shown.contains("\(name){"), "\(name) is not shown")
        }
    }
}
