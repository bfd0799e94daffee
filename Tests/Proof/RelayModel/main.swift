import Foundation
import RelayExploration

// Explores the relay's decisions in every bounded world, and every mutant to see that the exploration bites.
// Arguments: words; only scenarios whose name holds one of them are explored. STATES=1 shows states in a schedule.

let words = CommandLine.arguments.dropFirst()
let showsStates = ProcessInfo.processInfo.environment["STATES"] != nil
let wanted = (Scenario.all + Scenario.mutants).filter { scenario in
    words.isEmpty || words.contains { scenario.name.contains($0) }
}
guard !wanted.isEmpty else {
    FileHandle.standardError.write(Data("no scenario has such a name; without a word all of them are explored\n".utf8))
    exit(64)
}
let failures = await Exploration.run(wanted, showsStates: showsStates) { line in
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
}
print(failures == 0 ? "every promise holds, every mutant is found" : "\(failures) explorations failed")
exit(failures == 0 ? 0 : 1)
