import Glibc

/// Bytes that end where the process's memory ends: a read beyond them is a fault, in whatever code.
package struct GuardedBytes: ~Copyable {
    private let start: UnsafeMutableRawPointer
    private let length: Int
    private let count: Int

    /// - Returns: nil where there is no memory.
    package init?(_ bytes: [UInt8]) {
        let page = Int(getpagesize())
        let pages = (bytes.count + page - 1) / page
        length = (pages + 1) * page
        count = bytes.count
        guard let start = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            start != MAP_FAILED
        else { return nil }
        self.start = start
        mprotect(start + pages * page, page, PROT_NONE)
        (start + (pages * page - count)).copyMemory(from: bytes, byteCount: count)
    }

    deinit { munmap(start, length) }

    /// Lends them.
    package borrowing func withBytes<E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> Void) throws(E) {
        let page = Int(getpagesize())
        try body(UnsafeRawBufferPointer(start: start + (length - page - count), count: count))
    }
}
