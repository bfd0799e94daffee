import Foundation
import RelayTestKit
import Testing

/// The page for people, `Sources/RelaySight/Files/page.html`.
@Suite("The page", .timeLimit(.minutes(10)))
struct PageTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private func text() throws -> String {
        let path = Self.root.appendingPathComponent("Sources/RelaySight/Files/page.html").path
        return try String(contentsOfFile: path, encoding: .utf8)
    }

    @Test func isSmall() throws {
        #expect(try text().utf8.count <= 48 << 10)
    }

    /// Neither an outside address, nor what the policy forbids, nor a way for a name to become markup.
    @Test(arguments: [
        ("(https?|wss?|javascript):", "<a href=\"https://example.com/\">"),
        ("[\"'`(]\\s*//\\w", "fetch(\"//example.com/\")"),
        ("url\\(|@import", "background: url(/logo.png)"),
        ("<(img|iframe|object|embed|base|form|audio|video|source)\\b", "<img src=logo.png>"),
        ("<link(?! rel=\"icon\" href=\"data:,\">)", "<link rel=\"stylesheet\" href=\"page.css\">"),
        ("(href|src|fetch\\()\\W{1,2}/", "<a href=\"/status\">"),
        ("<[^>]*\\son[a-z]+\\s*=", "<button type=\"button\" onclick=\"poll()\">"),
        ("<[^>]*\\sstyle\\s*=", "<p style=\"color: red\">"),
        ("(inner|outer)HTML|AdjacentHTML|setHTML|ContextualFragment|DOMParser", "node.innerHTML = name"),
        ("document\\.(write|cookie)|(local|session)Storage", "document.write(name)"),
        ("\\beval\\b|new Function|set(Timeout|Interval)\\([\"'`]", "setTimeout(\"poll()\", 5000)"),
    ])
    func holdsNone(of pattern: String, such example: String) throws {
        func finds(_ text: String) -> Bool {
            text.range(of: pattern, options: [.regularExpression, .caseInsensitive]) != nil
        }
        #expect(finds(example))
        #expect(try !finds(text()))
    }

    /// A headless Chromium shows it in every scene, wide and narrow, by day and by night, and through changes. Its pictures are
    /// left in `.build/page-screenshots`.
    @Test(.enabled(if: Chromium.canBeHad, "this distribution has no package of Chromium; CHROMIUM=PATH names one"))
    func isSeenByABrowser() async throws {
        let browser = try Chromium.path()
        try await Turn.heavy.take {
            var stages: [StagedSight] = []
            for scene in PageScene.all { stages.append(try await StagedSight.start(scene)) }
            let list = FileManager.default.temporaryDirectory.appendingPathComponent("scenes-\(UUID().uuidString)")
            let scenes = stages.map { stage in
                ServedScene(
                    name: stage.scene.name, url: stage.url, shows: stage.scene.shows, hides: stage.scene.hides)
            }
            try JSONEncoder().encode(scenes).write(to: list)
            defer { try? FileManager.default.removeItem(at: list) }
            let judge = Self.root.appendingPathComponent("Tests/RelaySightTests/judge/judge.py").path
            let shots = Self.root.appendingPathComponent(".build/page-screenshots").path
            let judged = try await run(
                ["python3", judge, browser, list.path, "--screenshots", shots], within: .seconds(500))
            for stage in stages { try await stage.stop() }
            #expect(judged.status == .exited(0), "\(judged.output)\n\(judged.errors)")
        }
    }
}
