import Foundation
import LedgerExploration

// Explores how the ledger's HTTP API treats a request under an Idempotency-Key: three clients, one key, two bodies, and
// servers that die between any two steps; and every mutant, to see that the exploration bites.

func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

func show(_ name: String, _ report: RequestExploration.Report) {
    let count = "\(report.distinct) distinct states of \(report.generated), \(report.depth) steps deep"
    say("\(name): \(report.finding ?? "everything holds"); \(count)")
}

var failures = 0
let whole = RequestExploration.run(tries: 2, crashes: 1, refusals: 1)
show("three clients, two tries, one crash, one refusal", whole)
if whole.finding != nil {
    failures += 1
    for step in whole.way { say("  \(step)") }
}
for mutant in RequestMutant.allCases {
    let report = RequestExploration.run(tries: 2, crashes: 1, refusals: 1, mutant: mutant)
    show("mutant \(mutant.rawValue)", report)
    if report.finding == nil { failures += 1 }
}
say(failures == 0 ? "every request is done once, every mutant is found" : "\(failures) explorations failed")
exit(failures == 0 ? 0 : 1)
