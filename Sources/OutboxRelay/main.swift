import ArgumentParser
import Dispatch
import Glibc
import RelayObservability

// First of all, since whatever opens a descriptor would get the number of a standard stream that is closed; the runtime
// does with the first task.
_ = StandardStreams.closedAtStart
StandardStreams.makeErrorsNonBlocking()

// A reader that closes stdout or a socket, and a limit on the size of files, are errors to be handled, not the end of
// the process.
signal(SIGPIPE, SIG_IGN)
signal(SIGXFSZ, SIG_IGN)

Task {
    let code = await Invocation.run(Array(CommandLine.arguments.dropFirst()))
    // What was said last is worth a moment; whoever does not read it then will not.
    LogOutput.standardError.drain(within: .seconds(1))
    exit(code.rawValue)
}
dispatchMain()
