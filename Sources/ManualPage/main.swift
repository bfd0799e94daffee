import Foundation

// The manual page of a program: what is written by hand, with the sections about commands and options that its argument
// parser tells of put in the place that the hand-written part marks.
//
//   outbox-relay --experimental-dump-help | manual-page deploy/man/outbox-relay.1 > outbox-relay.1

let mark = ".\\\" COMMANDS"

func refuse(_ message: String) -> Never {
    FileHandle.standardError.write(Data("manual-page: \(message)\n".utf8))
    exit(64)
}

guard let path = CommandLine.arguments.dropFirst().first, CommandLine.arguments.count == 2 else {
    refuse("name the hand-written part, and give what --experimental-dump-help prints on standard input")
}
guard let written = FileManager.default.contents(atPath: path).flatMap({ String(data: $0, encoding: .utf8) }) else {
    refuse("\(path) cannot be read as UTF-8")
}
let parts = written.components(separatedBy: mark + "\n")
guard parts.count == 2 else { refuse("\(path) must have one line \(mark), where the commands go") }
do {
    let tree = try JSONDecoder().decode(CommandTree.self, from: FileHandle.standardInput.readDataToEndOfFile())
    let page = parts[0] + CommandSections(tree).lines.map { $0 + "\n" }.joined() + parts[1]
    FileHandle.standardOutput.write(Data(page.utf8))
} catch {
    refuse("standard input is not what --experimental-dump-help prints: \(error)")
}
