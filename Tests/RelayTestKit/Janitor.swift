import Foundation
import Glibc
import Synchronization

/// Ends what the tests started and removes their folders, however this process ends: a shell that reads what there is
/// to do from a pipe, and does it when the pipe closes, which the kernel sees to.
final class Janitor: Sendable {
    static let shared = Janitor()

    /// The pipe's writing end, and the shell; nil once it was dismissed, or where it could not be started.
    private let desk: Mutex<(pipe: Int32, shell: pid_t)?>

    private static let script = """
        trap '' HUP INT TERM
        pids=' ' servers=' ' folders=
        while read -r verb what; do
          case $verb in
            pid) pids="$pids$what " ;;
            server) servers="$servers$what " ;;
            gone)
              case $pids in *" $what "*) pids="${pids%% $what *} ${pids#* $what }" ;; esac
              case $servers in *" $what "*) servers="${servers%% $what *} ${servers#* $what }" ;; esac ;;
            folder) folders="$folders $what" ;;
          esac
        done
        for pid in $pids; do kill -KILL $pid; done
        for pid in $servers; do kill -QUIT $pid; done
        for pid in $servers; do
          tries=0
          while kill -0 $pid && [ $tries -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
        done
        rm -rf $folders
        """

    private init() {
        guard let pipe = try? Pipe() else {
            desk = Mutex(nil)
            return
        }
        // A janitor that was killed must not take the tests along; children start with default handling anyway.
        signal(SIGPIPE, SIG_IGN)
        let environment = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"]
        let shell = try? ChildProcess(
            ["sh", "-c", Self.script], environment: environment, input: pipe.reading, tracked: false)
        close(pipe.reading)
        desk = Mutex(shell.map { (pipe.writing, $0.pid) })
        atexit { Janitor.shared.dismiss() }
    }

    /// To be killed at the end.
    func watch(pid: pid_t) { tell("pid \(pid)") }

    /// A database server, to be ended by an immediate shutdown before its folder is removed.
    func watch(server: pid_t) { tell("server \(server)") }

    func forget(pid: pid_t) { tell("gone \(pid)") }

    /// To be removed at the end.
    func remove(folder: String) { tell("folder \(folder)") }

    private func tell(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        desk.withLock { desk in
            guard let desk else { return }
            _ = write(desk.pipe, bytes, bytes.count)
        }
    }

    /// Lets it do its work and waits for it.
    private func dismiss() {
        let last = desk.withLock { desk in
            defer { desk = nil }
            return desk
        }
        guard let last else { return }
        close(last.pipe)
        var information = siginfo_t()
        while waitid(P_PID, id_t(last.shell), &information, WEXITED | WNOWAIT) == -1 && errno == EINTR {}
    }
}
