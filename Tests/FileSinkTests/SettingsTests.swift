import RelayCore
import Testing

@testable import FileSink

@Suite("Settings and paths of files")
struct SettingsTests {
    @Test(arguments: [
        ("events.jsonl", ".", "events.jsonl"), ("/events", "/", "events"), ("a/b/c%%", "a/b", "c%"),
        ("/var/log/%Y-%m-%d/../x", nil, "has a % in its folder"),
        ("/v/e-%Y-%m-%d_%H.jsonl", "/v", "e-2026-03-01_09.jsonl"), ("%H%d", ".", "0901"),
        ("", nil, "names no file"), ("/", nil, "names no file"), ("a/", nil, "names no file"),
        ("a/..", nil, "names no file"),
        ("a/%y", nil, "is not part of %Y"), ("a/b%", nil, "is not part of %Y"), ("a\0b", nil, "a zero byte"),
        (String(repeating: "n", count: 201), nil, "more than 200 bytes"),
    ]) func path(_ path: String, folder: String?, name: String) throws {
        guard let folder else {
            let problem = try #require(FileSinkSettings(path: path).problem)
            #expect(problem.contains(name))
            return
        }
        let template = try PathTemplate(path)
        #expect(template.folder == folder)
        #expect(template.name(at: 1_772_355_600) == name)
        #expect(template.suffix(of: name) == "")
        #expect(template.suffix(of: name + ".1") == ".1")
        #expect(template.suffix(of: "x" + name) == nil)
        #expect(FileSinkSettings(path: path).problem == nil)
    }

    @Test func dateOfAnotherShapeIsNotOurs() throws {
        let template = try PathTemplate("e-%Y.x")
        for name in ["e-20x6.x", "e-202.x", "e-", "", "e-2026.y", "e-２０２６.x"] {
            #expect(template.suffix(of: name) == nil)
        }
        #expect(template.name(at: -1) == "e-1969.x")
        #expect(template.name(at: 0) == "e-1970.x")
    }

    @Test func values() {
        func problem(_ change: (inout FileSinkSettings) -> Void) -> String {
            var settings = FileSinkSettings(path: "a")
            change(&settings)
            return settings.problem ?? ""
        }
        #expect(problem { $0.rotation.size = 0 }.contains("at 0 bytes"))
        #expect(problem { $0.rotation.age = .milliseconds(999) }.contains("at least 1s"))
        #expect(problem { $0.mode = 0o440 }.contains("the mode 0440"))
        #expect(problem { $0.mode = 0o1640 }.contains("the mode 01640"))
        #expect(problem { $0.window = 0 }.contains("a window of at least 1"))
        #expect(problem { ($0.mode, $0.rotation) = (0o600, .init(size: 1, age: .seconds(1))) }.isEmpty)
    }

    @Test(arguments: [
        ([], 1), (["a.000001"], 2), (["a.000009", "a.000002"], 10), (["a.1", "b.000005", "a.000004.gz"], 5),
        (["a.1000000"], 1_000_001), (["a.99999999999999999999", "a.9223372036854775807"], 1),
    ]) func number(_ names: [String], _ next: Int) { #expect(RotatedName.next(after: names, of: "a") == next) }

    @Test func windowForgetsTheOldest() {
        var window = SeenWindow(capacity: 3)
        let (time, other) = (FileTime(createdAt: 1), FileTime(createdAt: 2))
        #expect(window.highest == nil)
        for id: Int64 in [7, 3, 7, 5] { window.append(id, time) }
        // The first 7 is forgotten, the second is not.
        #expect(window.verdict(on: 7, time) == .present)
        #expect(window.verdict(on: 7, other) == .different(time))
        #expect(window.highest == 7)
        window.append(9, time)
        #expect(window.verdict(on: 3, time) == .absent)
        window.append(11, other)
        #expect(window.verdict(on: 7, time) == .absent)
        #expect(window.verdict(on: 11, other) == .present)
    }

    @Test func timesThatNoLineNames() {
        #expect(FileTime(createdAt: .max) == FileTime(createdAt: .min + 1))
        #expect(FileTime(createdAt: .max) == FileTime(nil))
        #expect(FileTime(createdAt: .max).text == "none")
        #expect(FileTime(createdAt: 0) != FileTime(nil))
    }
}
