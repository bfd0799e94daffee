import Glibc

// A reader that closes stdout or a socket is an error to be handled, not the end of the process.
signal(SIGPIPE, SIG_IGN)

exit(await Invocation.run(Array(CommandLine.arguments.dropFirst())))
