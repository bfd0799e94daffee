import RelayObservability
@testable import RelaySight
import Testing

@Suite("The last errors")
struct RecentErrorsTests {
    @Test func oneThatComesAgainIsCounted() {
        var errors = RecentErrors()
        errors.note("503", sink: "hook", at: 1)
        errors.note("full", sink: nil, at: 2)
        errors.note("503", sink: "hook", at: 3)
        errors.note("503", sink: "other", at: 4)
        #expect(
            errors.entries == [
                .init(time: 2, sink: nil, text: "full", count: 1), .init(time: 3, sink: "hook", text: "503", count: 2),
                .init(time: 4, sink: "other", text: "503", count: 1),
            ])
    }

    @Test func theEventIsNamed() {
        var errors = RecentErrors()
        errors.note("rejects event 7: 422", sink: "hook", event: 7, at: 0)
        #expect(
            errors.json.text
                == #"[{"time":"1970-01-01T00:00:00.000Z","sink":"hook","event":7,"text":"rejects event 7: 422","count":1}]"#
        )
    }

    @Test func theOldestIsForgotten() {
        var errors = RecentErrors()
        for number in 1...RecentErrors.limit + 5 { errors.note("\(number)", sink: nil, at: Int64(number)) }
        #expect(errors.entries.map(\.text) == (6...RecentErrors.limit + 5).map(String.init))
    }

    @Test func aLongOneIsCutAndStaysOnOneLine() {
        var errors = RecentErrors()
        errors.note(String(repeating: "x\n", count: 100_000), sink: nil, at: 1)
        #expect(errors.entries.first?.text.count == RecentErrors.longest + 1)
        #expect(errors.entries.first?.text.contains("\n") == false)
    }
}
