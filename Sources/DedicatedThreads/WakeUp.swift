import CLinux
import Glibc

/// What a thread of our own sleeps on, beside a socket or a pipe: an eventfd that any thread may signal.
///
/// It carries no meaning of its own. Who signals has written down elsewhere what changed; who wakes looks.
package final class WakeUp: Sendable {
    let descriptor: Int32

    /// `nil` where the process is out of descriptors.
    package init?() {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard descriptor >= 0 else { return nil }
    }

    deinit {
        if descriptor >= 0 { _ = close(descriptor) }
    }

    /// Ends the present wait, or the next one if there is none.
    package func signal() {
        var one: UInt64 = 1
        // It fails only with the counter at its top, and then the signal is there already.
        _ = unsafe write(descriptor, &one, 8)
    }

    /// Waits until the descriptor is ready, a signal comes or `deadline` passes; a signal is consumed.
    ///
    /// - Parameters:
    ///   - socket: the descriptor; a negative one is not waited for.
    ///   - events: `POLLIN`, `POLLOUT` or both.
    /// - Returns: the socket's events, 0 if it is not ready.
    @discardableResult
    package func wait(socket: Int32 = -1, events: Int32 = 0, until deadline: ContinuousClock.Instant? = nil) -> Int32 {
        var descriptors = (
            pollfd(fd: socket, events: Int16(truncatingIfNeeded: events), revents: 0),
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        )
        let ready = unsafe withUnsafeMutableBytes(of: &descriptors) { bytes in
            unsafe poll(bytes.assumingMemoryBound(to: pollfd.self).baseAddress, 2, Self.milliseconds(until: deadline))
        }
        guard ready > 0 else { return 0 }
        if descriptors.1.revents != 0 { consume() }
        return Int32(descriptors.0.revents)
    }

    /// Takes the signals that have come.
    func consume() {
        var count: UInt64 = 0
        _ = unsafe read(descriptor, &count, 8)
    }

    /// Rounded up, so that a wait never ends just short of its deadline; -1 is for ever.
    private static func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        guard let deadline else { return -1 }
        let left = ContinuousClock.now.duration(to: deadline)
        guard left > .zero else { return 0 }
        let (seconds, attoseconds) = left.components
        guard seconds < 1_000_000 else { return 1_000_000_000 }
        return Int32(seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
