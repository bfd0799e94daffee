import CLinux
import Glibc

/// A thread's look at what its sleepers wait for: one ppoll(2) over all their descriptors, its own eventfd and the
/// earliest deadline. (A dozen descriptors at most: epoll would cost more calls than it saves.)
struct Look {
    struct Ready {
        var wait: Wait
        var events: Int32
    }

    private let wakeUp: WakeUp
    private var sleeping: [Wait] = []
    /// The eventfd, then the sleepers' descriptors in their order.
    private var descriptors: [pollfd] = []
    private var deadline: ContinuousClock.Instant?
    /// When was looked last.
    private(set) var last = ContinuousClock.now

    init(_ wakeUp: WakeUp) {
        self.wakeUp = wakeUp
    }

    /// Whether anybody sleeps.
    var isWorthwhile: Bool { !sleeping.isEmpty }

    mutating func prepare(for sleeping: [Wait]) {
        self.sleeping = sleeping
        descriptors.removeAll(keepingCapacity: true)
        descriptors.append(pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0))
        deadline = nil
        for one in sleeping {
            descriptors.append(pollfd(fd: one.socket, events: Int16(truncatingIfNeeded: one.events), revents: 0))
            if let due = one.deadline { deadline = min(deadline ?? due, due) }
        }
    }

    /// Waits until somebody is ready or the thread is woken; those that are ready.
    mutating func wait() -> [Ready] {
        let left = deadline.map { max(.zero, $0 - .now) }
        return poll(for: left.map(Self.nanoseconds) ?? -1)
    }

    /// Those that are ready already.
    mutating func now() -> [Ready] { poll(for: 0) }

    private mutating func poll(for nanoseconds: Int64) -> [Ready] {
        let count = unsafe descriptors.withUnsafeMutableBufferPointer { buffer in
            unsafe clinux_poll(buffer.baseAddress, UInt(buffer.count), nanoseconds)
        }
        last = .now
        if count > 0, descriptors[0].revents != 0 { wakeUp.consume() }
        var ready: [Ready] = []
        for (place, one) in sleeping.enumerated() {
            // A negative result (an interruption, or memory) says nothing of the descriptors.
            let events = count > 0 ? Int32(descriptors[place + 1].revents) : 0
            if events != 0 || one.deadline.map({ $0 <= last }) ?? false {
                ready.append(Ready(wait: one, events: events))
            }
        }
        return ready
    }

    private static func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return min(seconds, 1_000_000) * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
