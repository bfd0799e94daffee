import Glibc
import RelayObservability
import Testing

@Suite("sd_notify")
struct SystemdNotifierTests {
    @Test(arguments: ["@outbox-relay-test-\(getpid())", "/tmp/outbox-relay-test-\(getpid()).sock"])
    func datagramsArrive(_ name: String) throws {
        let receiver = try NotifySocket(name)
        let notifier = SystemdNotifier(environment: ["NOTIFY_SOCKET": name])
        notifier.ready(status: "leads\nin poll mode")
        #expect(receiver.receive() == "READY=1\nSTATUS=leads in poll mode")
        notifier.isWorking()
        #expect(receiver.receive() == "WATCHDOG=1")
        notifier.reloading()
        #expect(receiver.receive()?.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") == true)
        notifier.reloaded()
        #expect(receiver.receive() == "READY=1")
        notifier.stopping()
        #expect(receiver.receive() == "STOPPING=1")
    }

    /// sd_watchdog_enabled(3)
    @Test func theWatchdogIsForThisProcess() {
        func limit(_ variables: [String: String]) -> Duration? {
            SystemdNotifier(environment: variables.merging(["NOTIFY_SOCKET": "@x"]) { $1 }).watchdogLimit
        }
        #expect(limit(["WATCHDOG_USEC": "30000000"]) == .seconds(30))
        #expect(limit(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "\(getpid())"]) == .seconds(30))
        #expect(limit(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"]) == nil)
        for text in ["", "0", "-5", "soon"] { #expect(limit(["WATCHDOG_USEC": text]) == nil) }
        #expect(SystemdNotifier(environment: ["WATCHDOG_USEC": "30000000"]).watchdogLimit == nil)
    }

    @Test(arguments: ["", "relative", "/nowhere/at/all", "/" + String(repeating: "x", count: 200)])
    func withoutAManagerNothingHappens(_ name: String) {
        SystemdNotifier(environment: ["NOTIFY_SOCKET": name]).ready(status: "leads")
        SystemdNotifier(environment: [:]).stopping()
    }
}

/// The manager's end of the socket.
private final class NotifySocket {
    private let descriptor: Int32
    private let path: String

    init(_ name: String) throws {
        path = name
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if name.hasPrefix("@") { bytes[0] = 0 } else { bytes.append(0) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(bound == 0)
    }

    deinit {
        close(descriptor)
        if path.hasPrefix("/") { unlink(path) }
    }

    /// The next datagram, which has been sent before this is asked.
    func receive() -> String? {
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }
}
